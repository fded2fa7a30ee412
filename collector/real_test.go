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
	"github.com/kafka-prober/kafka_prober/internal/security"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// users may come in by the cluster's listener SASL_PLAINTEXT and do nothing that no ACL allows; tests come
// in by PLAINTEXT and may do everything.
var users = map[string]string{"nobody": "n", "topics": "t", "groups": "g"}

func TestMain(m *testing.M) {
	ways, err := kafkatest.NewSecurity(users)
	if err != nil {
		panic(err)
	}
	secure, err := kafkatest.Secure(ways)
	if err != nil {
		panic(err)
	}
	kafkatest.Main(m, secure, kafkatest.JMXPages(), kafkatest.BrokerConfig("log.cleaner.backoff.ms", "500"))
}

// real is a real cluster with collectors at work on it.
type real struct {
	*kafkatest.Cluster
	t   *testing.T
	set *collector.Set
}

// startReal starts collectors on the shared cluster.
func startReal(t *testing.T, members ...collector.Member) *real {
	t.Helper()
	return startAs(t, "", slog.New(slog.DiscardHandler), members...)
}

// startAs does so as one of the users, if one is named.
func startAs(t *testing.T, user string, log *slog.Logger, members ...collector.Member) *real {
	t.Helper()
	cluster := kafkatest.Shared(t)
	settings := kafka.Settings{Cluster: "prod", BootstrapServers: cluster.Bootstrap()}
	if user != "" {
		settings.BootstrapServers = cluster.BootstrapFor(kafkatest.SASLListener)
		settings.SASL = &security.SASL{Mechanism: "PLAIN", Username: user, Password: kind.Secret(users[user])}
	}
	set, err := collector.NewSet(collector.Env{
		Cluster: "prod", Listener: "default", Log: log,
		Factory: kafka.NewFactory(settings, slog.New(slog.DiscardHandler), nil),
	}, members)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	set.Start(t.Context())
	return &real{cluster, t, set}
}

// client returns a client of the test's own.
func (r *real) client(opts ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(r.Bootstrap()...)}, opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(client.Close)
	return client
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
	return r.series()[name]
}

// series returns all series by name and labels, of one scrape.
func (r *real) series() map[string]map[string]float64 {
	r.t.Helper()
	families, err := r.set.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	all := make(map[string]map[string]float64)
	for _, family := range families {
		got := make(map[string]float64)
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "kafka_cluster" && l.GetName() != "listener" {
					labels = append(labels, l.GetName()+"="+l.GetValue())
				}
			}
			got[strings.Join(labels, ",")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
		all[strings.TrimPrefix(family.GetName(), "kafka_prober_")] = got
	}
	return all
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

// quick is a collector that refreshes as often as it is allowed to, or nearly.
func quick(t *testing.T, name string) collector.Member {
	t.Helper()
	m := member(t, name)
	switch s := m.Settings.(type) {
	case *collector.BrokersSettings:
		s.Interval, s.Timeout = kind.Duration(2*time.Second), kind.Duration(time.Second)
	case *collector.TrafficSettings:
		s.Interval = kind.Duration(5 * time.Second)
	case *collector.GroupsSettings:
		s.Interval = kind.Duration(5 * time.Second)
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

// everything is every collector that runs by default, quick.
func everything(t *testing.T) (members []collector.Member) {
	t.Helper()
	for _, k := range collector.Kinds.All() {
		if k.Default {
			members = append(members, quick(t, k.Name))
		}
	}
	return members
}

// total adds up the values of a series.
func total(values map[string]float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}
