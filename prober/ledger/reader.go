package ledger

import "time"

// reader is how far the partition has been read, and what may be concluded from it.
type reader struct {
	position     int64  // the next offset to be read; -1 before there is one
	start        int64  // where reading began without a gap: nothing below it is ever missed
	expiredBelow int64  // retention took what is below, unread
	rereadBelow  uint64 // slots below were due before the log was cut: a second sight of them proves nothing

	unread int    // slots that are acknowledged and that the reader has yet to come to
	from   uint64 // none of them is below

	// Acknowledged offsets grow with the sequence, but for retries of a producer that is not
	// idempotent. While they do, the search for passed records ends at the first that is not.
	lastAcked       uint64
	lastAckedOffset int64
	disorderBelow   uint64

	sights sights
}

func newReader() reader { return reader{position: -1, start: -1, lastAckedOffset: -1} }

func (r *reader) acked(seq uint64, offset int64) {
	r.unread++
	r.from = min(r.from, seq)
	if seq < r.lastAcked || offset <= r.lastAckedOffset {
		r.disorderBelow = max(r.disorderBelow, seq, r.lastAcked) + 1
	}
	if seq >= r.lastAcked {
		r.lastAcked, r.lastAckedOffset = seq, offset
	}
}

// Reading says that reading begins, or begins again, at offset. Only from here on may records be sent.
// What lies between the position so far and a higher one is never missed; what is read again from a
// lower one is no duplicate.
func (p *Partition) Reading(offset int64) {
	r := &p.reader
	switch {
	case r.position < 0:
		r.position, r.start = offset, offset
		p.resume()
	case offset > r.position:
		r.position, r.start = offset, offset
		r.sights.drop(offset, func(uint64) {})
	case offset < r.position:
		p.rewind(offset)
	}
}

// rewind lets reading go on at a lower offset.
func (p *Partition) rewind(offset int64) {
	r := &p.reader
	r.position = offset
	r.start = min(r.start, offset)
	r.expiredBelow = min(r.expiredBelow, offset)
	r.rereadBelow = p.next
	p.order.reset()
}

// Readable reports whether the reader has a position.
func (p *Partition) Readable() bool { return p.reader.position >= 0 }

// Position returns the next offset to be read, -1 if there is none.
func (p *Partition) Position() int64 { return p.reader.position }

// Producer tells the incarnations of producing clients apart.
type Producer struct {
	ID    int64
	Epoch int16
}

// Read says that the record of a slot, intact and of this run, was read at offset, now. Its first sight
// counts wherever it is; a second one is a duplicate unless the reader has been at that place before.
func (p *Partition) Read(seq uint64, offset int64, by Producer, now time.Duration) {
	again := offset < p.reader.position
	if seq < p.base {
		p.reader.sights.again(seq, offset)
		p.readForgotten(seq, again)
		return
	}
	if seq >= p.next || p.slots.at(seq).state&handed == 0 {
		if !again {
			p.Foreign(NeverSent)
		}
		return
	}
	s := p.slots.at(seq)
	if s.state&read != 0 {
		p.reader.sights.again(seq, offset)
		if !again && seq >= p.reader.rereadBelow {
			p.anomaly(seq, Duplicate)
		}
		return
	}
	p.reader.sights.saw(seq, offset)
	if s.unread() {
		p.reader.unread--
	}
	s.state |= read
	if s.state&acked != 0 {
		p.gap(seq, s, s.stamp, now)
	} else {
		s.state |= readFirst
		s.stamp = now
	}
	if !again {
		p.order.read(p, seq, by)
	}
	if s.state&refused != 0 {
		p.anomaly(seq, Ghost)
		return
	}
	age := now - p.Due(seq)
	if s.state&judged == 0 && age < p.opt.Timeout {
		p.deliver(seq, s, offset, age)
		return
	}
	if s.state&judged == 0 {
		p.overdue(seq, s)
	}
	if s.state&(skipped|recreated) == 0 {
		p.anomaly(seq, Late)
	}
}

func (p *Partition) deliver(seq uint64, s *slot, offset int64, latency time.Duration) {
	s.state |= judged
	sp := p.spanOf(seq)
	sp.pending--
	sp.tally.InFlight--
	sp.tally.Outcomes[Delivered]++
	sp.result(Result{
		Outcome: Delivered, Latency: latency,
		Partition: p.opt.Partition, Sequence: seq, Offset: offset,
	})
}

