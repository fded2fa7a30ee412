package ledger

import (
	"time"

	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// Reasons that the client itself gives for a record that met its deadline.
const (
	NoReader    = "NO_READER"     // nothing is sent before the reader knows where it starts
	BufferFull  = "BUFFER_FULL"   // earlier records still wait in the client
	NoResponse  = "NO_RESPONSE"   // handed over, and nobody said anything
	NotReadBack = "NOT_READ_BACK" // acknowledged, and the reader has not been given it
)

// Options are what the ledger of a partition needs to know.
type Options struct {
	Partition int32         // the partition of the topic, or -1 for the virtual one
	Timeout   time.Duration // from due to the deadline
	Fate      time.Duration // how long an acknowledged record is followed; 0: max(3 x Timeout, 60 s)

	Unpaced bool // a slot is due when it is taken, not when the schedule says
	Unread  bool // nobody reads: what is acknowledged is delivered
	OneLeg  bool // sample Acknowledge instead of ClientQueue and Produce
}

// Partition is the ledger of one partition. Times are monotonic durations since the process's epoch.
// It is not safe for concurrent use: the engine holds the partition's lock around every call.
type Partition struct {
	opt   Options
	sched *schedule.Schedule

	// base <= open <= next: [base, next) is the window of slots that something may still happen to,
	// open is the oldest that is not judged.
	base, open, next uint64
	slots            slots
	trail            trail
	spans            []span // who led when; the last is in force

	reader     reader
	generation uint32 // of the topic: offsets of an earlier one mean nothing
	order      order

	recreatedBelow uint64 // slots below were sent, if at all, to a topic that is gone

	lastError   string
	lastErrorAt time.Duration
}

// NewPartition returns the ledger of a partition whose records are due as sched says.
func NewPartition(o Options, sched *schedule.Schedule) *Partition {
	if o.Fate == 0 {
		o.Fate = max(3*o.Timeout, time.Minute)
	}
	return &Partition{opt: o, sched: sched, reader: newReader()}
}

// Lead says who leads the partition from the next slot on, and where its records go.
func (p *Partition) Lead(broker int32, s Series) {
	if n := len(p.spans); n > 0 {
		if p.spans[n-1].broker == broker {
			return
		}
		if last := &p.spans[n-1]; last.first == p.next && last.idle() {
			p.spans = p.spans[:n-1] // led nothing
		}
	}
	p.spans = append(p.spans, span{first: p.next, broker: broker, series: s})
}

// Leader returns the broker that leads the partition, as last told.
func (p *Partition) Leader() int32 {
	if len(p.spans) == 0 {
		return UnknownBroker
	}
	return p.current().broker
}

// SetInterval changes the interval, from the end of the one that runs: that began in the past, where a
// shorter one would leave slots that are overdue already, and their lateness would be taken for Kafka's.
func (p *Partition) SetInterval(d time.Duration) { p.sched.Change(p.next+1, d) }

// Begin lets the next interval begin at now: nothing is due for the time before it.
func (p *Partition) Begin(now time.Duration) { p.sched.Begin(p.next, now, p.Interval()) }

// Interval returns the interval that was last set.
func (p *Partition) Interval() time.Duration { return p.sched.Interval(p.next + 1) }

// NextDue returns when the next slot is due.
func (p *Partition) NextDue() time.Duration { return p.sched.Due(p.next) }

// BeginsBurst reports whether the next slot is the first of a burst.
func (p *Partition) BeginsBurst() bool { return p.sched.BeginsBurst(p.next) }

// PutOff lets the burst that begins with the next slot be due at an instant that is later, if there is room for
// that in its interval.
func (p *Partition) PutOff(due time.Duration) bool { return p.sched.PutOff(p.next, due) }

// Due returns when a slot is due; without a pace it has to be one that is outstanding.
func (p *Partition) Due(seq uint64) time.Duration {
	if p.opt.Unpaced {
		return p.slots.at(seq).handed
	}
	return p.sched.Due(seq)
}

// Advance takes up to limit slots that are due by now and returns the first and how many. Each is
// outstanding from here on. Lead must have been called.
func (p *Partition) Advance(now time.Duration, limit int) (first uint64, n int) {
	first = p.next
	for n < limit && (p.opt.Unpaced || p.sched.Due(p.next) <= now) {
		if p.next-p.base >= maxWindow {
			p.giveUp()
		}
		p.slots.push(p.base, p.next)
		if p.opt.Unpaced {
			p.slots.at(p.next).handed = now
		}
		p.next++
		n++
	}
	if n > 0 {
		sp := p.current()
		sp.pending += n
		sp.tally.Due += uint64(n)
		sp.tally.InFlight += int64(n)
	}
	return first, n
}

// Hand says that the record of a slot is handed to the client library now. It returns the topic's
// generation, to be given back to Ack.
func (p *Partition) Hand(seq uint64, now time.Duration) uint32 {
	if seq < p.base {
		return p.generation // given up since it was taken
	}
	s := p.slots.at(seq)
	s.state |= handed | inClient
	if p.opt.Unpaced {
		return p.generation
	}
	s.handed = now
	p.sample(seq, s, ScheduleLag, now-p.sched.Due(seq))
	return p.generation
}

// Withhold says that nothing is sent for a slot, NoReader or BufferFull. It stays outstanding: a client
// that can't send waits, too.
func (p *Partition) Withhold(seq uint64, reason string) {
	if reason == BufferFull && seq >= p.base {
		p.slots.at(seq).state |= bufferFull
	}
}

// Trouble notes the name of an error that hindered the partition's records at a time. A record that meets
// its deadline is explained by the latest.
func (p *Partition) Trouble(reason string, at time.Duration) {
	if p.lastError == "" || at >= p.lastErrorAt {
		p.lastError, p.lastErrorAt = reason, at
	}
}

// NextDeadline returns when the oldest outstanding record meets its deadline; false if there is none.
func (p *Partition) NextDeadline() (time.Duration, bool) {
	for p.open < p.next && p.slots.at(p.open).state&judged != 0 {
		p.open++
	}
	if p.open == p.next {
		return 0, false
	}
	return p.Due(p.open) + p.opt.Timeout, true
}

// Outstanding calls visit for each broker that has records outstanding in this partition, with their
// number and the due time of the oldest.
func (p *Partition) Outstanding(visit func(broker int32, n int, oldest time.Duration)) {
	for i := range p.spans {
		sp := &p.spans[i]
		if sp.pending == 0 {
			continue
		}
		for seq := max(p.open, sp.first); seq < p.next; seq++ {
			if p.slots.at(seq).state&judged == 0 {
				visit(sp.broker, sp.pending, p.Due(seq))
				break
			}
		}
	}
}

// Stamps returns when the record of a slot was handed over and when it was acknowledged; false unless
// both are known.
func (p *Partition) Stamps(seq uint64) (handedAt, ackedAt time.Duration, ok bool) {
	if seq < p.base || seq >= p.next {
		return 0, 0, false
	}
	s := p.slots.at(seq)
	return s.handed, s.stamp, s.state&acked != 0
}

// Quiet reports that nothing is outstanding.
func (p *Partition) Quiet() bool {
	_, waiting := p.NextDeadline()
	return !waiting
}

// Empty reports that nothing more can be learnt of any record.
func (p *Partition) Empty() bool { return p.base == p.next }
