package main

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// budget is how many series a broker may cost with all defaults: design.md, section 5.
const budget = 200

// TestDemo is `kafka_prober demo` as its users start it: what it serves by name, type and labels, its
// form by promtool, its size, how soon it delivers, and that it ends by itself.
func TestDemo(t *testing.T) {
	t.Parallel()
	if path, err := binary(); err != nil { // or building would count as starting
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	began := time.Now()
	demo := startDaemon(t, "demo", "--for=20s")
	await(t, 10*time.Second, "the first delivered record", func() bool {
		return bytes.Contains(get(t, demo.base+"/"), []byte("just now"))
	})
	first := time.Since(began)
	t.Logf("first delivered record seen %v after the start of the process", first.Round(time.Millisecond))
	if first > 2*time.Second {
		t.Errorf("first delivered record after %v, want at most 2 s", first)
	}

	var exposition []byte
	var all map[string]*dto.MetricFamily
	await(t, 15*time.Second, "records of three brokers and the collectors' first refresh", func() bool {
		exposition = get(t, demo.base+"/metrics")
		all = families(t, exposition)
		checkScrape(t, all)
		for _, broker := range []string{"0", "1", "2"} {
			if sum(all, "kafka_prober_records_total", map[string]string{"broker": broker, "outcome": "delivered"}) == 0 {
				return false
			}
		}
		return sum(all, "kafka_prober_collector_success", nil) == float64(collectorsByDefault()) &&
			sum(all, "kafka_prober_broker_up", nil) == 3
	})
	t.Run("series", func(t *testing.T) { checkGolden(t, "series.golden", describeSeries(all)) })
	t.Run("lint", func(t *testing.T) { lint(t, exposition) })
	t.Run("budget", func(t *testing.T) { checkBudget(t, exposition) })

	if code := demo.wait(t, 30*time.Second); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took < 20*time.Second || took > 25*time.Second {
		t.Errorf("--for=20s took %v", took)
	}
	for _, want := range []string{"An embedded cluster of 3 brokers", "Look at " + demo.base + "/ for the state"} {
		if !strings.Contains(demo.output.String(), want) {
			t.Errorf("does not say %q", want)
		}
	}
}

func collectorsByDefault() (n int) {
	for _, k := range kinds.Collectors.All() {
		if k.Default {
			n++
		}
	}
	return n
}

// sometimes are series of ours that exist only once something has gone wrong, or has ended.
var sometimes = []string{"kafka_prober_failures_total", "kafka_prober_topic_management_refused",
	"kafka_prober_burst_last_run_bytes_per_second", "kafka_prober_burst_last_run_records_per_second", "kafka_prober_burst_last_run_seconds",
	"kafka_prober_burst_last_run_success", "kafka_prober_burst_last_run_timestamp_seconds"}

// closedSets are labels whose values are the program's own words, on which rules and panels rely. What
// the values of the others are depends on the cluster and on what has happened.
var closedSets = []string{"outcome", "slo", "signal", "severity", "order", "loop", "cause", "collector"}

// describeSeries returns a line for each name of ours: type, labels, and the values of closed sets.
func describeSeries(all map[string]*dto.MetricFamily) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(name, "kafka_prober_") || slices.Contains(sometimes, name) {
			continue
		}
		values := map[string]map[string]bool{}
		for _, m := range all[name].GetMetric() {
			for _, l := range m.GetLabel() {
				if values[l.GetName()] == nil {
					values[l.GetName()] = map[string]bool{}
				}
				values[l.GetName()][l.GetValue()] = true
			}
		}
		fmt.Fprintf(&b, "%s %s", name, strings.ToLower(all[name].GetType().String()))
		for _, label := range slices.Sorted(maps.Keys(values)) {
			b.WriteString(" " + label)
			if slices.Contains(closedSets, label) {
				b.WriteString("=" + strings.Join(slices.Sorted(maps.Keys(values[label])), "|"))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// lint lets promtool judge an exposition.
func lint(t *testing.T, exposition []byte) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("no promtool on PATH: run the tests by `make test-unit`, or `make .tools/promtool` and put .tools on PATH")
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = bytes.NewReader(exposition)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// ofShop are series of the demo's own topics and groups: those cost by their number, not by that of brokers.
var ofShop = regexp.MustCompile(`topic="(orders|payments|clickstream)"|group="`)

// checkBudget counts the samples of ours in a scrape: what Prometheus pays for, classic buckets included.
func checkBudget(t *testing.T, exposition []byte) {
	t.Helper()
	const brokers = 3
	total := 0
	byBroker := map[string]int{}
	for line := range strings.Lines(string(exposition)) {
		if !strings.HasPrefix(line, "kafka_prober_") || ofShop.MatchString(line) {
			continue
		}
		total++
		if _, rest, labelled := strings.Cut(line, `broker="`); labelled {
			id, _, _ := strings.Cut(rest, `"`)
			byBroker[id]++
		}
	}
	t.Logf("%d series on %d brokers; by the label broker: %v", total, brokers, byBroker)
	if total > budget*brokers {
		t.Errorf("%d series on %d brokers, want at most %d a broker", total, brokers, budget)
	}
	for id, n := range byBroker {
		if n > budget {
			t.Errorf("broker %q has %d series, want at most %d", id, n, budget)
		}
	}
}
