package collector

import (
	"maps"
	"math"
	"slices"
	"time"
)

// endSample says that a partition's log end stood at an offset from one instant
// to another, as far as refreshes saw. 16 bytes: there may be millions.
type endSample struct {
	end         int64
	first, last uint32 // tenths of a second since the history's epoch
}

// endHistory is how the log ends of partitions moved while this process
// watched. From it follows when the record at a committed offset was appended,
// which needs no right to read records. It belongs to one Refresh.
type endHistory struct {
	epoch      time.Time                 // monotonic; sample times count from here
	span       time.Duration             // how far back to remember
	partitions map[string][]partitionEnd // by topic
	ids        map[string][16]byte       // by topic, of those that have one
	limit      int                       // samples per partition
}

// partitionEnd is the samples of one partition, ascending in time and offset.
type partitionEnd struct{ samples []endSample }

const (
	historyUnit    = 100 * time.Millisecond
	historySamples = 800_000 // of all partitions together: 13 MB
	historyLeast   = 8       // per partition, however many there are
)

func newEndHistory(now time.Time, span time.Duration) *endHistory {
	return &endHistory{epoch: now, span: span, partitions: make(map[string][]partitionEnd), ids: make(map[string][16]byte), limit: historySamples}
}

func (h *endHistory) units(at time.Time) uint32 { return uint32(max(at.Sub(h.epoch), 0) / historyUnit) }

// identify says which topic bears a name: one that was made anew has no past.
func (h *endHistory) identify(topic string, id [16]byte) {
	if !sameTopic(h.ids[topic], id) {
		delete(h.partitions, topic)
	}
	if id != [16]byte{} {
		h.ids[topic] = id
	}
}

// sameTopic tells by the ids of two topics of a name whether they may be one.
func sameTopic(a, b [16]byte) bool { return a == b || a == [16]byte{} || b == [16]byte{} }

// add notes where a log end stands. A log end that fell was truncated or is of
// a topic of the same name that was made anew: what was seen before is void.
func (h *endHistory) add(topic string, partition int32, end int64, at time.Time) (fell bool) {
	ps := h.partitions[topic]
	if need := int(partition) + 1 - len(ps); need > 0 {
		ps = slices.Grow(ps, need)[:partition+1]
		h.partitions[topic] = ps
	}
	p, now := &ps[partition], h.units(at)
	if n := len(p.samples); n > 0 {
		switch last := &p.samples[n-1]; {
		case last.end == end:
			last.last = now
			return false
		case last.end > end:
			p.samples, fell = p.samples[:0], true
		}
	}
	old := 0
	oldest := h.units(at.Add(-h.span))
	for old < len(p.samples)-1 && p.samples[old+1].first <= oldest { // keep one that is older than the span
		old++
	}
	old = max(old, len(p.samples)+1-h.limit)
	if old > 0 {
		p.samples = slices.Delete(p.samples, 0, old)
	}
	if n := len(p.samples); n == cap(p.samples) { // append would double it
		p.samples = append(make([]endSample, 0, n+max(n/4, 4)), p.samples...)
	}
	p.samples = append(p.samples, endSample{end, now, now})
	return fell
}

// sweep forgets topics that do not exist, and partitions that nobody asked for within the span, and shares
// out the memory among the others. A refresh that failed in part must not cost what was seen before.
func (h *endHistory) sweep(exists func(topic string) bool, at time.Time) {
	n, oldest := 0, h.units(at.Add(-h.span))
	for topic, ps := range h.partitions {
		watched := 0
		for i := range ps {
			switch samples := ps[i].samples; {
			case len(samples) == 0:
			case samples[len(samples)-1].last < oldest:
				ps[i].samples = nil
			default:
				watched++
			}
		}
		if watched == 0 || !exists(topic) {
			delete(h.partitions, topic)
			continue
		}
		n += watched
	}
	maps.DeleteFunc(h.ids, func(topic string, _ [16]byte) bool { return h.partitions[topic] == nil })
	h.limit = max(historySamples/max(n, 1), historyLeast)
}

// since returns how long ago, at the instant at, the record at the offset was
// appended: to within the interval between two refreshes, by interpolation
// between them. A record that was there before this process looked is only known to be
// older than that, which atLeast says. ok is false where nothing is known: the
// record is not there, or nobody watches the partition.
func (h *endHistory) since(topic string, partition int32, offset int64, at time.Time) (ago time.Duration, atLeast, ok bool) {
	ps := h.partitions[topic]
	if int(partition) >= len(ps) {
		return 0, false, false
	}
	samples := ps[partition].samples
	// The first sample at which the record was there.
	i, _ := slices.BinarySearchFunc(samples, offset, func(s endSample, offset int64) int {
		if s.end > offset {
			return 1
		}
		return -1
	})
	switch i {
	case len(samples):
		return 0, false, false
	case 0:
		return h.ago(float64(samples[0].first), at), true, true
	}
	before, after := samples[i-1], samples[i]
	share := float64(offset-before.end+1) / float64(after.end-before.end)
	appended := float64(before.last) + share*float64(after.first-before.last)
	return h.ago(appended, at), false, true
}

func (h *endHistory) ago(units float64, at time.Time) time.Duration {
	return max(at.Sub(h.epoch)-time.Duration(units*float64(historyUnit)), 0)
}

// born returns when it was so long before the instant at, in units since the
// epoch, negative before it. It rounds down: ago of it is never less again.
func (h *endHistory) born(ago time.Duration, at time.Time) int32 {
	return int32(max(math.Floor(float64(at.Sub(h.epoch)-ago)/float64(historyUnit)), math.MinInt32))
}
