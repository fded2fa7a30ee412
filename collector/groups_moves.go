package collector

import (
	"maps"
	"time"
)

// groupMoves is what this process saw of a group's commits over time.
type groupMoves struct {
	kind   string
	topics map[string]topicCommits
	moved  time.Time // when one was last seen to move, or the group was first seen
	active bool      // whether one moved since the refresh before
}

// topicCommits is what a group committed on a topic.
type topicCommits struct {
	id      [16]byte // zero while unknown
	commits map[int32]committed
}

// committed is where a group stands, and when the record there was appended, as
// far as that was known at any time since. 16 bytes: there may be millions.
type committed struct {
	offset   int64
	appended int32 // tenths of a second since the history's epoch, negative before it
	known    bool  // whether appended is
	atLeast  bool  // whether the record may be older
}

// on returns the commits on a topic, none of another one that bore its name.
func (m *groupMoves) on(topic string, id [16]byte) map[int32]committed {
	t := m.topics[topic]
	if !sameTopic(t.id, id) {
		return nil
	}
	return t.commits
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
func (g *groups) watch(l *leadership, all []*group, complete bool, now time.Time) {
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
		next := make(map[string]topicCommits)
		m.active = false
		for _, c := range of.commits {
			id := l.topics[c.topic].id
			if _, ok := next[c.topic]; !ok {
				t := topicCommits{id: id, commits: make(map[int32]committed)}
				if id == [16]byte{} { // not every answer has it
					t.id = m.topics[c.topic].id
				}
				next[c.topic] = t
			}
			was, ok := m.on(c.topic, id)[c.partition]
			if !ok || was.offset != c.offset {
				was = committed{offset: c.offset}
				if !first {
					m.active, m.moved = true, now
				}
			}
			next[c.topic].commits[c.partition] = was
		}
		m.topics = next
	}
	if complete {
		maps.DeleteFunc(g.moves, func(id string, _ *groupMoves) bool { return !seen[id] })
	}
}

// grow lets the lag of commits that stay where they are grow with time, however
// short the history: a record does not get younger.
func (g *groups) grow(l *leadership, id string, lags []lag, now time.Time) {
	m := g.moves[id]
	if m == nil {
		return
	}
	for i := range lags {
		lag := &lags[i]
		commits := m.on(lag.topic, l.topics[lag.topic].id)
		was, ok := commits[lag.partition]
		if !ok || was.offset != lag.offset || !lag.known {
			continue
		}
		is := was
		switch ago := g.history.ago(float64(was.appended), now); {
		case lag.records == 0:
			is.known = false // the record there is yet to come
		case was.known && !lag.read && ago >= lag.ago:
			lag.ago, lag.atLeast, lag.timed = ago, was.atLeast, true
		case lag.timed:
			is.appended, is.known, is.atLeast = g.history.born(lag.ago, now), true, lag.atLeast
		}
		if is != was {
			commits[lag.partition] = is
		}
	}
}

// doubt forgets when records of a partition were appended: there may be others
// in their place.
func (g *groups) doubt(topic string, partition int32) {
	for _, m := range g.moves {
		commits := m.topics[topic].commits
		if c, ok := commits[partition]; ok {
			commits[partition] = committed{offset: c.offset}
		}
	}
}
