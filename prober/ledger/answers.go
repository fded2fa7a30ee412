package ledger

import "time"

// Ack says that Kafka acknowledged a record at offset, now; written is when the request that carried
// it began to be written. generation is what Hand returned. A negative offset (acks=0) is no
// acknowledgement: the record is then known by being read.
//
// An offset below the reader's position proves nothing yet: where the log was cut, or the topic created
// again, the producer may be the first to know. The record is lost if the reader gets further than that.
func (p *Partition) Ack(seq uint64, generation uint32, offset int64, written, now time.Duration) {
	if seq < p.base {
		return // given up long ago
	}
	s := p.slots.at(seq)
	if s.state&inClient == 0 {
		return // answered before
	}
	s.state &^= inClient
	if p.opt.Unread {
		p.sample(seq, s, Acknowledge, now-s.handed)
		s.state |= read
		if s.state&judged == 0 {
			p.deliver(seq, s, offset, now-p.Due(seq))
		} else {
			p.anomaly(seq, Late)
		}
		return
	}
	if offset < 0 {
		s.state |= unsure
		return
	}
	if p.opt.OneLeg {
		p.sample(seq, s, Acknowledge, now-s.handed)
	} else if written >= s.handed {
		p.sample(seq, s, ClientQueue, written-s.handed)
		p.sample(seq, s, Produce, now-written)
	} else {
		p.sample(seq, s, Produce, now-s.handed)
	}
	if s.state&readFirst != 0 {
		p.gap(seq, s, now, s.stamp)
	}
	if generation != p.generation {
		// The old topic or the new one: it is known by being read, and else at its deadline.
		s.state |= unsure | recreated
		return
	}
	s.state |= acked
	s.offset = offset
	s.stamp = now
	p.order.acked(p, seq)
	if s.state&read != 0 {
		return
	}
	p.reader.acked(seq, offset)
	if offset < p.reader.expiredBelow {
		p.pass(seq, s, Expired)
	}
}

// Refuse says that the client library gave a record back with an error, now. definite means that the
// error says for certain that the record is not in the log; else it may still turn up.
func (p *Partition) Refuse(seq uint64, definite bool, reason string, now time.Duration) {
	if seq < p.base {
		return
	}
	s := p.slots.at(seq)
	if s.state&inClient == 0 {
		return
	}
	s.state &^= inClient
	if !definite {
		s.state |= unsure
		if seq < p.recreatedBelow && s.state&read == 0 {
			p.vanish(seq, s)
			return
		}
		p.Trouble(reason, now)
		return
	}
	s.state |= refused
	switch {
	case s.state&read != 0:
		p.anomaly(seq, Ghost)
	case s.state&judged == 0:
		p.judge(seq, s, Failed, reason)
	}
}

// vanish says that the topic that a record was sent to is gone, and nothing can be learnt of the record.
func (p *Partition) vanish(seq uint64, s *slot) {
	s.state |= recreated
	if s.state&judged == 0 {
		p.judge(seq, s, TopicRecreated, "")
	}
}

// pass says that an acknowledged record can't be read any more, and why.
func (p *Partition) pass(seq uint64, s *slot, o Outcome) {
	s.state |= passed
	p.reader.unread--
	switch o {
	case Lost:
		p.anomaly(seq, AcknowledgedLost)
	case TopicRecreated:
		s.state |= recreated
	}
	if s.state&judged == 0 {
		p.judge(seq, s, o, "")
	}
}
