package collector_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// replicationInterval is that of the default settings, with room for jitter.
const replicationInterval = 16 * time.Second

// all is every broker of three.
var all = []int32{0, 1, 2}

// troubledTopics have a partition in every state.
func troubledTopics() []literalTopic {
	return []literalTopic{
		{name: "__offsets", internal: true, minISR: "1", partitions: []literalPartition{{leader: 2, replicas: []int32{2, 1}, isr: []int32{1, 2}}}},
		{name: "moving", minISR: "1", partitions: []literalPartition{
			{leader: 2, replicas: []int32{1, 2, 0}, isr: []int32{1, 2}}, // broker 0 is being added
		}},
		{name: "orders", minISR: "2", partitions: []literalPartition{
			{leader: 0, replicas: all, isr: all},
			{leader: 1, replicas: []int32{1, 2, 0}, isr: []int32{1, 2}}, // one out of sync
			{leader: 2, replicas: []int32{2, 0, 1}, isr: []int32{2}},    // two
			{leader: -1, replicas: []int32{0, 1, 2}, isr: []int32{0}},   // dead
			{leader: 0, replicas: []int32{2, 0, 1}, isr: all},           // not led by the preferred one
		}},
		{name: "single", minISR: "2", partitions: []literalPartition{{leader: 0, replicas: []int32{0}, isr: []int32{0}}}}, // needs only what it has
	}
}

var troubledSeries = lines(
	`at_min_isr_partitions{topic="__offsets"} 0`,
	`at_min_isr_partitions{topic="moving"} 0`,
	`at_min_isr_partitions{topic="orders"} 1`,
	`at_min_isr_partitions{topic="single"} 1`,
	`cluster_at_min_isr_partitions{} 2`,
	`cluster_offline_partitions{} 1`,
	`cluster_partitions_without_preferred_leader{} 3`,
	`cluster_under_min_isr_partitions{} 2`,
	`cluster_under_replicated_partitions{} 3`,
	`leaders_imbalance_ratio{} 0.40406101782088427`,
	`leaders{broker="0"} 3`,
	`leaders{broker="1"} 1`,
	`leaders{broker="2"} 3`,
	`offline_partitions{topic="__offsets"} 0`,
	`offline_partitions{topic="moving"} 0`,
	`offline_partitions{topic="orders"} 1`,
	`offline_partitions{topic="single"} 0`,
	`out_of_sync_replicas{broker="0"} 2`,
	`out_of_sync_replicas{broker="1"} 2`,
	`out_of_sync_replicas{broker="2"} 1`,
	`partition_in_trouble{partition="1",state="under_replicated",topic="orders"} 1`,
	`partition_in_trouble{partition="2",state="under_min_isr",topic="orders"} 1`,
	`partition_in_trouble{partition="3",state="offline",topic="orders"} 1`,
	`partitions_without_preferred_leader{topic="__offsets"} 0`,
	`partitions_without_preferred_leader{topic="moving"} 1`,
	`partitions_without_preferred_leader{topic="orders"} 2`,
	`partitions_without_preferred_leader{topic="single"} 0`,
	`partitions{} 8`,
	`reassigning_partitions{} 1`,
	`replicas_imbalance_ratio{} 0`,
	`replicas{broker="0"} 7`,
	`replicas{broker="1"} 7`,
	`replicas{broker="2"} 7`,
	`series_dropped_total{collector="replication"} 0`,
	`signal_available{broker="",signal="min_isr"} 1`,
	`signal_available{broker="",signal="reassignments"} 1`,
	`signal_available{broker="",signal="topics"} 1`,
	`topics_unknown{} 0`,
	`topics{} 4`,
	`under_min_isr_partitions{topic="__offsets"} 0`,
	`under_min_isr_partitions{topic="moving"} 0`,
	`under_min_isr_partitions{topic="orders"} 2`,
	`under_min_isr_partitions{topic="single"} 0`,
	`under_replicated_partitions{topic="__offsets"} 0`,
	`under_replicated_partitions{topic="moving"} 0`,
	`under_replicated_partitions{topic="orders"} 3`,
	`under_replicated_partitions{topic="single"} 0`,
)

// newReplication starts the collector on three brokers that speak literally.
func newReplication(t *testing.T, l *literal, change func(*collector.ReplicationSettings), opts ...kfake.Opt) (*collector.Set, *network, func()) {
	t.Helper()
	cluster, nw := newCluster(t, 3, opts...)
	speakLiterally(cluster, l)
	m := member(t, "replication")
	if change != nil {
		change(m.Settings.(*collector.ReplicationSettings))
	}
	set := newSet(t, nw, m)
	time.Sleep(started)
	return set, nw, func() {
		set.Close()
		cluster.Close()
	}
}

func TestReplicationExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &literal{topics: troubledTopics(), moving: map[string]map[int32][]int32{"moving": {0: {0}}}}
		set, _, end := newReplication(t, l, nil)
		defer end()
		wantSeries(t, set, "paged", lines(`collector_success{collector="replication"} 1`), "collector_success", "collector_partial")
		if got := without(series(t, set), "collector_"); got != troubledSeries {
			t.Errorf("got\n%s\nwant\n%s", got, troubledSeries)
		}
		if got := l.count(kmsg.DescribeTopicPartitions); got != 4 {
			t.Errorf("got %d pages, want 4", got)
		}
	})
}

// A topic of which a partition could not be looked up has no series, and there is no sum.
func TestUnknownTopicIsNotHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics := troubledTopics()
		topics[2].partitions[4].err = kerr.UnknownServerError.Code
		l := &literal{topics: topics}
		set, _, end := newReplication(t, l, nil)
		defer end()
		wantSeries(t, set, "orders is unknown", lines(
			`collector_partial_errors_total{broker="",collector="replication",reason="UNKNOWN_SERVER_ERROR"} 1`,
			`topics_unknown{} 1`,
			`under_replicated_partitions{topic="__offsets"} 0`,
			`under_replicated_partitions{topic="moving"} 1`, // nobody says that it is being moved
			`under_replicated_partitions{topic="single"} 0`,
		), "under_replicated", "cluster_", "leaders", "replicas", "out_of_sync", "topics", "partitions{", "collector_partial")
	})
}

// A broker that has lost the controller tells what it heard last: it is not believed.
func TestReplicationWithoutController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &literal{topics: troubledTopics()}
		set, _, end := newReplication(t, l, nil)
		defer end()
		wantSeries(t, set, "with a controller", `cluster_offline_partitions{} 1`, "cluster_offline")
		l.set(func() { l.silent = map[kmsg.Key]bool{kmsg.ListPartitionReassignments: true} })
		time.Sleep(3*replicationInterval + 15*time.Second)
		wantSeries(t, set, "without", `collector_success{collector="replication"} 0`,
			"collector_success", "under_", "at_min", "offline", "cluster_", "leaders", "topics", "partition")
	})
}

// Without a right the collector does the rest and says which signal is missing.
func TestReplicationRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &literal{topics: troubledTopics(), refuse: map[kmsg.Key]int16{
			kmsg.ListPartitionReassignments: kerr.ClusterAuthorizationFailed.Code,
			kmsg.DescribeConfigs:            kerr.TopicAuthorizationFailed.Code,
		}}
		set, _, end := newReplication(t, l, nil)
		defer end()
		wantSeries(t, set, "refused", lines(
			`cluster_offline_partitions{} 1`,
			`cluster_partitions_without_preferred_leader{} 3`,
			`cluster_under_replicated_partitions{} 4`,
			`collector_success{collector="replication"} 1`,
			`signal_available{broker="",signal="min_isr"} 0`,
			`signal_available{broker="",signal="reassignments"} 0`,
			`signal_available{broker="",signal="topics"} 1`,
		), "cluster_", "collector_success", "signal_", "reassigning", "under_min", "at_min")
	})
}

// min.insync.replicas is asked for again only after a while.
func TestMinISRIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &literal{topics: troubledTopics()}
		set, _, end := newReplication(t, l, nil)
		defer end()
		time.Sleep(2 * replicationInterval)
		if got := l.count(kmsg.DescribeConfigs); got != 1 {
			t.Errorf("asked %d times within a minute, want once", got)
		}
		l.set(func() { l.topics[2].minISR = "3" })
		time.Sleep(time.Minute)
		wantSeries(t, set, "changed", `cluster_under_min_isr_partitions{} 3`, "cluster_under_min")
	})
}

// Without an answer the last known min.insync.replicas goes on for a while.
func TestMinISROutlivesAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &literal{topics: troubledTopics()}
		set, _, end := newReplication(t, l, nil)
		defer end()
		for _, test := range []struct {
			what string
			fail func()
		}{
			{"an error of every topic", func() { l.refuse = map[kmsg.Key]int16{kmsg.DescribeConfigs: kerr.UnknownServerError.Code} }},
			{"no answer", func() { l.silent = map[kmsg.Key]bool{kmsg.DescribeConfigs: true} }},
		} {
			asked := l.count(kmsg.DescribeConfigs)
			l.set(test.fail)
			time.Sleep(3 * time.Minute)
			if l.count(kmsg.DescribeConfigs) == asked {
				t.Errorf("%s: not asked again", test.what)
			}
			wantSeries(t, set, test.what, lines(
				`cluster_at_min_isr_partitions{} 2`, `cluster_under_min_isr_partitions{} 2`,
			), "cluster_at_min", "cluster_under_min")
		}
		time.Sleep(10 * time.Minute)
		wantSeries(t, set, "long ago", "", "cluster_at_min", "cluster_under_min", "at_min", "under_min")
		l.set(func() { l.silent, l.refuse = nil, nil })
		time.Sleep(time.Minute)
		wantSeries(t, set, "answered", `cluster_under_min_isr_partitions{} 2`, "cluster_under_min")
	})
}

