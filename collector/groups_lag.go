package collector

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// endOffsets is the log ends of partitions. Safe for concurrent use.
type endOffsets struct {
	mu   sync.Mutex
	ends map[string]map[int32]int64
	at   time.Time // when the last of them was known
}

func newEndOffsets() *endOffsets { return &endOffsets{ends: make(map[string]map[int32]int64)} }

func (e *endOffsets) add(leads []led, o offsets) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at := o.middle(); at.After(e.at) {
		e.at = at
	}
	for t, l := range leads {
		if e.ends[l.topic] == nil {
			e.ends[l.topic] = make(map[int32]int64)
		}
		for i, number := range l.partitions {
			if end := o.values[t][i]; end != noOffset {
				e.ends[l.topic][number] = end
			}
		}
	}
}

func (e *endOffsets) each(fn func(topic string, partition int32, end int64)) {
	for topic, ends := range e.ends {
		for number, end := range ends {
			fn(topic, number, end)
		}
	}
}

// lag is how far a group is behind on one partition.
type lag struct {
	commit
	known   bool // whether the log end is known, and so records
	records int64
	ago     time.Duration // how long ago the next record was appended, 0 without one
	atLeast bool          // whether it is only known to be at least that
	timed   bool          // whether ago is known
	read    bool          // whether the record itself says so
}

// lags works out the lag of each commit, in the order of the groups, sorted by
// topic and partition.
func (g *groups) lags(ctx context.Context, l *leadership, all []*group, ends *endOffsets, now time.Time) [][]lag {
	out := make([][]lag, len(all))
	for i, of := range all {
		slices.SortFunc(of.commits, func(a, b commit) int {
			return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
		})
		out[i] = make([]lag, 0, len(of.commits))
		for _, c := range of.commits {
			end, known := ends.ends[c.topic][c.partition]
			out[i] = append(out[i], g.lag(c, end, known, now))
		}
	}
	if g.exact != nil {
		g.exact.refresh(ctx, l, all, out, now)
	}
	for i, of := range all {
		g.grow(l, of.id, out[i], now)
	}
	return out
}

func (g *groups) lag(c commit, end int64, known bool, now time.Time) lag {
	out := lag{commit: c, known: known}
	if !known {
		return out
	}
	out.records = max(0, end-c.offset)
	if c.lag >= 0 {
		out.records = c.lag
	}
	if out.records == 0 {
		out.timed = true // nothing to read: no lag, however long nothing has come
		return out
	}
	out.ago, out.atLeast, out.timed = g.history.since(c.topic, c.partition, c.offset, now)
	return out
}

// only returns the partitions that are in the set.
func (l led) only(set map[int32]bool) led {
	out := led{topic: l.topic, id: l.id}
	for _, p := range l.partitions {
		if set[p] {
			out.partitions = append(out.partitions, p)
		}
	}
	return out
}

// keys returns a map's keys, sorted.
func keys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
