package collector

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// replicationDescs are the series of the collector replication.
type replicationDescs struct {
	topic, cluster                          partitionDescs
	partition                               *prometheus.Desc
	topics, unknown, partitions, reassigned *prometheus.Desc
	leaders, replicas, outOfSync            *prometheus.Desc
	leaderImbalance, replicaImbalance       *prometheus.Desc
}

// partitionDescs count partitions by state, of a topic or of the whole cluster.
type partitionDescs struct{ underRepl, underMinISR, atMinISR, offline, notPreferred *prometheus.Desc }

func newReplicationDescs(env Env) replicationDescs {
	return replicationDescs{
		topic: partitionDescs{
			underRepl:    env.Desc("under_replicated_partitions", "Partitions of the topic with fewer replicas in sync than assigned; replicas that a reassignment adds are left out.", "topic"),
			underMinISR:  env.Desc("under_min_isr_partitions", "Partitions of the topic with too few replicas in sync for acks=all, or no leader.", "topic"),
			atMinISR:     env.Desc("at_min_isr_partitions", "Partitions of the topic that one replica less in sync makes refuse acks=all.", "topic"),
			offline:      env.Desc("offline_partitions", "Partitions of the topic without a leader.", "topic"),
			notPreferred: env.Desc("partitions_without_preferred_leader", "Partitions of the topic that the first of their replicas does not lead.", "topic"),
		},
		cluster: partitionDescs{
			underRepl:    env.Desc("cluster_under_replicated_partitions", "All partitions with fewer replicas in sync than assigned; absent while a topic is unknown."),
			underMinISR:  env.Desc("cluster_under_min_isr_partitions", "All partitions with too few replicas in sync for acks=all, or no leader; absent while a topic or its min ISR is unknown."),
			atMinISR:     env.Desc("cluster_at_min_isr_partitions", "All partitions that one replica less in sync makes refuse acks=all; absent while a topic or its min ISR is unknown."),
			offline:      env.Desc("cluster_offline_partitions", "All partitions without a leader; absent while a topic is unknown."),
			notPreferred: env.Desc("cluster_partitions_without_preferred_leader", "All partitions that the first of their replicas does not lead; absent while a topic is unknown."),
		},
		partition:        env.Desc("partition_in_trouble", "1 for a partition that is not as it should be, by its worst state: offline, under_min_isr or under_replicated.", "topic", "partition", "state"),
		topics:           env.Desc("topics", "Topics that the prober may describe, internal ones included; absent while one is unknown."),
		partitions:       env.Desc("partitions", "Partitions of all topics; absent while a topic is unknown."),
		unknown:          env.Desc("topics_unknown", "Topics whose state could not be looked up."),
		reassigned:       env.Desc("reassigning_partitions", "Partitions whose replicas are being moved."),
		leaders:          env.Desc("leaders", "Partitions that the broker leads; absent while a topic is unknown.", "broker"),
		replicas:         env.Desc("replicas", "Replicas assigned to the broker; absent while a topic is unknown.", "broker"),
		outOfSync:        env.Desc("out_of_sync_replicas", "Replicas assigned to the broker that are not in sync; those that a reassignment adds are left out.", "broker"),
		leaderImbalance:  env.Desc("leaders_imbalance_ratio", "Standard deviation of the number of leaders per broker over its mean, brokers that are down included."),
		replicaImbalance: env.Desc("replicas_imbalance_ratio", "Standard deviation of the number of replicas per broker over its mean, brokers that are down included."),
	}
}

func (d replicationDescs) describe(ch chan<- *prometheus.Desc) {
	for _, p := range []partitionDescs{d.topic, d.cluster} {
		for _, desc := range []*prometheus.Desc{p.underRepl, p.underMinISR, p.atMinISR, p.offline, p.notPreferred} {
			ch <- desc
		}
	}
	for _, desc := range []*prometheus.Desc{
		d.partition, d.topics, d.unknown, d.partitions, d.reassigned,
		d.leaders, d.replicas, d.outOfSync, d.leaderImbalance, d.replicaImbalance,
	} {
		ch <- desc
	}
}

