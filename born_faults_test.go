//go:build faults

package main

import (
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestBornInAnOutage starts the prober while all brokers are down. Records are due from the first interval on and
// are observed at their deadline, for an unknown broker and with the reason why it can't be reached; when the brokers
// are there, so is everything else.
func TestBornInAnOutage(t *testing.T) {
	c := kafkatest.Shared(t)
	killAll(t, c)
	d := startDaemon(t, configured(t, c, "timeout: 2s"))
	born := time.Now() // within a few milliseconds
	unknown := map[string]string{"broker": "unknown"}
	d.awaitScrape(t, 3*time.Second, "a record to be due", func(f map[string]*dto.MetricFamily) bool {
		return sum(f, "kafka_prober_records_due_total", unknown) > 0
	})
	firstDue := time.Since(born)
	if firstDue > 1500*time.Millisecond { // an interval, and a scrape's second
		t.Errorf("the first record was due %v after the start, want it in the first interval", firstDue)
	}
	d.awaitScrape(t, 8*time.Second, "the histogram to count", func(f map[string]*dto.MetricFamily) bool {
		return observations(f, "unknown") > 0
	})
	observed := time.Since(born)
	var last map[string]*dto.MetricFamily
	d.observe(t, 5*time.Second, 500*time.Millisecond, func(f map[string]*dto.MetricFamily) { last = f })
	count := observations(last, "unknown")
	due := sum(last, "kafka_prober_records_due_total", unknown)
	named := sum(last, "kafka_prober_failures_total", map[string]string{"broker": "unknown", "reason": "CONNECTION_REFUSED"})
	bad := sum(last, "kafka_prober_slo_bad_events_total", map[string]string{"broker": "unknown", "slo": "availability"})
	slow := sum(last, "kafka_prober_slo_bad_events_total", map[string]string{"broker": "unknown", "slo": "latency"})
	t.Logf("first record due after %v, observed after %v; then %v due, %d observed, %v for CONNECTION_REFUSED, bad events: availability %v, latency %v",
		firstDue.Round(time.Millisecond), observed.Round(time.Millisecond), due, count, named, bad, slow)
	if n := float64(count); named != n || bad != n || slow != n || n < due-25 {
		t.Errorf("%d of %v due were observed, %v with the connect error, bad events %v and %v; want all whose deadline has passed", count, due, named, bad, slow)
	}

	startAll(t, c)
	back := time.Now()
	f := d.awaitScrape(t, 30*time.Second, "records of some broker to be delivered", func(f map[string]*dto.MetricFamily) bool {
		return sum(f, recordsSeries, map[string]string{"outcome": "delivered"}) > 0
	})
	took := time.Since(back)
	t.Logf("first delivered %v after the brokers were back; outcomes %v, anomalies %v", took.Round(time.Millisecond), outcomes(f), anomalies(f))
	if took > 15*time.Second {
		t.Errorf("first record delivered %v after the brokers were back, want soon", took)
	}
	if a := anomalies(f); len(a) > 0 {
		t.Errorf("anomalies %v, want none", a)
	}
	d.terminate(t)
}
