package ledger

import "time"

// state is what is known of a slot.
type state uint16

const (
	handed     state = 1 << iota // given to the client library
	inClient                     // its promise has not run
	acked                        // acknowledged, at slot.offset
	unsure                       // the promise ended in an error that says nothing about the log
	refused                      // Kafka can't have appended it
	read                         // seen by the reader
	readFirst                    // seen before it was acknowledged: slot.stamp is when
	passed                       // acknowledged, and the reader went past it (or its log is gone)
	judged                       // has its outcome
	skipped                      // and that is skipped
	bufferFull                   // not sent: the client held too many
	recreated                    // in a topic that is gone, or perhaps in the one that came after it
)

// slot is the memory of one record while it is in the window: 24 bytes and its state.
type slot struct {
	handed time.Duration // when it was given to the client library
	stamp  time.Duration // when it was acknowledged; or read, if that came first
	offset int64         // where Kafka put it, once acknowledged
	state  state
}

// unread reports that the record is acknowledged and the reader has yet to come to it.
func (s *slot) unread() bool { return s.state&(acked|read|passed) == acked }

// settled reports that nothing more can be learnt of a judged record but a second sight of it.
func (s *slot) settled() bool {
	switch {
	case s.state&handed == 0:
		return true
	case s.state&inClient != 0:
		return false
	case s.state&read != 0, s.state&passed != 0:
		return true
	default: // refused: could still turn up (a ghost); acked or unsure: could still be read
		return false
	}
}

// slots is a ring of the window's slots, addressed by sequence number. It grows on demand.
type slots struct {
	ring []slot
	mask uint64
}

const minSlots = 64

// push makes room for sequence next, where base is the first in use, and clears its slot.
func (r *slots) push(base, next uint64) {
	if next-base >= uint64(len(r.ring)) {
		r.grow(base, next)
	}
	r.ring[next&r.mask] = slot{}
}

func (r *slots) grow(base, next uint64) {
	ring := make([]slot, max(minSlots, 2*len(r.ring)))
	mask := uint64(len(ring) - 1)
	for seq := base; seq < next; seq++ {
		ring[seq&mask] = r.ring[seq&r.mask]
	}
	r.ring, r.mask = ring, mask
}

// at returns the slot of a sequence number inside the window.
func (r *slots) at(seq uint64) *slot { return &r.ring[seq&r.mask] }

// trail remembers two bits of the slots that have just left the window: enough to tell a duplicate from
// a record that comes after all.
type trail struct {
	read, muted [trailLength / 64]uint64
}

const trailLength = 1 << 13

func (t *trail) set(seq uint64, read, muted bool) {
	setBit(&t.read, seq, read)
	setBit(&t.muted, seq, muted)
}

func (t *trail) get(seq uint64) (read, muted bool) {
	return bit(&t.read, seq), bit(&t.muted, seq)
}

func bit(b *[trailLength / 64]uint64, seq uint64) bool {
	i := seq % trailLength
	return b[i/64]&(1<<(i%64)) != 0
}

func setBit(b *[trailLength / 64]uint64, seq uint64, on bool) {
	i := seq % trailLength
	b[i/64] &^= 1 << (i % 64)
	if on {
		b[i/64] |= 1 << (i % 64)
	}
}
