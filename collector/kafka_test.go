//go:build kafka || faults

package collector_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

// real is a real cluster with collectors at work on it.
type real struct {
	*kafkatest.Cluster
	t   *testing.T
	set *collector.Set
}

// startReal starts collectors on the shared cluster.
func startReal(t *testing.T, members ...collector.Member) *real {
	t.Helper()
	cluster := kafkatest.Shared(t)
	log := slog.New(slog.DiscardHandler)
	set, err := collector.NewSet(collector.Env{
		Cluster: "prod", Listener: "default", Log: log,
		Factory: kafka.NewFactory(kafka.Settings{Cluster: "prod", BootstrapServers: cluster.Bootstrap()}, log, nil),
	}, members)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	set.Start(t.Context())
	return &real{cluster, t, set}
}

// create creates topics, by name with their partitions' replicas and min ISR.
func (r *real) create(topics map[string]int16, minISR string) {
	r.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.Bootstrap()...))
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	for name, replicas := range topics {
		if _, err := kadm.NewClient(client).CreateTopic(r.t.Context(), 6, replicas, map[string]*string{"min.insync.replicas": &minISR}, name); err != nil {
			r.t.Fatal(err)
		}
	}
}

// values returns the series of a name, by their labels but for the cluster's: "topic=orders".
func (r *real) values(name string) map[string]float64 {
	r.t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(r.set); err != nil {
		r.t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != "kafka_prober_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "kafka_cluster" && l.GetName() != "listener" {
					labels = append(labels, l.GetName()+"="+l.GetValue())
				}
			}
			got[strings.Join(labels, ",")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return got
}

// await waits until ok, looking ten times a second, and returns how long it took.
func (r *real) await(limit time.Duration, what string, ok func() bool) time.Duration {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), limit)
	defer cancel()
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			r.t.Fatalf("not within %v: %s", limit, what)
		case <-tick.C:
		}
	}
	return time.Since(began)
}

// described counts the partitions by topic that kafka-topics --describe lists with one more option.
func (r *real) described(option string) map[string]float64 {
	r.t.Helper()
	var up []string
	for id := 1; id <= 3; id++ {
		if n := r.Broker(id); n.Running() {
			up = append(up, n.Addr())
		}
	}
	out, err := r.Tool(r.t.Context(), "org.apache.kafka.tools.TopicCommand", "--bootstrap-server", strings.Join(up, ","), "--describe", option)
	if err != nil {
		r.t.Fatal(err)
	}
	counts := make(map[string]float64)
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[0] == "Topic:" && fields[2] == "Partition:" {
			counts["topic="+fields[1]]++
		}
	}
	return counts
}

// nonzero leaves out the zeros.
func nonzero(values map[string]float64) map[string]float64 {
	maps.DeleteFunc(values, func(_ string, v float64) bool { return v == 0 })
	return values
}

