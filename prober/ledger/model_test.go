package ledger_test

import (
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// model is the ledger as one would write it who need not care for speed or memory: it keeps every slot
// for ever, looks through all of them at each event, and says in so many words what the design says.
type model struct {
	sched *schedule.Schedule
	sink  notebook // written to at once

	slots      []*fact // all that ever became due, by sequence
	leader     int32
	generation uint32

	recreatedBelow uint64 // slots that were due before the topic was created again

	readable   bool
	position   int64
	start      int64 // nothing below is ever missed
	expired    int64 // what is below was taken by retention
	reread     uint64
	lastErr    string
	lastErrAt  time.Duration
	remembered int // slots from here on are still followed

	run   []uint64 // slots read one after the other, of one producer epoch
	by    ledger.Producer
	pairs []*overtaking
}

// fact is all that was ever learnt of a slot.
type fact struct {
	seq        uint64
	due        time.Duration
	broker     int32 // that led when it was due
	handedAt   time.Duration
	handed     bool
	waiting    bool // for an answer
	acked      bool
	ackedAt    time.Duration
	offset     int64
	read       bool
	readAt     time.Duration
	readUnack  bool // read before an acknowledgement was known
	gone       bool // acknowledged, and not to be read any more
	place      int64
	sighted    bool // read at place, while it was followed
	cut        bool // acknowledged, read at place, and that was cut off the log since
	judged     bool
	skipped    bool
	refused    bool
	recreated  bool
	full       bool
	forgotten  bool
	mutedTrail bool
}

type overtaking struct {
	early, late *fact
	counted     bool
}

func newModel(sched *schedule.Schedule) *model {
	return &model{sched: sched, sink: notebook{}, position: -1, start: -1}
}

func (m *model) next() uint64           { return uint64(len(m.slots)) }
func (m *model) page(f *fact) *page     { return m.sink.page(f.broker) }
func (f *fact) missing() bool           { return f.acked && !f.read && !f.gone }
func (m *model) count(a ledger.Anomaly) { m.sink.page(m.leader).tally.Anomalies[a]++ }

func (m *model) outcome(f *fact, o ledger.Outcome, latency time.Duration, offset int64, reason string) {
	f.judged = true
	p := m.page(f)
	p.tally.InFlight--
	p.tally.Outcomes[o]++
	p.results = append(p.results, ledger.Result{
		Outcome: o, Latency: latency, Reason: reason, Partition: 3, Sequence: f.seq, Offset: offset,
	})
}

// bad fixes an outcome other than delivered and skipped.
func (m *model) bad(f *fact, o ledger.Outcome, reason string) {
	offset := int64(-1)
	if f.acked {
		offset = f.offset
	}
	m.outcome(f, o, timeout, offset, reason)
}

func (m *model) overdue(f *fact) {
	reason := ledger.NoResponse
	switch {
	case f.recreated:
		m.bad(f, ledger.TopicRecreated, "")
		return
	case m.lastErr != "" && m.lastErrAt >= f.due-2*time.Second:
		reason = m.lastErr
	case f.full:
		reason = ledger.BufferFull
	case !f.handed:
		reason = ledger.NoReader
	case f.acked:
		reason = ledger.NotReadBack
	}
	m.bad(f, ledger.Timeout, reason)
}

func (m *model) sample(f *fact, leg ledger.Leg, d time.Duration) {
	if !f.skipped {
		p := m.page(f)
		p.samples = append(p.samples, ledger.Sample{Leg: leg, Value: d})
	}
}

func (m *model) gap(f *fact) {
	if d := f.readAt - f.ackedAt; d >= 0 {
		m.sample(f, ledger.AckFirst, d)
	} else {
		m.sample(f, ledger.ReadFirst, -d)
	}
}

func (m *model) advance(now time.Duration, limit int) {
	for range limit {
		due := m.sched.Due(m.next())
		if due > now {
			return
		}
		f := &fact{seq: m.next(), due: due, broker: m.leader}
		m.slots = append(m.slots, f)
		m.page(f).tally.Due++
		m.page(f).tally.InFlight++
	}
}

func (m *model) hand(seq uint64, now time.Duration) {
	if f := m.slots[seq]; !f.forgotten {
		f.handed, f.waiting, f.handedAt = true, true, now
		m.sample(f, ledger.ScheduleLag, now-f.due)
	}
}

func (m *model) withhold(seq uint64, reason string) {
	m.slots[seq].full = m.slots[seq].full || reason == ledger.BufferFull
}

func (m *model) ack(seq uint64, generation uint32, offset int64, written, now time.Duration) {
	f := m.slots[seq]
	if f.forgotten || !f.waiting {
		return
	}
	f.waiting = false
	if offset < 0 {
		return
	}
	if written >= f.handedAt {
		m.sample(f, ledger.ClientQueue, written-f.handedAt)
		m.sample(f, ledger.Produce, now-written)
	} else {
		m.sample(f, ledger.Produce, now-f.handedAt)
	}
	f.ackedAt = now
	if f.readUnack {
		m.gap(f)
	}
	if generation != m.generation {
		f.recreated = true
		return
	}
	f.acked, f.offset = true, offset
	m.overtakings()
	if f.missing() && offset < m.expired {
		m.miss(f, ledger.Expired)
	}
}

// miss says that an acknowledged record can't be read any more.
func (m *model) miss(f *fact, o ledger.Outcome) {
	f.gone = true
	if o == ledger.Lost {
		m.page(f).tally.Anomalies[ledger.AcknowledgedLost]++
	}
	if o == ledger.TopicRecreated {
		f.recreated = true
	}
	if !f.judged {
		m.bad(f, o, "")
	}
}

func (m *model) refuse(seq uint64, definite bool, reason string, now time.Duration) {
	f := m.slots[seq]
	if f.forgotten || !f.waiting {
		return
	}
	f.waiting = false
	if !definite {
		if f.seq < m.recreatedBelow && !f.read {
			m.vanish(f)
		} else {
			m.trouble(reason, now)
		}
		return
	}
	f.refused = true
	if f.read {
		m.page(f).tally.Anomalies[ledger.Ghost]++
	} else if !f.judged {
		m.bad(f, ledger.Failed, reason)
	}
}

func (m *model) trouble(reason string, now time.Duration) { m.lastErr, m.lastErrAt = reason, now }

func (m *model) seen(seq uint64, offset int64, by ledger.Producer, now time.Duration) {
	again := offset < m.position // nothing can be learnt of a place that was read before
	foreign := &m.sink.page(m.leader).tally.Foreign
	switch {
	case seq >= m.next() || !m.slots[seq].handed && int(seq) >= m.remembered:
		if !again {
			foreign[ledger.NeverSent]++
		}
		return
	case int(seq)+8192 < m.remembered:
		if !again && seq >= m.reread {
			foreign[ledger.Stale]++
		}
		return
	}
	f := m.slots[seq]
	if f.cut {
		f.cut, f.sighted, f.place = false, true, offset
	}
	if f.read {
		if !again && seq >= m.reread {
			m.page(f).tally.Anomalies[ledger.Duplicate]++
		}
		return
	}
	f.read, f.readAt = true, now
	if f.forgotten {
		if !f.mutedTrail {
			m.page(f).tally.Anomalies[ledger.Late]++
		}
		return
	}
	f.sighted, f.place = true, offset
	if f.acked {
		m.gap(f)
	} else {
		f.readUnack = true
	}
	if !again {
		m.inOrder(f, by)
	}
	switch {
	case f.refused:
		m.page(f).tally.Anomalies[ledger.Ghost]++
	case !f.judged && now-f.due < timeout:
		m.outcome(f, ledger.Delivered, now-f.due, offset, "")
	default:
		if !f.judged {
			m.overdue(f)
		}
		if !f.skipped && !f.recreated {
			m.page(f).tally.Anomalies[ledger.Late]++
		}
	}
}

func (m *model) inOrder(f *fact, by ledger.Producer) {
	if by != m.by {
		m.run, m.by = nil, by
	}
	var latest uint64
	for _, seq := range m.run {
		latest = max(latest, seq)
	}
	if latest > f.seq {
		m.pairs = append(m.pairs, &overtaking{early: f, late: m.slots[latest]})
		m.overtakings()
	}
	m.run = append(m.run, f.seq)
}

func (m *model) overtakings() {
	for _, p := range m.pairs {
		if p.early.acked && p.late.acked && !p.counted {
			p.counted = true
			m.page(p.early).tally.Anomalies[ledger.Reordered]++
		}
	}
}

func (m *model) passed(offset int64) {
	if !m.readable || offset <= m.position {
		return
	}
	m.position = offset
	for _, f := range m.slots {
		if f.missing() && !f.forgotten && f.offset < offset && f.offset >= m.start {
			m.miss(f, ledger.Lost)
		}
		if f.cut && f.place < offset {
			f.cut = false
			m.page(f).tally.Anomalies[ledger.AcknowledgedLost]++
		}
	}
}

// excuse says that what was cut off below offset is not missed: nobody can say whether it is there.
func (m *model) excuse(offset int64) {
	for _, f := range m.slots {
		f.cut = f.cut && f.place >= offset
	}
}

func (m *model) expire(offset int64) {
	if !m.readable || offset <= m.position {
		return
	}
	m.position, m.expired = offset, offset
	for _, f := range m.slots {
		if f.missing() && !f.forgotten && f.offset < offset {
			m.miss(f, ledger.Expired)
		}
	}
	m.excuse(offset)
}

func (m *model) reading(offset int64) {
	if m.readable && offset < m.position {
		m.goBack(offset)
	} else if !m.readable || offset > m.position {
		if !m.readable && m.generation > 0 {
			for _, f := range m.slots[m.recreatedBelow:] {
				if !f.handed && !f.judged {
					m.vanish(f)
				}
			}
		}
		m.readable, m.position, m.start = true, offset, offset
		m.excuse(offset)
	}
}

func (m *model) truncate(offset int64) {
	m.count(ledger.Rewind)
	if m.readable {
		for _, f := range m.slots {
			if f.sighted && f.place >= offset {
				f.sighted, f.cut = false, f.acked
			}
		}
		m.goBack(offset)
	}
}

// vanish says that the topic that a record was sent to is gone.
func (m *model) vanish(f *fact) {
	f.recreated = true
	if !f.judged {
		m.bad(f, ledger.TopicRecreated, "")
	}
}

func (m *model) goBack(offset int64) {
	m.position, m.start, m.expired = offset, min(m.start, offset), min(m.expired, offset)
	m.reread = m.next()
	m.run, m.pairs = nil, nil
}

func (m *model) recreate() {
	for _, f := range m.slots {
		switch {
		case f.forgotten:
		case f.missing():
			m.miss(f, ledger.TopicRecreated)
		case f.handed && !f.waiting && !f.acked && !f.refused && !f.read:
			m.vanish(f)
		}
	}
	for _, f := range m.slots {
		f.sighted, f.cut = false, false
	}
	m.generation++
	m.recreatedBelow = m.next()
	m.readable, m.position, m.start, m.expired = false, -1, -1, 0
	m.reread = m.next()
	m.run, m.pairs = nil, nil
}

func (m *model) judge(now time.Duration) {
	for _, f := range m.slots {
		if !f.judged && f.due+timeout <= now {
			m.overdue(f)
		}
	}
	m.forget(now)
}

func (m *model) skip(now time.Duration, why ledger.Skip) {
	m.advance(now, 1<<62)
	m.drop(now, why)
}

func (m *model) drop(now time.Duration, why ledger.Skip) {
	for _, f := range m.slots {
		if !f.judged {
			f.judged, f.skipped = true, true
			t := &m.page(f).tally
			t.InFlight--
			t.Outcomes[ledger.Skipped]++
			t.Skips[why]++
		}
	}
	m.forget(now)
}

// forget ends the following of slots, oldest first, that are judged and of which nothing more is to be
// learnt, or whose time is over.
func (m *model) forget(now time.Duration) {
	for ; m.remembered < len(m.slots); m.remembered++ {
		f := m.slots[m.remembered]
		settled := !f.handed || !f.waiting && (f.read || f.gone)
		if !f.judged || !settled && f.due+fate > now {
			return
		}
		f.forgotten = true
		f.mutedTrail = f.skipped || f.refused || f.recreated
	}
}
