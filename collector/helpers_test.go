package collector_test

import (
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/prometheus/client_golang/prometheus"
)

// newEnv returns what collectors are handed, on the network.
func newEnv(nw *network, log *slog.Logger) collector.Env {
	return collector.Env{
		Cluster: "prod", Listener: "default", Log: log,
		Factory: kafka.NewFactory(kafka.Settings{
			Cluster: "prod", BootstrapServers: []string{"127.0.0.1:9092", "127.0.0.1:9093"}, Dialer: nw.dial,
		}, slog.New(slog.DiscardHandler), nil),
	}
}

// newSet makes and starts a set. Close it before the test's bubble ends.
func newSet(t *testing.T, nw *network, members ...collector.Member) *collector.Set {
	t.Helper()
	set, err := collector.NewSet(newEnv(nw, slog.New(slog.DiscardHandler)), members)
	if err != nil {
		t.Fatal(err)
	}
	set.Start(t.Context())
	return set
}

// brokersMember is the collector "brokers" with its defaults.
func brokersMember(t *testing.T) collector.Member {
	t.Helper()
	k, ok := collector.Kinds.Get("brokers")
	if !ok {
		t.Fatal("there is no collector brokers")
	}
	return collector.Member{Name: k.Name, Settings: k.New()}
}

// series returns every series of a gatherer whose name has one of the prefixes,
// sorted, one "name{label="value"} value" a line, without the labels of the
// cluster. A scrape that takes any time is an error: it must not wait for Kafka.
func series(t *testing.T, g prometheus.Gatherer, prefixes ...string) string {
	t.Helper()
	start := time.Now()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took != 0 { // synctest: time passes only if somebody waits
		t.Errorf("the scrape took %v", took)
	}
	var lines []string
	for _, family := range families {
		name := strings.TrimPrefix(family.GetName(), "kafka_prober_")
		if len(prefixes) > 0 && !hasPrefix(name, prefixes) {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() != "kafka_cluster" && l.GetName() != "listener" {
					labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				}
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %v", name, strings.Join(labels, ","), m.GetGauge().GetValue()+m.GetCounter().GetValue()))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func hasPrefix(name string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// lines joins lines, so that a wanted result reads like one.
func lines(l ...string) string { return strings.Join(l, "\n") }

// wantSeries fails if the series of these prefixes are not as wanted.
func wantSeries(t *testing.T, g prometheus.Gatherer, what, want string, prefixes ...string) {
	t.Helper()
	if got := series(t, g, prefixes...); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}
