//go:build kafka

package main

import (
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestKill kills the leader of a partition with kill -9. The oldest record that waits says so long before any
// deadline, and when the cluster has chosen another leader everything is delivered: late, and none lost.
func TestKill(t *testing.T) {
	c := kafkatest.Shared(t)
	d := startDaemon(t, onKafka(c))
	d.awaitBrokers(t, 50)

	killed := time.Now()
	if err := c.Broker(2).Kill(); err != nil {
		t.Fatal(err)
	}
	oldest := func(f map[string]*dto.MetricFamily) float64 {
		return sum(f, "kafka_prober_oldest_outstanding_seconds", map[string]string{"broker": "2"})
	}
	d.awaitScrape(t, 5*time.Second, "a record to be outstanding for a second", func(f map[string]*dto.MetricFamily) bool {
		return oldest(f) > 1
	})
	seen := time.Since(killed)
	if seen > 2500*time.Millisecond {
		t.Errorf("oldest_outstanding_seconds was above 1 after %v, want at most 2.5 s", seen)
	}
	f := d.awaitScrape(t, 25*time.Second, "nothing to be outstanding for long", func(f map[string]*dto.MetricFamily) bool {
		return sum(f, "kafka_prober_oldest_outstanding_seconds", nil) < 0.5
	})
	t.Logf("seen by oldest_outstanding_seconds after %v, over after %v", seen.Round(time.Millisecond), time.Since(killed).Round(time.Millisecond))
	checkUnharmed(t, f)
	d.terminate(t)
}

// TestAllDown kills every broker and starts them again. The prober goes on counting and answering meanwhile, at
// next to no cost, and needs nobody to come back.
func TestAllDown(t *testing.T) {
	const (
		timeout = 2 * time.Second
		settle  = 4 * time.Second  // until the first records have met their deadline
		outage  = 12 * time.Second // a scrape may be a second old: 8 % of the count
	)
	c := kafkatest.Shared(t)
	d := startDaemon(t, configured(t, c, "timeout: 2s, thresholds: {end_to_end: {warning: 100ms, critical: 500ms}}"))
	d.awaitBrokers(t, 20)
	goroutinesBefore := sum(d.scrape(t), "go_goroutines", nil)
	calm, usedCalm := time.Now(), d.cpu(t)
	d.observe(t, 3*time.Second, time.Second, func(map[string]*dto.MetricFamily) {})
	shareBefore := (d.cpu(t) - usedCalm).Seconds() / time.Since(calm).Seconds()

	killAll(t, c)
	d.observe(t, settle, 200*time.Millisecond, func(map[string]*dto.MetricFamily) {})
	first, began, used := d.scrape(t), time.Now(), d.cpu(t)
	var slowest time.Duration
	var goroutines []float64
	for ; time.Since(began) < outage; time.Sleep(time.Second) {
		f, answered := d.timedScrape(t)
		checkScrape(t, f)
		goroutines = append(goroutines, sum(f, "go_goroutines", nil))
		slowest = max(slowest, answered)
	}
	took := time.Since(began)
	share := (d.cpu(t) - used).Seconds() / took.Seconds()
	last := d.scrape(t)
	if slowest > 100*time.Millisecond {
		t.Errorf("a scrape took %v while all brokers were down, want at most 100 ms", slowest)
	}
	up := last["kafka_prober_broker_up"].GetMetric()
	if len(up) != 3 || sum(last, "kafka_prober_broker_up", nil) != 0 {
		t.Errorf("broker_up = %v, want 0 for each of three brokers", up)
	}
	counted := float64(observations(last, "")-observations(first, "")) / took.Seconds()
	if counted < 27 || counted > 33 {
		t.Errorf("%.1f records/s were counted while all brokers were down, want 30", counted)
	}
	if share > 0.05 {
		t.Errorf("%.1f %% of a core used while all brokers were down, %.1f %% before, want at most 5 %%", 100*share, 100*shareBefore)
	}
	// Their number goes up and down with the requests that wait for a dial. What leaks stays when all is over.
	if slices.Max(goroutines) > 2*goroutinesBefore {
		t.Errorf("goroutines: %v before, %v while all brokers were down", goroutinesBefore, goroutines)
	}
	t.Logf("all down: slowest scrape %v, %.1f records/s counted, %.1f %% of a core (%.1f %% before), goroutines %v before and %v",
		slowest.Round(10*time.Microsecond), counted, 100*share, 100*shareBefore, goroutinesBefore, goroutines)

	startAll(t, c)
	back := time.Now()
	delivered := func(f map[string]*dto.MetricFamily) float64 {
		return sum(f, recordsSeries, map[string]string{"outcome": "delivered"})
	}
	before := delivered(last)
	d.awaitScrape(t, 30*time.Second, "records to be delivered again", func(f map[string]*dto.MetricFamily) bool {
		return delivered(f) > before+100 && sum(f, "kafka_prober_oldest_outstanding_seconds", nil) < 0.5
	})
	f := d.awaitScrape(t, 10*time.Second, "the goroutines of the outage to be gone", func(f map[string]*dto.MetricFamily) bool {
		return sum(f, "go_goroutines", nil) <= goroutinesBefore+4
	})
	t.Logf("all back: a hundred records later after %v; outcomes %v, anomalies %v", time.Since(back).Round(time.Millisecond), outcomes(f), anomalies(f))
	if n := sum(f, lostSeries, nil); n > 0 {
		t.Errorf("%v acknowledged records lost, want 0", n)
	}
	if o := outcomes(f); o["lost"]+o["failed"]+o["expired"]+o["topic_recreated"] > 0 {
		t.Errorf("outcomes %v, want delivered and timeout alone", o)
	}
	d.terminate(t)
}

// TestRestart kills the prober itself with kill -9, three times, and starts it again at once: what its last
// life left in the log is not its own, and nothing is lost, doubled or slow for it.
func TestRestart(t *testing.T) {
	c := kafkatest.Shared(t)
	first := startDaemon(t, onKafka(c))
	first.awaitBrokers(t, 30)
	d := first
	for range 3 {
		if err := d.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-d.exited
		d = startDaemon(t, onKafka(c))
		d.awaitBrokers(t, 30)
		f := d.scrape(t)
		checkScrape(t, f)
		checkUnharmed(t, f)
		if n, quick := observations(f, ""), within(f, 1); quick != n {
			t.Errorf("%d of %d records took longer than a second", n-quick, n)
		}
		t.Logf("after a restart: %d records, all delivered, %d within 100 ms, skipped %v, foreign %v", observations(f, ""), within(f, .1),
			sum(f, "kafka_prober_records_skipped_total", nil), sum(f, "kafka_prober_records_foreign_total", nil))
	}
	d.terminate(t)
}
