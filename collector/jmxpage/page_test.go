package jmxpage_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/collector/jmxpage"
)

// dialect is a recorded page and what it lacks of the canonical numbers.
type dialect struct {
	name      string
	file      string   // in testdata
	reference string   // Jolokia's page of the same broker and moment
	lacks     []string // beginnings of lines of broker.golden
}

// times are the lines of all numbers of timers but the counts.
func times(attrs ...string) (lines []string) {
	for _, metric := range []string{"log_flush", "request_time", "request_phase"} {
		for _, attr := range attrs {
			lines = append(lines, metric+"."+attr)
		}
	}
	return lines
}

var recorded = []dialect{
	{name: "jolokia", file: "jolokia.json", reference: "jolokia.json", lacks: times("sum")},
	{name: "jmx_exporter", file: "jmx_exporter.prom", reference: "jolokia.json", lacks: append(times("mean", "sum"), "handler_idle.one_minute_rate")},
	{name: "confluent", file: "confluent.prom", reference: "jolokia.json", lacks: times("mean", "sum")},
	{name: "bitnami", file: "bitnami.prom", reference: "jolokia.json", lacks: append(times("mean", "sum", "p50", "p95", "p99"), "log_flush", "request_phase", "offline_log_dirs")},
	{name: "strimzi_reporter", file: "strimzi_reporter.prom", reference: "strimzi_reporter.json", lacks: append(times("mean"), "handler_idle.one_minute_rate")},
	{name: "jmx_exporter_default", file: "jmx_exporter_default.prom", reference: "jolokia.json", lacks: times("sum")},
	{name: "jmx_exporter", file: "ours.prom", reference: "jolokia.json", lacks: append(times("sum"), "handler_idle.count")},
}

// moving are the numbers that differ between pages that are read one after the other.
var moving = []string{"handler_idle", "network_idle", "process_cpu", "heap_used", "gc_", "open_files"}

// The same broker, read through every dialect within seconds while nothing happened on it, has the same
// numbers: all of them, but for what a dialect is known to lack.
func TestDialects(t *testing.T) {
	for _, d := range recorded {
		t.Run(d.file, func(t *testing.T) {
			compareDialect(t, d, readFile(t, d.file), readFile(t, d.reference))
		})
	}
}

// compareDialect fails unless page has the numbers of reference, by way of Jolokia, that its dialect does
// not lack, and no others.
func compareDialect(t *testing.T, d dialect, page, reference *jmxpage.Page) {
	t.Helper()
	if got := page.Dialect.String(); got != d.name {
		t.Errorf("the dialect is taken for %s", got)
	}
	if page.Conflict != 0 || page.Dropped != 0 {
		t.Errorf("%d conflicts, %d dropped", page.Conflict, page.Dropped)
	}
	got, want := numbers(page), numbers(reference)
	for line, value := range want {
		if value2, has := got[line]; !has {
			if !begins(line, d.lacks) {
				t.Errorf("lacks %s", line)
			}
		} else if begins(line, d.lacks) {
			t.Errorf("has %s, which it is said to lack", line)
		} else if !begins(line, moving) && math.Abs(value-value2) > 1e-9*value {
			t.Errorf("%s is %v, want %v", line, value2, value)
		}
	}
	for line := range got {
		if _, has := want[line]; !has && !strings.Contains(line, ".sum") {
			t.Errorf("has %s, which the reference does not have", line)
		}
	}
}

// TestRecorded compares the numbers of one page with a text that a person can judge.
func TestRecorded(t *testing.T) {
	const golden = "testdata/broker.golden"
	text := render(readFile(t, recorded[0].file))
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// read reads a page by the format that the file's name tells.
func read(name string, r io.Reader) (*jmxpage.Page, error) {
	if strings.HasSuffix(name, ".json") {
		return jmxpage.ReadJolokia(r)
	}
	return jmxpage.ReadText(r)
}

func readFile(t *testing.T, name string) *jmxpage.Page {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	page, err := read(name, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

var attrNames = map[jmxpage.Attr]string{
	jmxpage.Value: "value", jmxpage.Count: "count", jmxpage.Sum: "sum", jmxpage.Mean: "mean",
	jmxpage.P50: "p50", jmxpage.P95: "p95", jmxpage.P99: "p99", jmxpage.OneMinuteRate: "one_minute_rate",
}

// numbers returns a page's numbers by "metric.attribute label second".
func numbers(p *jmxpage.Page) map[string]float64 {
	all := make(map[string]float64)
	for k, v := range p.All() {
		all[strings.TrimSpace(fmt.Sprintf("%s.%s %s %s", k.Metric, attrNames[k.Attr], k.Label, k.Second))] = v
	}
	return all
}

// render returns a page's numbers, one a line.
func render(p *jmxpage.Page) string {
	var lines []string
	for line, v := range numbers(p) {
		lines = append(lines, fmt.Sprintf("%s %v", line, v))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

func begins(line string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) })
}