// add adds the counts of a topic, or their sum.
func (d partitionDescs) add(s *Snapshot, t *topicCount, labels ...string) {
	s.Gauge(d.underRepl, float64(t.underRepl), labels...)
	s.Gauge(d.offline, float64(t.offline), labels...)
	s.Gauge(d.notPreferred, float64(t.notPreferred), labels...)
	if t.minISRKnown {
		s.Gauge(d.underMinISR, float64(t.underMinISR), labels...)
		s.Gauge(d.atMinISR, float64(t.atMinISR), labels...)
	}
}

// topicSeries is how many series partitionDescs.add makes at most.
const topicSeries = 5

// snapshot returns the series. Sums are over all topics, whatever the filter says, or absent.
func (r *replication) snapshot(c *replicationCount) *Snapshot {
	s := newSnapshot(r.settings.MaxSeries)
	s.Gauge(r.descs.unknown, float64(c.unknown))
	if c.moving.known {
		s.Gauge(r.descs.reassigned, float64(c.moving.ongoing))
	}
	if c.unknown == 0 {
		r.sums(s, c)
	}
	r.byPartition(s, c)
	r.byTopic(s, c)
	return s
}

func (r *replication) sums(s *Snapshot, c *replicationCount) {
	sum := topicCount{minISRKnown: true}
	for i := range c.topics {
		t := &c.topics[i]
		sum.partitions += t.partitions
		sum.offline += t.offline
		sum.underRepl += t.underRepl
		sum.notPreferred += t.notPreferred
		sum.underMinISR += t.underMinISR
		sum.atMinISR += t.atMinISR
		sum.minISRKnown = sum.minISRKnown && t.minISRKnown
	}
	r.descs.cluster.add(s, &sum)
	s.Gauge(r.descs.topics, float64(len(c.topics)))
	s.Gauge(r.descs.partitions, float64(sum.partitions))
	for id, b := range c.brokers {
		label := strconv.Itoa(int(id))
		s.Gauge(r.descs.leaders, float64(b.leaders), label)
		s.Gauge(r.descs.replicas, float64(b.replicas), label)
		s.Gauge(r.descs.outOfSync, float64(b.outOfSync), label)
	}
	if sum.partitions > sum.offline {
		s.Gauge(r.descs.leaderImbalance, c.imbalance(func(b *brokerCount) int { return b.leaders }))
	}
	if sum.partitions > 0 {
		s.Gauge(r.descs.replicaImbalance, c.imbalance(func(b *brokerCount) int { return b.replicas }))
	}
}

// byTopic adds the series of the topics that the filter lets pass, those in trouble first as the cap may
// cut the rest.
func (r *replication) byTopic(s *Snapshot, c *replicationCount) {
	var chosen []*topicCount
	for i := range c.topics {
		if r.topics.match(c.topics[i].name) {
			chosen = append(chosen, &c.topics[i])
		}
	}
	if s.series+len(chosen)*topicSeries > s.limit {
		slices.SortStableFunc(chosen, func(a, b *topicCount) int {
			return cmp.Or(-cmp.Compare(a.offline+a.underMinISR, b.offline+b.underMinISR), -cmp.Compare(a.underRepl, b.underRepl))
		})
	}
	for _, t := range chosen {
		if s.fits(topicSeries) {
			r.descs.topic.add(s, t, t.name)
		}
	}
}

// States of a partition in trouble, the worst first.
var troubles = [...]string{"offline", "under_min_isr", "under_replicated"}

// byPartition adds the partitions in trouble, the worst first.
func (r *replication) byPartition(s *Snapshot, c *replicationCount) {
	var worst [len(troubles)][]troubledPartition
	for _, p := range c.trouble {
		t := &c.topics[p.topic]
		if !r.topics.match(t.name) {
			continue
		}
		state := 2
		switch {
		case !p.led:
			state = 0
		case t.minISRKnown && p.inSync < p.effective(r.minISRs[t.name].value, c.uncapped):
			state = 1
		}
		worst[state] = append(worst[state], p)
	}
	left := r.settings.MaxPartitionSeries
	for state, partitions := range worst {
		fit := min(len(partitions), left)
		for _, p := range partitions[:fit] {
			s.Gauge(r.descs.partition, 1, c.topics[p.topic].name, strconv.Itoa(int(p.partition)), troubles[state])
		}
		left -= fit
		if r.settings.MaxPartitionSeries > 0 {
			s.dropped += len(partitions) - fit
		}
	}
}
