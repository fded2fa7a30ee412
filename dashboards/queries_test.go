package dashboards

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// windows are the ranges other than $__rate_interval and $__range that queries may have, and why.
var windows = []struct {
	series  string // start of the name without kafka_prober_
	windows []string
	reason  string
}{
	{"slo_", []string{"5m", "1h", "6h"}, "the windows of the burn-rate alerts"},
	{"log_", []string{"5m", "30m"}, "one sample in 10 s of each broker"},
	{"connect_phase_seconds", []string{"5m"}, "one attempt in 10 s at each broker"},
	{"end_to_end_latency_seconds", []string{"5m"}, "bursts come once a minute"},
	{"burst_last_run_", []string{"1d"}, "the day that the last run is compared with"},
	{"consumer_group_committed_offset", []string{"5m"}, "read every 30 s, and committed less often than that"},
	{"controller_changes_total", []string{"2m"}, "annotations are asked for at steps of a minute"},
}

// refreshes is how many values of a collector a rate has to be made of. Over fewer, it shows the collector's
// steps rather than Kafka: over one, 0 in a quarter of the points and a third too much in the others.
const refreshes = 4

// overTime are functions that a counter has to be inside of, and that a gauge must not.
var overTime = []string{"rate", "increase", "irate"}

// TestQueries parses every query of every dashboard, of panels of all kinds, variables and annotations, and
// holds it against the rules of the dashboard-linter on queries and against what the program exports.
func TestQueries(t *testing.T) {
	t.Parallel()
	prometheus := promtest.StartPrometheus(t, promtest.File(t, "prometheus.yml", ""))
	all := catalogue(t)
	for _, b := range boards(t) {
		t.Run(b.UID, func(t *testing.T) {
			for _, q := range b.queries(t) {
				root, err := parse(t, prometheus, expansion{"the-job", "61s", "59m"}.expand(q.expr)) // target-promql-rule, template-label-promql-rule
				if err != nil {
					t.Errorf("%s: %v", q.where, err)
					continue
				}
				for _, fault := range faults(q, root, all) {
					t.Errorf("%s: %s\nin %s", q.where, fault, q.expr)
				}
			}
		})
	}
}

func faults(q query, root *expression, all map[string]exported) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	root.walk(nil, func(e *expression, inside []string) {
		switch e.Type {
		case "vectorSelector", "matrixSelector":
			for _, name := range e.series() {
				s, part, known := lookup(all, name)
				if !known {
					fault("%s is not exported", name)
					continue
				}
				faults = append(faults, selectorFaults(q, e, name, s, part, inside)...)
			}
		case "aggregation":
			faults = append(faults, groupingFaults(e, all)...)
		}
	})
	return faults
}

// selectorFaults: target-job-rule, target-instance-rule, target-rate-interval-rule, target-counter-agg-rule,
// and labels that the series does not have.
func selectorFaults(q query, e *expression, name string, s exported, part string, inside []string) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	matched := map[string]string{}
	for _, m := range e.Matchers {
		matched[m.Name] = m.Type + m.Value
		if !slices.Contains([]string{"__name__", "job", "instance"}, m.Name) && !slices.Contains(s.labels, m.Name) {
			fault("%s has no label %s", name, m.Name)
		}
	}
	if q.label == "" && name != "ALERTS" {
		if matched["job"] != "=~the-job" || matched["instance"] != "=~.+" {
			fault("%s is not narrowed by $job and $instance", name)
		}
		if slices.Contains(s.labels, "kafka_cluster") && matched["kafka_cluster"] != "=~.+" {
			fault("%s is not narrowed by $kafka_cluster", name)
		}
	}
	if q.label != "" && q.label != "job" && q.label != "instance" && !slices.Contains(s.labels, q.label) {
		fault("%s has no label %s for the variable", name, q.label)
	}
	kind := s.kind
	if kind == "" && strings.HasSuffix(name, "_total") {
		kind = "counter"
	}
	rated := slices.ContainsFunc(overTime, func(f string) bool { return slices.Contains(inside, f) })
	if (kind == "counter" || kind == "histogram") && !rated && q.label == "" {
		fault("%s (%s%s) is not inside of any of %q", name, kind, part, overTime)
	}
	if kind == "gauge" && rated {
		fault("%s is a gauge inside of %q", name, inside)
	}
	if e.Type == "matrixSelector" && !fixedWindow(name, e.Range) && e.Range != 61_000 && e.Range != 59*60_000 {
		fault("%s is asked for over %d s, not $__rate_interval", name, e.Range/1000)
	}
	if least := refreshes * s.refresh; e.Type == "matrixSelector" && kind == "counter" && e.Range != 59*60_000 {
		if window := q.window(time.Duration(e.Range) * time.Millisecond); window < least {
			fault("%s has a new value every %v only, and is asked for over %v: STEPPING in src/queries.py has to know it", name, s.refresh, window)
		}
	}
	return faults
}

// window returns what Grafana makes of a range at its shortest, scraped every 15 s: $__rate_interval is four
// times the least step of the query, otherwise of the data source.
func (q query) window(parsed time.Duration) time.Duration {
	if parsed != 61*time.Second {
		return parsed
	}
	step := 15 * time.Second
	if q.target != nil && q.target.Interval != "" {
		step, _ = time.ParseDuration(q.target.Interval) // 0 if it can't be read, which is too short for all
	}
	return 4 * step
}

func fixedWindow(name string, milliseconds int64) bool {
	lengths := map[string]int64{"2m": 120, "5m": 300, "30m": 1800, "1h": 3600, "6h": 21600, "1d": 86400}
	for _, w := range windows {
		if strings.HasPrefix(name, "kafka_prober_"+w.series) &&
			slices.ContainsFunc(w.windows, func(s string) bool { return lengths[s]*1000 == milliseconds }) {
			return true
		}
	}
	return false
}

// groupingFaults finds labels to aggregate by that a series below does not have.
func groupingFaults(e *expression, all map[string]exported) (faults []string) {
	for _, label := range e.Grouping {
		if label == "job" || label == "instance" {
			continue
		}
		for _, below := range e.labelling() {
			for _, name := range below.series() {
				if s, _, known := lookup(all, name); known && !slices.Contains(s.labels, label) {
					faults = append(faults, fmt.Sprintf("aggregates %s by %s, a label that it does not have", name, label))
				}
			}
		}
	}
	return faults
}