// A cluster that lists no broker is unknown, not empty.
func TestReplicationWithoutBrokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1)
		defer cluster.Close()
		cluster.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			return req.ResponseKind(), nil, true
		})
		set := newSet(t, nw, member(t, "replication"))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "no broker", `collector_success{collector="replication"} 0`, "collector_success", "collector_last_success")
	})
}

// Where series are left out, those in trouble stay.
func TestReplicationCaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &literal{topics: troubledTopics()}
		set, _, end := newReplication(t, l, func(s *collector.ReplicationSettings) {
			s.MaxSeries, s.MaxPartitionSeries, s.ExcludeTopics = 20+2+5, 2, "mov.*" // 20 are of the cluster and its brokers
		})
		defer end()
		wantSeries(t, set, "capped", lines(
			`cluster_under_replicated_partitions{} 4`,
			`offline_partitions{topic="orders"} 1`,
			`partition_in_trouble{partition="2",state="under_min_isr",topic="orders"} 1`,
			`partition_in_trouble{partition="3",state="offline",topic="orders"} 1`,
			`series_dropped_total{collector="replication"} 11`,
		), "cluster_under_repl", "offline_partitions", "partition_in", "series_dropped")
	})
}

// Before Kafka 3.8 one Metadata response tells of all topics; kfake's are healthy. A frozen broker is
// asked in vain and another one answers.
func TestReplicationByMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &literal{topics: []literalTopic{{name: "orders", minISR: "3"}}}
		set, nw, end := newReplication(t, l, nil, kfake.MaxVersions(kversion.V3_6_0()), kfake.SeedTopics(6, "orders"))
		defer end()
		nw.set(frozen, 1)
		time.Sleep(4 * replicationInterval)
		wantSeries(t, set, "healthy", lines(
			`at_min_isr_partitions{topic="orders"} 6`,
			`collector_success{collector="replication"} 1`,
			`offline_partitions{topic="orders"} 0`,
			`replicas_imbalance_ratio{} 0`,
			`replicas{broker="0"} 6`,
			`replicas{broker="1"} 6`,
			`replicas{broker="2"} 6`,
			`under_replicated_partitions{topic="orders"} 0`,
		), "at_min", "collector_success", "offline", "replicas", "under_repl")
		if got := l.count(kmsg.DescribeTopicPartitions); got != 0 {
			t.Errorf("got %d requests for pages, want none", got)
		}
	})
}

// Before Kafka 3.7 a topic with fewer replicas than min.insync.replicas takes no acks=all, since then all of
// its replicas are enough.
func TestReplicationShortOfReplicas(t *testing.T) {
	for _, test := range []struct {
		kafka     *kversion.Versions
		at, under int
	}{{kversion.V3_6_0(), 0, 6}, {kversion.V3_7_0(), 6, 0}} {
		synctest.Test(t, func(t *testing.T) {
			l := &literal{topics: []literalTopic{{name: "orders", minISR: "4"}}}
			set, _, end := newReplication(t, l, nil, kfake.MaxVersions(test.kafka), kfake.SeedTopics(6, "orders"))
			defer end()
			wantSeries(t, set, test.kafka.VersionGuess(), lines(
				fmt.Sprintf(`at_min_isr_partitions{topic="orders"} %d`, test.at),
				fmt.Sprintf(`cluster_at_min_isr_partitions{} %d`, test.at),
				fmt.Sprintf(`cluster_under_min_isr_partitions{} %d`, test.under),
				`collector_success{collector="replication"} 1`,
				fmt.Sprintf(`under_min_isr_partitions{topic="orders"} %d`, test.under),
			), "at_min", "under_min", "cluster_at_min", "cluster_under_min", "collector_success", "collector_partial")
		})
	}
}

func TestReplicationSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*collector.ReplicationSettings)
		want   string
	}{
		{func(*collector.ReplicationSettings) {}, "<nil>"},
		{func(s *collector.ReplicationSettings) { s.Interval, s.Timeout = 0, 0 }, "interval: must be at least 1s, is 0s\ntimeout: must be at least 100ms, is 0s"},
		{func(s *collector.ReplicationSettings) { s.Timeout = kind.Duration(6 * time.Second) }, "timeout: must be at most a third of the interval of 15s, is 6s"},
		{func(s *collector.ReplicationSettings) { s.MinISRInterval, s.MaxPartitionSeries = -1, -1 },
			"min_isr_interval: must not be negative, is -1ns\nmax_partition_series: must not be negative, is -1"},
		{func(s *collector.ReplicationSettings) { s.IncludeTopics, s.MaxSeries = "a(", 0 },
			"include_topics: error parsing regexp: missing closing ): `a(`: write an RE2 pattern such as orders-.*\nmax_series: must be at least 1, is 0"},
	} {
		s := member(t, "replication").Settings.(*collector.ReplicationSettings)
		test.change(s)
		if got := fmt.Sprint(s.Validate()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
