//go:build faults

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestTopicTakenAway lets others delete the probe's topic, with and without creating it again, and add
// partitions to it. The daemon goes on within thirty seconds, and nothing is said to be lost.
func TestTopicTakenAway(t *testing.T) {
	const goesOn = 30 * time.Second
	c := kafkatest.Shared(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	d := startDaemon(t, "--kafka.bootstrap-servers="+strings.Join(c.Bootstrap(), ","))
	awaitAll(t, d, goesOn, nil)

	remove := func(t *testing.T) {
		t.Helper()
		if _, err := admin.DeleteTopic(t.Context(), steadyTopic); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		harm func(t *testing.T)
	}{
		{"deleted", remove},
		{"deleted and created again by someone else", func(t *testing.T) {
			remove(t)
			await(t, goesOn, "the topic to be created again", func() bool {
				_, err := admin.CreateTopic(t.Context(), 3, 3, nil, steadyTopic)
				return err == nil || strings.Contains(err.Error(), "TOPIC_ALREADY_EXISTS") // the daemon was faster
			})
		}},
		{"partitions added", func(t *testing.T) {
			answers, err := admin.CreatePartitions(t.Context(), 3, steadyTopic)
			if err != nil || answers.Error() != nil {
				t.Fatalf("create partitions: %v, %v", err, answers.Error())
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := d.scrape(t)
			test.harm(t)
			took := awaitAll(t, d, goesOn, before)
			series := d.scrape(t)
			for _, name := range []string{"acknowledged_lost_total", "records_duplicate_total", "records_reordered_total", "records_corrupt_total", "log_rewinds_total"} {
				if n := grown(before, series, "kafka_prober_"+name, nil); n > 0 {
					t.Errorf("%s grew by %v", name, n)
				}
			}
			var became []string
			for _, outcome := range []string{"delivered", "failed", "timeout", "lost", "expired", "topic_recreated"} {
				n := grown(before, series, "kafka_prober_records_total", map[string]string{"outcome": outcome})
				became = append(became, fmt.Sprintf("%s %v", outcome, n))
				if n > 0 && (outcome == "lost" || outcome == "expired") {
					t.Errorf("%v records %s, want none", n, outcome)
				}
			}
			t.Logf("goes on after %v, on %v brokers: %s", took.Round(time.Millisecond),
				sum(series, "kafka_prober_broker_covered", nil), strings.Join(became, ", "))
		})
	}
	d.terminate(t)
}

// awaitAll waits until each broker that leads a partition has delivered twenty records more than before and
// nothing is old, and returns how long that took. Whoever creates a topic may leave a broker without any.
func awaitAll(t *testing.T, d *daemonProcess, limit time.Duration, before map[string]*dto.MetricFamily) time.Duration {
	t.Helper()
	began := time.Now()
	await(t, limit, "records of all brokers", func() bool {
		series := d.scrape(t)
		checkScrape(t, series)
		leading := 0
		for _, broker := range []string{"1", "2", "3"} {
			labels := map[string]string{"outcome": "delivered", "broker": broker}
			if sum(series, "kafka_prober_oldest_outstanding_seconds", map[string]string{"broker": broker}) > 1 {
				return false
			}
			if sum(series, "kafka_prober_broker_covered", map[string]string{"broker": broker}) == 0 {
				continue
			}
			leading++
			if grown(before, series, "kafka_prober_records_total", labels) < 20 {
				return false
			}
		}
		return leading > 0
	})
	return time.Since(began)
}

// grown returns how much a sum of counters grew between two scrapes.
func grown(before, after map[string]*dto.MetricFamily, name string, labels map[string]string) float64 {
	return sum(after, name, labels) - sum(before, name, labels)
}
