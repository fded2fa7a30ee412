package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// daemonProcess is kafka_prober as a process of its own.
type daemonProcess struct {
	*process
	base string // of its URLs
}

// startDaemon starts the binary and waits until it serves.
func startDaemon(t *testing.T, args ...string) *daemonProcess {
	t.Helper()
	address := freeAddress(t)
	d := &daemonProcess{process: start(t, append(args, "--web.listen-address="+address)...), base: "http://" + address}
	await(t, 10*time.Second, "the daemon to serve", func() bool {
		resp, err := http.Get(d.base + "/-/healthy")
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
	return families(t, get(t, d.base+"/metrics"))
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

// get returns the body of a page, which must be there.
func get(t *testing.T, url string) []byte {
	t.Helper()
	status, body := request(t, http.MethodGet, url)
	if status != http.StatusOK {
		t.Fatalf("GET %s: status %d: %s", url, status, body)
	}
	return body
}

// request returns what an HTTP server answers.
func request(t *testing.T, method, url string) (status int, body []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return resp.StatusCode, body
}

// families parses a text exposition.
func families(t *testing.T, exposition []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	byName, err := parser.TextToMetricFamilies(bytes.NewReader(exposition))
	if err != nil {
		t.Fatalf("parse exposition: %v", err)
	}
	return byName
}

// checkScrape fails the test unless due = outcomes + in flight for every probe and broker.
func checkScrape(t *testing.T, families map[string]*dto.MetricFamily) {
	t.Helper()
	balance := map[string]float64{}
	add := func(name string, sign float64) {
		for _, m := range families[name].GetMetric() {
			key := fmt.Sprint(label(m, "kafka_cluster"), " ", label(m, "probe"), " ", label(m, "broker"))
			balance[key] += sign * value(m)
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

// sum adds up the series of a name that have all of the labels.
func sum(families map[string]*dto.MetricFamily, name string, labels map[string]string) (total float64) {
	for _, m := range families[name].GetMetric() {
		matches := true
		for name, value := range labels {
			matches = matches && label(m, name) == value
		}
		if matches {
			total += value(m)
		}
	}
	return total
}

func value(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
