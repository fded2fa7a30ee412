//go:build kafka

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

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
			byBroker[label(m, "broker")] = float64(m.GetHistogram().GetSampleCount())
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

// daemon is kafka_prober as a process of its own.
type daemonProcess struct {
	*process
	url string
}

// startDaemon starts the binary and waits until it serves.
func startDaemon(t *testing.T, args ...string) *daemonProcess {
	t.Helper()
	address := freeAddress(t)
	p := start(t, append(args, "--web.listen-address="+address)...)
	d := &daemonProcess{process: p, url: "http://" + address + "/metrics"}
	await(t, 10*time.Second, "the daemon to serve", func() bool {
		resp, err := http.Get(d.url)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	return d
}

// scrape returns the daemon's series by name.
func (d *daemonProcess) scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("scrape: %v", err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		t.Fatalf("scrape: %v", err)
	}
	return families
}

// terminate ends the daemon by SIGTERM, which must take less than five seconds and leave no error.
func (d *daemonProcess) terminate(t *testing.T) {
	t.Helper()
	began := time.Now()
	d.signalTerm(t)
	if code := d.wait(t, 10*time.Second); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %v, want at most 5 s", took)
	}
}

// checkScrape fails the test unless due = outcomes + in flight for every probe and broker.
func checkScrape(t *testing.T, families map[string]*dto.MetricFamily) {
	t.Helper()
	balance := map[string]float64{}
	add := func(name string, sign float64) {
		for _, m := range families[name].GetMetric() {
			key := fmt.Sprint(label(m, "kafka_cluster"), " ", label(m, "probe"), " ", label(m, "broker"))
			balance[key] += sign * (m.GetCounter().GetValue() + m.GetGauge().GetValue())
		}
	}
	add("kafka_prober_records_due_total", 1)
	add("kafka_prober_records_total", -1)
	add("kafka_prober_records_in_flight", -1)
	for key, off := range balance {
		if off != 0 {
			t.Errorf("%s: due - outcomes - in flight = %v, want 0", key, off)
		}
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
