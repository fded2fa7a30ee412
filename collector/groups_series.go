package collector

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// groupDescs are the series of the collector "groups".
type groupDescs struct {
	state, activity, members, idle, lastCommit *prometheus.Desc // by group
	committed, records, seconds, atLeast       *prometheus.Desc // by group and topic

	partitionCommitted, partitionRecords, partitionSeconds *prometheus.Desc // by partition too
}

func newGroupDescs(env Env) groupDescs {
	return groupDescs{
		state:      env.Desc("consumer_group_state", "State of the group, as Kafka names it, in the label state: always 1. Unknown where the coordinator did not say.", "group", "type", "state"),
		activity:   env.Desc("consumer_group_activity", "What the group does, in the label activity: always 1. empty has no member, active committed since the last refresh or has records to read, idle has neither, unknown is where the coordinator did not say.", "group", "activity"),
		members:    env.Desc("consumer_group_members", "Members of the group.", "group"),
		idle:       env.Desc("consumer_group_members_without_partitions", "Members of the group that are assigned no partition; absent during a rebalance and for protocols that assign something else.", "group"),
		lastCommit: env.Desc("consumer_group_last_commit_age_seconds", "Time since a committed offset of the group was last seen to move, or since this process first saw the group if none did.", "group"),

		committed: env.Desc("consumer_group_committed_offset", "Sum of the group's committed offsets on the topic's partitions; of share groups, of their start offsets.", "group", "topic"),
		records:   env.Desc("consumer_group_lag_records", "Records of the topic that the group has yet to read: log ends less committed offsets, never negative; absent while a log end is unknown.", "group", "topic"),
		seconds:   env.Desc("consumer_group_lag_seconds", "Time since the oldest record of the topic that the group has yet to read was appended, 0 without one; absent while unknown.", "group", "topic"),
		atLeast:   env.Desc("consumer_group_lag_seconds_lower_bound", "Whether consumer_group_lag_seconds is only what the lag is at least, as that record is older than what this process saw: it grows while the commit stays, and falls to the history once that moves.", "group", "topic"),

		partitionCommitted: env.Desc("consumer_group_partition_committed_offset", "Committed offset of the group on the partition.", "group", "topic", "partition"),
		partitionRecords:   env.Desc("consumer_group_partition_lag_records", "Records of the partition that the group has yet to read.", "group", "topic", "partition"),
		partitionSeconds:   env.Desc("consumer_group_partition_lag_seconds", "Time since the oldest record of the partition that the group has yet to read was appended, or what it is at least.", "group", "topic", "partition"),
	}
}

func (d groupDescs) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.state, d.activity, d.members, d.idle, d.lastCommit, d.committed, d.records, d.seconds, d.atLeast,
		d.partitionCommitted, d.partitionRecords, d.partitionSeconds,
	} {
		ch <- desc
	}
}

// snapshot returns the series of what is known, up to the cap. Groups are whole
// or not there at all.
func (g *groups) snapshot(all []*group, lags [][]lag, now time.Time) *Snapshot {
	s := newSnapshot(g.settings.MaxSeries)
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(all[a].id, all[b].id) })
	last := ""
	for n, i := range order {
		of := all[i]
		if n > 0 && of.id == last {
			continue // it moved from one coordinator to another between their answers
		}
		last = of.id
		one := new(Snapshot)
		g.describeGroup(one, of, lags[i], now)
		g.topicLags(one, of, lags[i])
		if g.settings.Partitions {
			g.partitionLags(one, of.id, lags[i])
		}
		if s.take(len(one.state)) {
			s.state = append(s.state, one.state...)
		}
	}
	return s
}

// describeGroup adds what is known of a group as a whole.
func (g *groups) describeGroup(s *Snapshot, of *group, lags []lag, now time.Time) {
	moves := g.moves[of.id]
	s.Gauge(g.descs.state, 1, of.id, of.kind, of.state)
	s.Gauge(g.descs.activity, 1, of.id, activity(of, moves, lags))
	if of.described {
		s.Gauge(g.descs.members, float64(of.members), of.id)
	}
	if of.described && of.idle >= 0 {
		s.Gauge(g.descs.idle, float64(of.idle), of.id)
	}
	if moves != nil && len(moves.topics) > 0 {
		s.Gauge(g.descs.lastCommit, now.Sub(moves.moved).Seconds(), of.id)
	}
}

// activity tells groups that do nothing from those of which nothing is known.
func activity(of *group, moves *groupMoves, lags []lag) string {
	switch {
	case !of.described:
		return "unknown"
	case of.members == 0:
		return "empty"
	case !of.fetched:
		return "unknown"
	case moves.active:
		return "active"
	}
	for _, lag := range lags {
		switch {
		case !lag.known:
			return "unknown"
		case lag.records > 0:
			return "active"
		}
	}
	return "idle"
}

// topicLags adds one sum per topic. lags are sorted by topic.
func (g *groups) topicLags(s *Snapshot, of *group, lags []lag) {
	for start := 0; start < len(lags); {
		end := start + 1
		for end < len(lags) && lags[end].topic == lags[start].topic {
			end++
		}
		g.topicLag(s, of, lags[start:end])
		start = end
	}
}

func (g *groups) topicLag(s *Snapshot, of *group, lags []lag) {
	if !of.fetched {
		return // some commits are missing: a sum would lie
	}
	topic := lags[0].topic
	var committed, records int64
	var oldest time.Duration
	known, timed, atLeast := true, true, false
	for _, lag := range lags {
		committed += lag.offset
		records += lag.records
		oldest = max(oldest, lag.ago)
		known, timed, atLeast = known && lag.known, timed && lag.timed, atLeast || lag.atLeast
	}
	s.Gauge(g.descs.committed, float64(committed), of.id, topic)
	if known {
		s.Gauge(g.descs.records, float64(records), of.id, topic)
	}
	if known && timed {
		s.Gauge(g.descs.seconds, oldest.Seconds(), of.id, topic)
		s.Gauge(g.descs.atLeast, boolFloat(atLeast), of.id, topic)
	}
}

func (g *groups) partitionLags(s *Snapshot, id string, lags []lag) {
	for _, lag := range lags {
		number := strconv.Itoa(int(lag.partition))
		s.Gauge(g.descs.partitionCommitted, float64(lag.offset), id, lag.topic, number)
		if lag.known {
			s.Gauge(g.descs.partitionRecords, float64(lag.records), id, lag.topic, number)
		}
		if lag.known && lag.timed {
			s.Gauge(g.descs.partitionSeconds, lag.ago.Seconds(), id, lag.topic, number)
		}
	}
}