// readForgotten accounts for a record that left the window before it was read, this time.
func (p *Partition) readForgotten(seq uint64, again bool) {
	again = again || seq < p.reader.rereadBelow
	if seq+trailLength < p.base {
		if !again {
			p.Foreign(Stale)
		}
		return
	}
	read, muted := p.trail.get(seq)
	p.trail.set(seq, true, muted)
	switch {
	case read && !again:
		p.anomaly(seq, Duplicate)
	case !read && !muted:
		p.anomaly(seq, Late)
	}
}

// Passed says that the reader has been given everything below offset. Whatever was acknowledged there
// and not read is lost, and known to be so at once.
func (p *Partition) Passed(offset int64) {
	if !p.Readable() || offset <= p.reader.position {
		return
	}
	p.reader.position = offset
	p.passBelow(offset, Lost)
	p.reader.sights.drop(offset, func(seq uint64) { p.anomaly(seq, AcknowledgedLost) })
}

// passBelow gives up the unread acknowledged records below offset.
func (p *Partition) passBelow(offset int64, o Outcome) {
	r := &p.reader
	first := true
	for seq := max(r.from, p.base); seq < p.next && r.unread > 0; seq++ {
		s := p.slots.at(seq)
		if !s.unread() {
			continue
		}
		if s.offset < offset && (s.offset >= r.start || o != Lost) {
			p.pass(seq, s, o)
			continue
		}
		if first {
			r.from, first = seq, false
		}
		if s.offset >= offset && seq >= r.disorderBelow {
			break
		}
	}
	if r.unread == 0 {
		r.from = p.next
	}
}

// Expired says that the log now starts at offset, above the reader's position: retention took what was
// between them before it could be read.
func (p *Partition) Expired(offset int64) {
	r := &p.reader
	if !p.Readable() || offset <= r.position {
		return
	}
	r.position, r.expiredBelow = offset, offset
	p.passBelow(offset, Expired)
	r.sights.drop(offset, func(uint64) {})
}

// Truncated says that the log was cut below the reader's position and that reading goes on at offset.
// What was acknowledged above it is lost when the reader passes its place without it, also what had been
// read there: it was delivered, and is gone.
func (p *Partition) Truncated(offset int64) {
	p.current().tally.Anomalies[Rewind]++
	if p.Readable() {
		p.reader.sights.truncate(offset, func(seq uint64) bool { return seq < p.base || p.slots.at(seq).state&acked != 0 })
		p.rewind(offset)
	}
}

// Recreated says that the topic is another one of the same name. Nothing can be said of what the old one
// held; reading must begin anew (Reading) before anything is sent.
func (p *Partition) Recreated() {
	p.generation++
	for seq := p.base; seq < p.next; seq++ {
		switch s := p.slots.at(seq); {
		case s.unread():
			p.pass(seq, s, TopicRecreated)
		case s.state&(unsure|read) == unsure:
			p.vanish(seq, s)
		}
	}
	p.recreatedBelow = p.next
	p.reader = newReader()
	p.reader.rereadBelow = p.next
	p.order.reset()
}

// resume accounts for the slots for which nothing was sent between the end of a topic and the reading of
// the one that came after it.
func (p *Partition) resume() {
	if p.generation == 0 {
		return // the first topic: nobody took one away
	}
	for seq := max(p.recreatedBelow, p.open); seq < p.next; seq++ {
		if s := p.slots.at(seq); s.state&(handed|judged) == 0 {
			p.vanish(seq, s)
		}
	}
}

// Unreadable says that the reader stepped over a stretch of the log, up to offset, that can't be read.
func (p *Partition) Unreadable(offset int64) {
	p.current().tally.Anomalies[Unreadable]++
	p.Passed(offset)
}

// Foreign counts a record that is not this run's.
func (p *Partition) Foreign(f Foreign) { p.current().tally.Foreign[f]++ }

// Corrupt counts a record of this run whose bytes have changed.
func (p *Partition) Corrupt() { p.current().tally.Anomalies[Corrupt]++ }
