//go:build kafka || faults

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

func init() { runTests = func(m *testing.M) { kafkatest.Main(m) } }

const (
	endToEndSeries = "kafka_prober_end_to_end_latency_seconds"
	recordsSeries  = "kafka_prober_records_total"
	lostSeries     = "kafka_prober_acknowledged_lost_total"
)

// onKafka is the flag that names a real cluster.
func onKafka(c *kafkatest.Cluster) string {
	return "--kafka.bootstrap-servers=" + strings.Join(c.Bootstrap(), ",")
}

// configured is the flag that names a configuration for a real cluster, of one steady probe with these settings.
func configured(t *testing.T, c *kafkatest.Cluster, settings string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kafka_prober.yml")
	rewriteConfig(t, path, nil, fmt.Sprintf(`
clusters:
  - name: prod
    bootstrap_servers: ["%s"]
    probes: [{kind: steady, %s}]
`, strings.Join(c.Bootstrap(), `", "`), settings))
	return "--config.file=" + path
}

// observe scrapes for d, every so often, checks the invariant each time and calls f.
func (d *daemonProcess) observe(t *testing.T, length, every time.Duration, f func(map[string]*dto.MetricFamily)) {
	t.Helper()
	end := time.NewTimer(length)
	defer end.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		families := d.scrape(t)
		checkScrape(t, families)
		f(families)
		select {
		case <-tick.C:
		case <-end.C:
			return
		}
	}
}

// awaitScrape scrapes until done says so, and returns that scrape.
func (d *daemonProcess) awaitScrape(t *testing.T, limit time.Duration, what string, done func(map[string]*dto.MetricFamily) bool) (last map[string]*dto.MetricFamily) {
	t.Helper()
	await(t, limit, what, func() bool {
		last = d.scrape(t)
		checkScrape(t, last)
		return done(last)
	})
	return last
}

// awaitBrokers waits until records of three brokers have been delivered for a while.
func (d *daemonProcess) awaitBrokers(t *testing.T, least uint64) {
	t.Helper()
	d.awaitScrape(t, 60*time.Second, "records of three brokers", func(f map[string]*dto.MetricFamily) bool {
		return observations(f, "1") >= least && observations(f, "2") >= least && observations(f, "3") >= least
	})
}

// observations returns how many records of the steady probe on a broker, on all if broker is "", are in the
// end-to-end histogram.
func observations(families map[string]*dto.MetricFamily, broker string) (n uint64) {
	for _, m := range families[endToEndSeries].GetMetric() {
		if label(m, "probe") == "steady" && (broker == "" || label(m, "broker") == broker) {
			n += m.GetHistogram().GetSampleCount()
		}
	}
	return n
}

// within returns how many records of the steady probe are in the classic bucket of a bound or below.
func within(families map[string]*dto.MetricFamily, bound float64) (n uint64) {
	for _, m := range families[endToEndSeries].GetMetric() {
		if label(m, "probe") != "steady" {
			continue
		}
		for _, b := range m.GetHistogram().GetBucket() {
			if b.GetUpperBound() == bound {
				n += b.GetCumulativeCount()
			}
		}
	}
	return n
}

// outcomes returns the records by outcome that are neither delivered nor skipped at the start.
func outcomes(families map[string]*dto.MetricFamily) map[string]float64 {
	other := map[string]float64{}
	for _, m := range families[recordsSeries].GetMetric() {
		if o := label(m, "outcome"); value(m) > 0 && o != "delivered" && o != "skipped" {
			other[o] += value(m)
		}
	}
	return other
}

// reasons returns what the records that failed or timed out failed for, by cluster and probe.
func reasons(families map[string]*dto.MetricFamily) map[string]float64 {
	found := map[string]float64{}
	for _, m := range families["kafka_prober_failures_total"].GetMetric() {
		if value(m) > 0 {
			found[label(m, "kafka_cluster")+"/"+label(m, "probe")+" "+label(m, "reason")] += value(m)
		}
	}
	return found
}

// anomalies returns the counters of anomalies that are not zero.
func anomalies(families map[string]*dto.MetricFamily) map[string]float64 {
	found := map[string]float64{}
	for _, name := range []string{
		lostSeries, "kafka_prober_records_duplicate_total", "kafka_prober_records_reordered_total",
		"kafka_prober_records_corrupt_total", "kafka_prober_records_late_total", "kafka_prober_records_ghost_total",
		"kafka_prober_log_rewinds_total", "kafka_prober_log_unreadable_total",
	} {
		if n := sum(families, name, nil); n > 0 {
			found[name] = n
		}
	}
	return found
}

// checkUnharmed fails the test unless every record was delivered and nothing odd was seen.
func checkUnharmed(t *testing.T, families map[string]*dto.MetricFamily) {
	t.Helper()
	if o, a := outcomes(families), anomalies(families); len(o)+len(a) > 0 {
		t.Errorf("outcomes other than delivered: %v, anomalies: %v, want none", o, a)
	}
}

// timedScrape returns a scrape and how long the daemon took to answer.
func (d *daemonProcess) timedScrape(t *testing.T) (map[string]*dto.MetricFamily, time.Duration) {
	t.Helper()
	began := time.Now()
	body := get(t, d.base+"/metrics")
	return families(t, body), time.Since(began)
}

// cpu returns the processor time that the daemon has used.
func (d *daemonProcess) cpu(t *testing.T) time.Duration {
	t.Helper()
	return promtest.UsageOf(t, d.cmd.Process.Pid).CPU
}

// killAll kills every broker, the controller goes on.
func killAll(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	var errs []error
	for _, b := range c.Brokers() {
		errs = append(errs, b.Kill())
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// startAll starts every broker that does not run and waits until clients see them all.
func startAll(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	started := make(chan error, len(c.Brokers()))
	for _, b := range c.Brokers() {
		go func() { started <- b.Start(ctx) }()
	}
	for range c.Brokers() {
		if err := <-started; err != nil {
			t.Fatal(err)
		}
	}
}
