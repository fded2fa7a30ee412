// Package schedule says when records are due: pure time, no clock of its own.
//
// Slot n of a partition is due at one random instant of the n-th interval. A stratified random schedule
// keeps its rate exactly and can't lock onto something periodic in the broker; the instant is a function
// of (seed, partition, n), so that the due time of any outstanding record can be worked out again and
// takes no memory; only a burst that was put off is remembered. When a reload or the rate limit changes
// the interval, a new segment follows the last; the numbers run on.
package schedule

import (
	"math/bits"
	"slices"
	"time"
)

// Schedule is the due times of one partition. Times are monotonic durations since the process's epoch.
// The zero value is not usable; it is not safe for concurrent use.
type Schedule struct {
	seed     uint64
	burst    Burst
	segments []segment
	waits    []wait
}

// Burst is what is due in one interval, where that is more than a single record: so many slots, evenly
// spaced, the first of them at a random instant of the interval's first part.
type Burst struct {
	Slots   uint64        // in each interval
	Spacing time.Duration // between two of them, above 0
	Jitter  time.Duration // the part of the interval in which the first is due; with the rest of the burst it ends within the interval
	Rest    time.Duration // what has to be left of the interval after a burst that was put off
}

// Length is how long a burst takes.
func (b *Burst) Length() time.Duration { return time.Duration(b.Slots) * b.Spacing }

// wait is how much later than drawn a burst begins.
type wait struct {
	first uint64 // slot of the burst
	by    time.Duration
}

// segment is a stretch of the schedule with one interval.
type segment struct {
	first    uint64        // the first slot of the segment
	start    time.Duration // where the interval of that slot starts
	interval time.Duration
}

// New returns the schedule of a partition whose first interval starts at start.
func New(seed uint64, partition int32, start, interval time.Duration) *Schedule {
	return &Schedule{
		seed:     mix(seed ^ mix(uint64(uint32(partition))+1)),
		segments: []segment{{start: start, interval: interval}},
	}
}

// NewBursts returns the schedule of a partition in each of whose intervals a burst is due.
func NewBursts(seed uint64, partition int32, start, interval time.Duration, b Burst) *Schedule {
	s := New(seed, partition, start, interval)
	s.burst = b
	return s
}

// Due returns when slot n is due. It grows strictly with n.
func (s *Schedule) Due(n uint64) time.Duration {
	seg := s.at(n)
	if b := &s.burst; b.Slots > 0 {
		number, place := (n-seg.first)/b.Slots, (n-seg.first)%b.Slots
		offset, _ := bits.Mul64(mix(s.seed^(n-place)), uint64(b.Jitter))
		return seg.start + time.Duration(number)*seg.interval + time.Duration(offset) + s.waited(n-place) + time.Duration(place)*b.Spacing
	}
	offset, _ := bits.Mul64(mix(s.seed^n), uint64(seg.interval)) // u(n) * interval, u in [0, 1)
	return seg.start + time.Duration(n-seg.first)*seg.interval + time.Duration(offset)
}

// waited returns by how much the burst of that first slot was put off.
func (s *Schedule) waited(first uint64) time.Duration {
	for _, w := range s.waits {
		if w.first == first {
			return w.by
		}
	}
	return 0
}

// BeginsBurst reports whether slot n is the first of a burst.
func (s *Schedule) BeginsBurst(n uint64) bool {
	return s.burst.Slots > 0 && (n-s.at(n).first)%s.burst.Slots == 0
}

// PutOff lets the burst whose first slot is n, of which nobody has taken a slot yet, begin at due. It reports
// false and changes nothing if the burst would not leave its interval's rest alone then.
func (s *Schedule) PutOff(n uint64, due time.Duration) bool {
	seg := s.at(n)
	ends := seg.start + time.Duration((n-seg.first)/s.burst.Slots+1)*seg.interval
	if due+s.burst.Length()+s.burst.Rest > ends {
		return false
	}
	by := due - s.Due(n)
	for i := range s.waits {
		if s.waits[i].first == n {
			s.waits[i].by += by
			return true
		}
	}
	s.waits = append(s.waits, wait{n, by})
	return true
}

// Interval returns the interval in force for slot n.
func (s *Schedule) Interval(n uint64) time.Duration { return s.at(n).interval }

// Change gives the slots from n on another interval, beginning where the interval of slot n began.
// n must be at or after the last change; earlier segments stay as they are. A burst that has begun keeps
// its slots: the change is for the one after it.
func (s *Schedule) Change(n uint64, interval time.Duration) {
	last := s.segments[len(s.segments)-1]
	intervals := n - last.first
	if slots := s.burst.Slots; slots > 0 {
		intervals = (n - last.first + slots - 1) / slots
		n = last.first + intervals*slots
	}
	s.Begin(n, last.start+time.Duration(intervals)*last.interval, interval)
}

// Begin gives the slots from n on another interval, the first of which begins at start, after slot n-1
// was due. It is how a schedule goes on after it was idle. Changes that were to come after n are void.
func (s *Schedule) Begin(n uint64, start, interval time.Duration) {
	keep := len(s.segments)
	for keep > 0 && s.segments[keep-1].first >= n {
		keep--
	}
	s.segments = append(s.segments[:keep], segment{first: n, start: start, interval: interval})
	s.waits = slices.DeleteFunc(s.waits, func(w wait) bool { return w.first >= n })
}

// Forget drops what no slot from n on needs.
func (s *Schedule) Forget(n uint64) {
	s.waits = slices.DeleteFunc(s.waits, func(w wait) bool { return w.first+s.burst.Slots <= n })
	keep := len(s.segments) - 1
	for keep > 0 && s.segments[keep].first > n {
		keep--
	}
	if keep > 0 {
		s.segments = append(s.segments[:0], s.segments[keep:]...)
	}
}

func (s *Schedule) at(n uint64) *segment {
	i := len(s.segments) - 1
	for i > 0 && s.segments[i].first > n {
		i--
	}
	return &s.segments[i]
}

// mix is the finaliser of splitmix64: every bit of x decides every bit of the result.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
