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
		g.exact.refresh(ctx, l, all, out)
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

// groupMoves is what this process saw of a group's commits over time.
type groupMoves struct {
	kind    string
	commits map[string]map[int32]int64
	moved   time.Time // when one was last seen to move, or the group was first seen
	active  bool      // whether one moved since the refresh before
}

// unseen returns the groups that no broker named but that may exist all the same,
// as not every broker answered.
func (g *groups) unseen(all []*group) (missing []*group) {
	seen := make(map[string]bool, len(all))
	for _, of := range all {
		seen[of.id] = true
	}
	for id, m := range g.moves {
		if !seen[id] {
			missing = append(missing, &group{id: id, kind: m.kind, state: stateUnknown, coordinator: -1, idle: -1})
		}
	}
	return missing
}

// watch notes which groups have committed since the last refresh. Groups that
// are gone are forgotten, once every broker has named its own.
func (g *groups) watch(all []*group, complete bool, now time.Time) {
	seen := make(map[string]bool, len(all))
	for _, of := range all {
		seen[of.id] = true
		if !of.fetched {
			continue
		}
		m := g.moves[of.id]
		first := m == nil
		if first {
			m = &groupMoves{kind: of.kind, moved: now}
			g.moves[of.id] = m
		}
		next := make(map[string]map[int32]int64)
		m.active = false
		for _, c := range of.commits {
			if next[c.topic] == nil {
				next[c.topic] = make(map[int32]int64)
			}
			next[c.topic][c.partition] = c.offset
			if was, ok := m.commits[c.topic][c.partition]; !first && (!ok || was != c.offset) {
				m.active, m.moved = true, now
			}
		}
		m.commits = next
	}
	if complete {
		maps.DeleteFunc(g.moves, func(id string, _ *groupMoves) bool { return !seen[id] })
	}
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
