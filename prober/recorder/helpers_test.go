package recorder_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

const topic = "kafka-prober-steady-internal"

// steady is the default probe, by issue and design.
func steady(cluster, name string) recorder.Probe {
	return recorder.Probe{
		Cluster: cluster, Listener: "default", Name: name, Topic: topic,
		Timeout: 30 * time.Second, Interval: 100 * time.Millisecond, RecordSize: 128,
		Objective: 0.999, SLOLatency: 200 * time.Millisecond,
		Thresholds: []recorder.Threshold{
			{Signal: "end_to_end", Severity: "warning", Value: 100 * time.Millisecond},
			{Signal: "end_to_end", Severity: "critical", Value: 500 * time.Millisecond},
		},
	}
}

// due counts one more record in flight.
func due(s ledger.Series) { s.Count(&ledger.Tally{Due: 1, InFlight: 1}) }

// judge counts and observes the outcome of a record that was due.
func judge(s ledger.Series, results ...ledger.Result) {
	var t ledger.Tally
	for _, r := range results {
		t.InFlight--
		t.Outcomes[r.Outcome]++
	}
	s.Count(&t)
	s.Observe(&ledger.Batch{Results: results})
}

func gather(t testing.TB, c prometheus.Collector) []*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// exposition returns the text format, as Prometheus without native histograms sees it.
func exposition(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	var text bytes.Buffer
	for _, family := range gather(t, c) {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// lines returns the lines of text that contain all of parts, without the prefix kafka_prober_.
func lines(text string, parts ...string) []string {
	var found []string
next:
	for line := range strings.Lines(text) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		if !strings.HasPrefix(line, "#") {
			found = append(found, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "kafka_prober_"))
		}
	}
	return found
}

// values returns the value of every sample of a counter or gauge by its labels.
func values(families []*dto.MetricFamily, name string) map[string]float64 {
	all := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "kafka_prober_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%s", l.GetName(), l.GetValue()))
			}
			sort.Strings(labels)
			all[strings.Join(labels, ",")] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

// golden compares got with the file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("not as in %s (go test -update rewrites it, then read the diff); got:\n%s", path, got)
	}
}
