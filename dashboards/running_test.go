package dashboards

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// scraping are the ways in which a Prometheus may take histograms, each a job of its own.
var scraping = map[string]string{
	"classic": "",
	"native":  "scrape_native_histograms: true",
	"both":    "scrape_native_histograms: true\n    always_scrape_classic_histograms: true",
}

// running is a kafka_prober on a cluster, and a Prometheus that scrapes it in each way.
type running struct {
	*promtest.Prometheus
	lacks []string // reasons for panels to be empty that hold here
}

// binary builds kafka_prober once.
var binary = sync.OnceValues(func() (string, error) { return promtest.BuildProber(binaryDir) })

var binaryDir string // set by TestMain, removed at the end

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dashboards-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binaryDir = dir
	m.Run() // the exit code is m's: see testing.M
}

// run starts a prober with a configuration, and Prometheus, and waits until there is enough to see.
func run(t *testing.T, config string, lacks []string) *running {
	t.Helper()
	prober, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	address := promtest.FreeAddress(t)
	promtest.StartProber(t, prober, config, address)
	var jobs strings.Builder
	for job, how := range scraping {
		fmt.Fprintf(&jobs, "  - job_name: %s\n    static_configs: [{targets: [%q]}]\n    %s\n", job, address, how)
	}
	file := promtest.File(t, "prometheus.yml", "global: {scrape_interval: 1s}\nscrape_configs:\n"+jobs.String())
	r := &running{promtest.StartPrometheus(t, file), lacks}
	for job := range scraping {
		promtest.Await(t, 2*time.Minute, "the collectors' figures, and 15 s of the probes' in job "+job, func() bool {
			return len(r.Query(t, fmt.Sprintf(`min(kafka_prober_collector_success{job=%q}) == 1 and on () count(count_over_time(kafka_prober_records_total{job=%q}[1m]) >= 15) > 0`, job, job))) > 0
		})
	}
	return r
}

// check runs every query of every dashboard for each way of scraping.
func (r *running) check(t *testing.T) {
	t.Helper()
	for _, b := range boards(t) {
		for job := range scraping {
			t.Run(b.UID+"/"+job, func(t *testing.T) {
				for _, p := range b.charts() {
					r.checkPanel(t, p, job)
				}
				for _, q := range b.queries(t) {
					if q.panel == nil {
						r.checkOther(t, q, job)
					}
				}
			})
		}
	}
}

func (r *running) checkPanel(t *testing.T, p panel, job string) {
	t.Helper()
	labels := map[string]bool{}
	with := 0
	for _, q := range p.Targets {
		expr := expansion{job, "15s", "1m"}.expand(q.Expr)
		samples := r.Query(t, expr)
		if len(samples) > 0 {
			with++
		} else if reason, _ := p.mayBeEmpty(); !r.excused(reason, job) {
			t.Errorf("panel %q %s: no data\nfor %s", p.Title, q.RefID, expr)
		}
		for _, s := range samples {
			if s.Value[1] == "NaN" {
				t.Errorf("panel %q %s: NaN of %v\nfor %s", p.Title, q.RefID, s.Metric, expr)
			}
			for name := range s.Metric {
				labels[name] = true
			}
			for _, l := range legendLabel.FindAllStringSubmatch(q.LegendFormat, -1) {
				if _, has := s.Metric[l[1]]; !has && l[1] != "le" { // a native histogram has no le
					t.Errorf("panel %q %s: legend %q, labels %v\nfor %s", p.Title, q.RefID, q.LegendFormat, s.Metric, expr)
				}
			}
		}
	}
	if _, partly := p.mayBeEmpty(); partly && with == 0 {
		t.Errorf("panel %q is said to be partly empty only, and has no data at all", p.Title)
	}
	for _, column := range p.columns() {
		if with == len(p.Targets) && !labels[column] {
			t.Errorf("panel %q has a column %s, and no result has that label: %v", p.Title, column, labels)
		}
	}
}

// excused returns whether a panel may be empty here.
func (r *running) excused(reason, job string) bool {
	switch reason {
	case "":
		return false
	case "without native histograms":
		return job == "classic" || slices.Contains(r.lacks, reason)
	default:
		return slices.Contains(r.lacks, reason)
	}
}

// checkOther: a variable has values, an annotation's query runs.
func (r *running) checkOther(t *testing.T, q query, job string) {
	t.Helper()
	expr := expansion{job, "15s", "1m"}.expand(q.expr)
	if q.label == "" {
		r.Query(t, expr)
		return
	}
	values := r.Query(t, fmt.Sprintf("group by (%s) (%s)", q.label, expr))
	if len(values) == 0 {
		t.Errorf("%s has no value", q.where)
	}
	for _, v := range values {
		if v.Metric[q.label] == "" {
			t.Errorf("%s: an empty value", q.where)
		}
	}
}
