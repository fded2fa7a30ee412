//go:build kafka

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestServeOnKafka is the daemon's main job on a real cluster: every broker's end-to-end latency, ten
// records a second each, all delivered, every record accounted for at every scrape.
func TestServeOnKafka(t *testing.T) {
	c := kafkatest.Shared(t)
	d := startDaemon(t, "--kafka.bootstrap-servers="+strings.Join(c.Bootstrap(), ","))

	counts := func() map[string]float64 {
		byBroker := map[string]float64{}
		families := d.scrape(t)
		checkScrape(t, families)
		for _, m := range families["kafka_prober_end_to_end_latency_seconds"].GetMetric() {
			if label(m, "probe") == "steady" {
				byBroker[label(m, "broker")] = float64(m.GetHistogram().GetSampleCount())
			}
		}
		return byBroker
	}
	await(t, 30*time.Second, "records of three brokers", func() bool {
		n := counts()
		return n["1"] > 0 && n["2"] > 0 && n["3"] > 0
	})
	const window = 10 * time.Second
	before, began := counts(), time.Now()
	scrapes := time.NewTicker(200 * time.Millisecond)
	defer scrapes.Stop()
	for time.Since(began) < window {
		<-scrapes.C
		counts() // checks
	}
	after, took := counts(), time.Since(began).Seconds()
	for _, broker := range []string{"1", "2", "3"} {
		if rate := (after[broker] - before[broker]) / took; rate < 9 || rate > 11 {
			t.Errorf("broker %s: %.1f records/s, want 10", broker, rate)
		}
	}
	for _, m := range d.scrape(t)["kafka_prober_records_total"].GetMetric() {
		outcome, broker := label(m, "outcome"), label(m, "broker")
		if n := m.GetCounter().GetValue(); n > 0 && outcome != "delivered" && broker != "unknown" {
			t.Errorf("broker %s: %v records %s, want all delivered", broker, n, outcome)
		}
	}
	d.terminate(t)
}
