package ledger

import (
	"math"
	"time"
)

// errorFreshness is how much older than a record's due time an error may be and still explain it.
const errorFreshness = 2 * time.Second

// Judge gives every record whose deadline has come its outcome and forgets those of which nothing
// more can be learnt.
func (p *Partition) Judge(now time.Duration) {
	for p.open < p.next {
		s := p.slots.at(p.open)
		if s.state&judged == 0 {
			if p.Due(p.open)+p.opt.Timeout > now {
				break
			}
			p.overdue(p.open, s)
		}
		p.open++
	}
	p.retire(now)
}

// Skip takes every slot that is due by now and gives all that is outstanding the outcome skipped:
// the prober was not there. A long absence is worked off in steps, so that it takes no memory.
func (p *Partition) Skip(now time.Duration, why Skip) { p.SkipUpTo(now, why, math.MaxUint64) }

// SkipUpTo does so and takes so many slots at most. It returns how many it took. Without a pace nothing was
// due meanwhile, and it takes none.
func (p *Partition) SkipUpTo(now time.Duration, why Skip, most uint64) (taken uint64) {
	const step = 1 << 10
	if p.opt.Unpaced {
		most = 0
	}
	for {
		limit := int(min(step, most-taken))
		_, n := p.Advance(now, limit)
		taken += uint64(n)
		p.Drop(now, why)
		if n < limit || taken == most {
			return taken
		}
	}
}

// Drop gives all that is outstanding the outcome skipped, and takes no slot: the partition has ended.
func (p *Partition) Drop(now time.Duration, why Skip) {
	for seq := p.open; seq < p.next; seq++ {
		s := p.slots.at(seq)
		if s.state&judged != 0 {
			continue
		}
		s.state |= judged | skipped
		sp := p.spanOf(seq)
		sp.pending--
		sp.tally.InFlight--
		sp.tally.Outcomes[Skipped]++
		sp.tally.Skips[why]++
	}
	p.open = p.next
	p.retire(now)
}

// overdue fixes the outcome of a slot that met its deadline without one.
func (p *Partition) overdue(seq uint64, s *slot) {
	if s.state&recreated != 0 {
		p.judge(seq, s, TopicRecreated, "")
		return
	}
	p.judge(seq, s, Timeout, p.explain(seq, s))
}

// judge fixes the outcome of a slot that has none.
func (p *Partition) judge(seq uint64, s *slot, o Outcome, reason string) {
	s.state |= judged
	if o == Failed {
		s.state |= refused
	}
	offset := int64(-1)
	if s.state&acked != 0 {
		offset = s.offset
	}
	sp := p.spanOf(seq)
	sp.pending--
	sp.tally.InFlight--
	sp.tally.Outcomes[o]++
	sp.result(Result{
		Outcome: o, Latency: p.opt.Timeout, Reason: reason,
		Partition: p.opt.Partition, Sequence: seq, Offset: offset,
	})
}

// explain names why a record met its deadline.
func (p *Partition) explain(seq uint64, s *slot) string {
	switch {
	case p.lastError != "" && p.lastErrorAt >= p.Due(seq)-errorFreshness:
		return p.lastError
	case s.state&bufferFull != 0:
		return BufferFull
	case s.state&handed == 0:
		return NoReader
	case s.state&acked != 0:
		return NotReadBack
	default:
		return NoResponse
	}
}