func total(values map[string]float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// quick is a collector that refreshes every two seconds.
func quick(t *testing.T, name string) collector.Member {
	t.Helper()
	m := member(t, name)
	switch s := m.Settings.(type) {
	case *collector.ReplicationSettings:
		s.Interval, s.Timeout = kind.Duration(2*time.Second), kind.Duration(600*time.Millisecond)
	case *collector.QuorumSettings:
		s.Interval, s.Timeout = kind.Duration(2*time.Second), kind.Duration(time.Second)
	case *collector.LogDirsSettings:
		s.Interval, s.Timeout = kind.Duration(5*time.Second), kind.Duration(2*time.Second)
	case *collector.ConfigsSettings:
		s.Interval = kind.Duration(5 * time.Second)
	}
	return m
}

// The counts are kafka-topics' own, for every topic: with a broker stopped, with two, and with all back.
func TestReplicationMatchesKafkaTopics(t *testing.T) {
	r := startReal(t, quick(t, "replication"), quick(t, "brokers"))
	r.create(map[string]int16{"repl-three": 3, "repl-two": 2, "repl-one": 1}, "2")
	r.await(30*time.Second, "all topics to be seen, all in sync", func() bool {
		return len(r.values("under_replicated_partitions")) >= 3 && total(r.values("under_replicated_partitions")) == 0
	})

	compare := func(what string) {
		t.Helper()
		for option, series := range map[string]string{
			"--under-replicated-partitions": "under_replicated_partitions",
			"--unavailable-partitions":      "offline_partitions",
		} {
			want := r.described(option)
			took := r.await(20*time.Second, fmt.Sprintf("%s: %s to be %v, are %v", what, series, want, nonzero(r.values(series))), func() bool {
				return maps.Equal(nonzero(r.values(series)), want)
			})
			t.Logf("%s: %s %v after %v", what, series, want, took.Round(100*time.Millisecond))
		}
	}
	if err := r.Broker(3).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := r.await(20*time.Second, "a broker stopped: every partition of repl-three under-replicated", func() bool {
		return r.values("under_replicated_partitions")["topic=repl-three"] == 6
	})
	t.Logf("one broker stopped: repl-three under-replicated after %v", took.Round(100*time.Millisecond))
	compare("one stopped")
	if got := r.values("at_min_isr_partitions")["topic=repl-three"]; got != 6 {
		t.Errorf("repl-three: %v partitions at min ISR, want 6", got)
	}
	two, one := r.values("under_replicated_partitions")["topic=repl-two"], r.values("offline_partitions")["topic=repl-one"]
	if got := r.values("under_min_isr_partitions")["topic=repl-two"]; got != two || two == 0 {
		t.Errorf("repl-two: %v partitions below min ISR, want the %v that lack a replica", got, two)
	}
	if got := r.values("under_min_isr_partitions")["topic=repl-one"]; got != one || one == 0 {
		t.Errorf("repl-one: %v partitions below min ISR, want the %v without a leader: one replica is all they need", got, one)
	}
	if got := r.values("out_of_sync_replicas"); got["broker=3"] != r.values("replicas")["broker=3"] || got["broker=1"] != 0 {
		t.Errorf("replicas out of sync: %v, want all of broker 3 and no other", got)
	}
	if got := r.values("leaders")["broker=3"]; got != 0 {
		t.Errorf("broker 3 leads %v partitions, want 0", got)
	}

	if err := r.Broker(2).Kill(); err != nil {
		t.Fatal(err)
	}
	r.await(30*time.Second, "two stopped: every partition of repl-three below min ISR", func() bool {
		return r.values("under_min_isr_partitions")["topic=repl-three"] == 6
	})
	compare("two stopped")
	if got := total(r.values("offline_partitions")); got == 0 {
		t.Error("no partition is offline")
	}

	if err := r.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	took = r.await(30*time.Second, "all back: nothing in trouble", func() bool {
		return len(r.values("partition_in_trouble")) == 0 && r.values("cluster_under_min_isr_partitions")[""] == 0 &&
			r.values("cluster_under_replicated_partitions")[""] == 0 && r.values("collector_success")["collector=replication"] == 1
	})
	t.Logf("all back: zero after %v", took.Round(100*time.Millisecond))
}

// Brokers without a controller go on telling what they heard last: that is unknown, not healthy.
func TestReplicationUnknownWithoutController(t *testing.T) {
	r := startReal(t, quick(t, "replication"), quick(t, "brokers"))
	r.create(map[string]int16{"repl-unknown": 3}, "2")
	r.await(30*time.Second, "the topic and the controller to be seen", func() bool {
		_, seen := r.values("under_replicated_partitions")["topic=repl-unknown"]
		return seen && r.values("active_controllers")[""] == 1 && r.values("controller_info")["broker="+strconv.Itoa(kafkatest.ControllerID)] == 1
	})
	if err := r.Controller().Pause(); err != nil {
		t.Fatal(err)
	}
	took := r.await(30*time.Second, "no controller: its count 0, no statement on partitions", func() bool {
		active, known := r.values("active_controllers")[""]
		return known && active == 0 && len(r.values("under_replicated_partitions")) == 0 && r.values("collector_success")["collector=replication"] == 0
	})
	t.Logf("controller frozen: unknown after %v", took.Round(100*time.Millisecond))
	if got := r.values("brokers_reachable")[""]; got != 3 {
		t.Errorf("%v brokers reachable, want 3: it is the controller that is gone", got)
	}
}

// The lag of a frozen broker in the metadata log lies between what kafka-metadata-quorum says before and after.
func TestQuorumMatchesKafkaMetadataQuorum(t *testing.T) {
	r := startReal(t, quick(t, "quorum"), quick(t, "logdirs"), quick(t, "configs"))
	r.create(map[string]int16{"repl-configs": 3}, "2")
	r.await(30*time.Second, "everything to be known", func() bool {
		return len(r.values("quorum_lag_records")) == 4 && len(r.values("log_dir_usable_bytes")) == 3 && r.values("topic_min_isr")["topic=repl-configs"] == 2
	})
	if got := r.values("quorum_leader_info"); got["broker="+strconv.Itoa(kafkatest.ControllerID)] != 1 {
		t.Errorf("leader %v, want %d", got, kafkatest.ControllerID)
	}
	if err := r.Broker(3).Pause(); err != nil {
		t.Fatal(err)
	}
	lag := func() float64 { return r.values("quorum_lag_records")["broker=3,role=observer"] }
	r.await(30*time.Second, "the frozen broker to lag by 10 records", func() bool { return lag() >= 10 })
	before := r.quorumLags()["3"]
	r.await(20*time.Second, "a refresh after the tool's", func() bool { return lag() >= before })
	got, seconds := lag(), r.values("quorum_lag_seconds")["broker=3,role=observer"]
	after := r.quorumLags()["3"]
	t.Logf("lag of the frozen broker: tool %v, here %v records and %.1f s, tool %v", before, got, seconds, after)
	if got < before || got > after {
		t.Errorf("got a lag of %v records, want between %v and %v", got, before, after)
	}
	if seconds < 2 || seconds > 120 {
		t.Errorf("got a lag of %v s for a broker frozen some seconds ago", seconds)
	}
	if other := r.values("quorum_lag_records")["broker=1,role=observer"]; other > 3 {
		t.Errorf("broker 1 lags by %v records, want hardly any", other)
	}
}

// quorumLags returns the lag of each node as Kafka's tool says it.
func (r *real) quorumLags() map[string]float64 {
	r.t.Helper()
	out, err := r.Tool(r.t.Context(), "org.apache.kafka.tools.MetadataQuorumCommand", "--bootstrap-server", r.Broker(1).Addr(), "describe", "--replication")
	if err != nil {
		r.t.Fatal(err)
	}
	rows := slices.Collect(strings.Lines(out))
	if len(rows) == 0 {
		r.t.Fatal("the tool printed nothing")
	}
	column := slices.Index(strings.Fields(rows[0]), "Lag")
	if column < 0 {
		r.t.Fatalf("no column Lag in\n%s", out)
	}
	lags := make(map[string]float64)
	for _, row := range rows[1:] {
		if fields := strings.Fields(row); len(fields) > column {
			if lags[fields[0]], err = strconv.ParseFloat(fields[column], 64); err != nil {
				r.t.Fatalf("%v in\n%s", err, out)
			}
		}
	}
	return lags
}
