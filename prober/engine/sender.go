package engine

import (
	"context"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// sender is the loop that knows what is due. Its fields are its own.
type sender struct {
	engine *Engine
	alarm  alarm
	agenda agenda
	chores time.Duration // when the housekeeping is due
	rest   time.Duration // between two wake-ups, at least
	burst  time.Duration // when the last burst that began is over, as scheduled

	punctual bool          // to the microsecond; else as the alarm goes
	late     time.Duration // how late the alarm is, on a sliding average

	parcels []*parcel // scratch
	out     []ledger.Delivery
}

func newSender(e *Engine, c *Config) sender {
	s := sender{engine: e}
	if c.spacing() < loadInterval && !c.Unpaced {
		s.rest = loadRest
		if c.Lingers {
			s.rest = lingerRest
		}
	}
	if c.GoTimers {
		s.alarm = newTimerAlarm()
		return s
	}
	s.alarm = newAlarm()
	s.punctual = s.rest == 0 && !c.Unpaced
	return s
}

// run sends and judges until ctx is done.
func (s *sender) run(ctx context.Context) {
	e := s.engine
	stop := context.AfterFunc(ctx, s.alarm.ring)
	defer stop()
	for ctx.Err() == nil {
		now := e.present()
		e.clock.expect(now + maxPause)
		if e.replan.Swap(false) {
			s.agenda.reset(*e.parts.Load(), now)
		}
		for s.agenda.next() <= now {
			// A partition that has more to send comes back behind those that waited.
			at := s.serve(s.agenda.first(), now)
			served := e.clock.now()
			s.agenda.put(max(at, served))
			e.clock.expect(served + maxPause)
		}
		if now >= s.chores {
			s.chores = now + maxPause
			e.housekeeping(now)
		}
		e.sent.Store(int64(now))
		wake := min(max(s.agenda.next(), now+s.rest), s.chores)
		e.clock.expect(wake)
		s.sleep(ctx, wake)
	}
}

// sleep waits until wake, or less long if the alarm is rung. An idle machine wakes late by a tenth of a
// millisecond, and most of that is the same each time: the alarm is set early by what was usual of late,
// and the rest is waited out awake.
func (s *sender) sleep(ctx context.Context, wake time.Duration) {
	clock := s.engine.clock
	if !s.punctual {
		if d := wake - clock.now(); d > 0 {
			s.alarm.wait(ctx, d)
		}
		return
	}
	set := wake - s.late
	if now := clock.now(); now < set {
		s.alarm.wait(ctx, set-now)
		if now = clock.now(); now < set {
			return // rung
		}
		s.late += (min(now-set, maxLate) - s.late) / 8
	}
	for clock.now() < wake { // at most maxLate, and a few microseconds as a rule
	}
}

// serve takes what is due in p, judges what is over, and returns when p wants to be served again.
func (s *sender) serve(p *partition, now time.Duration) time.Duration {
	e := s.engine
	s.parcels = s.parcels[:0]
	p.mu.Lock()
	sending := p.active && !e.draining.Load()
	if sending {
		e.followLeader(p)
		s.awaitTurn(p, now)
		s.take(p, now)
	}
	e.nameTrouble(p, now)
	next := now + maxPause
	if sending {
		next = e.nextDue(p, now, next)
	}
	if p.id != virtual || int64(now) >= e.excused.Load() { // until then it may be no more than our own start
		p.ledger.Judge(now)
		if deadline, ok := p.ledger.NextDeadline(); ok {
			next = min(next, deadline)
		}
	}
	s.out = p.ledger.Flush(s.out[:0])
	p.mu.Unlock()

	if len(s.parcels) > 0 {
		epoch := e.clock.at(0)
		for _, pc := range s.parcels {
			pc.send(e, epoch)
		}
	}
	observe(s.out)
	return next
}

// awaitTurn lets bursts to different partitions come one after the other: one that would begin while another's
// slots are due begins when they are over. That depends on the schedule alone, never on how long the cluster takes,
// and a burst that would have to wait for longer than its interval has room does not wait. p.mu is held.
func (s *sender) awaitTurn(p *partition, now time.Duration) {
	if p.id == virtual || !p.ledger.BeginsBurst() {
		return
	}
	due := p.ledger.NextDue()
	if due > now {
		return
	}
	if due < s.burst && p.ledger.PutOff(s.burst) {
		due = s.burst
	}
	if due <= now {
		s.burst = max(s.burst, due+s.engine.cfg.Burst.Length())
	}
}

// take takes the slots that are due and a parcel for each that can be sent. p.mu is held.
func (s *sender) take(p *partition, now time.Duration) {
	e := s.engine
	limit := sendBatch
	if e.cfg.Granted {
		limit = int(min(uint64(limit), p.granted))
	}
	if e.cfg.Unpaced {
		if limit = min(limit, e.bufferLimit-p.inClient); limit <= 0 {
			p.full = p.granted > 0 || !e.cfg.Granted
			return
		}
	}
	first, n := p.ledger.Advance(now, limit)
	p.granted -= min(p.granted, uint64(n))
	for seq := first; seq < first+uint64(n); seq++ {
		switch {
		case !p.ledger.Readable():
			p.ledger.Withhold(seq, ledger.NoReader)
		case p.inClient >= e.bufferLimit:
			p.ledger.Withhold(seq, ledger.BufferFull)
		default:
			pc := p.take(e, seq)
			pc.handed = now // without a pace, due is when it is handed over
			if !e.cfg.Unpaced {
				pc.handed = e.clock.now()
			}
			pc.generation = p.ledger.Hand(seq, pc.handed)
			e.load.handed(pc.handed - pc.due)
			s.parcels = append(s.parcels, pc)
		}
	}
}

// agenda is the partitions by when they want to be served: a heap.
type agenda struct {
	heap []appointment
}

type appointment struct {
	at   time.Duration
	part *partition
}

// never is later than any appointment.
const never = time.Duration(1<<63 - 1)

func (a *agenda) reset(parts []*partition, now time.Duration) {
	a.heap = a.heap[:0]
	for _, p := range parts {
		a.heap = append(a.heap, appointment{at: now, part: p})
	}
}

// next returns when the first partition wants to be served.
func (a *agenda) next() time.Duration {
	if len(a.heap) == 0 {
		return never
	}
	return a.heap[0].at
}

func (a *agenda) first() *partition { return a.heap[0].part }

// put gives the first partition another time.
func (a *agenda) put(at time.Duration) {
	a.heap[0].at = at
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(a.heap); child++ {
			if a.heap[child].at < a.heap[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		a.heap[i], a.heap[least] = a.heap[least], a.heap[i]
		i = least
	}
}
