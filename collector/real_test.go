//go:build kafka || faults

package collector_test

import (
	"context"
	"log/slog"
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
