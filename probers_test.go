package main

import (
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// TestTwoDaemons lets two daemons probe one cluster, kills one of them and starts it again. Each counts
// the other's records, and its own from before, as foreign, and nothing else.
func TestTwoDaemons(t *testing.T) {
	c := fakeKafka(t, 3)
	first := startDaemon(t, servers(c))
	awaitDelivered(t, first, 60)
	second := startDaemon(t, servers(c))
	awaitDelivered(t, second, 60)

	send(t, second.process, syscall.SIGKILL)
	second.wait(t, 10*time.Second)
	again := startDaemon(t, servers(c))
	awaitDelivered(t, again, 100)

	for name, d := range map[string]*daemonProcess{"first": first, "started again": again} {
		series := d.scrape(t)
		checkScrape(t, series)
		checkClean(t, name, series)
		foreign := sum(series, "kafka_prober_records_foreign_total", nil)
		others := sum(series, "kafka_prober_records_foreign_total", map[string]string{"reason": "other_run"})
		if foreign != others || others < 60 {
			t.Errorf("%s: foreign records = %v, of other runs %v, want only such and at least 60", name, foreign, others)
		}
		t.Logf("%s: %v records delivered, %v of other runs", name,
			sum(series, "kafka_prober_records_total", map[string]string{"outcome": "delivered"}), others)
	}
	first.terminate(t)
	again.terminate(t)
}

// awaitDelivered waits until a daemon's steady probe has delivered n records.
func awaitDelivered(t *testing.T, d *daemonProcess, n float64) {
	t.Helper()
	await(t, 20*time.Second, "records", func() bool {
		return sum(d.scrape(t), "kafka_prober_records_total", map[string]string{"outcome": "delivered", "probe": "steady"}) >= n
	})
}

// checkClean fails the test if any record of the named daemon is said to be anything but delivered, in
// flight or skipped.
func checkClean(t *testing.T, daemon string, series map[string]*dto.MetricFamily) {
	t.Helper()
	for _, outcome := range []string{"failed", "timeout", "lost", "expired", "topic_recreated"} {
		if n := sum(series, "kafka_prober_records_total", map[string]string{"outcome": outcome}); n > 0 {
			t.Errorf("%s: %v records %s, want none", daemon, n, outcome)
		}
	}
	for _, name := range []string{
		"acknowledged_lost", "records_duplicate", "records_reordered", "records_corrupt", "records_late", "records_ghost",
		"log_rewinds", "log_unreadable",
	} {
		name = "kafka_prober_" + name + "_total"
		if n := sum(series, name, nil); n > 0 || series[name] == nil {
			t.Errorf("%s: %s = %v, want 0", daemon, name, n)
		}
	}
}

// send sends a signal to a process.
func send(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v: %v", s, err)
	}
}

// logEnds returns the number of records ever written to the steady probe's topic.
func logEnds(t *testing.T, c *kfake.Cluster) (n int64) {
	t.Helper()
	for _, p := range c.PartitionInfos(steadyTopic) {
		n += p.HighWatermark
	}
	return n
}
