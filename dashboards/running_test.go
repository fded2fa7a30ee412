package dashboards

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// scraping are the ways in which a Prometheus may take histograms, each a job of its own.
var scraping = map[string]string{
	"classic": "",
	"native":  "scrape_native_histograms: true",
	"both":    "scrape_native_histograms: true\n    always_scrape_classic_histograms: true",
}

// running is a kafka_prober on a cluster, and a Prometheus that scrapes it in each way.
type running struct {
	*prometheus
	lacks []string // reasons for panels to be empty that hold here
}

// binary builds kafka_prober once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "kafka_prober")
	const stamp = "-X github.com/prometheus/common/version.Version=0.0.0-test" // or the label version is absent
	cmd := exec.Command("go", "build", "-ldflags", stamp, "-o", path, ".")
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build kafka_prober: %w\n%s", err, out)
	}
	return path, nil
})

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
	file := filepath.Join(t.TempDir(), "kafka_prober.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	startProcess(t, prober, "--config.file="+file, "--web.listen-address="+address)
	var jobs strings.Builder
	for job, how := range scraping {
		fmt.Fprintf(&jobs, "  - job_name: %s\n    static_configs: [{targets: [%q]}]\n    %s\n", job, address, how)
	}
	r := &running{startPrometheus(t, "global: {scrape_interval: 1s}\nscrape_configs:\n"+jobs.String()), lacks}
	for job := range scraping {
		await(t, 2*time.Minute, "the collectors' figures, and 15 s of the probes' in job "+job, func() bool {
			return len(r.query(t, fmt.Sprintf(`min(kafka_prober_collector_success{job=%q}) == 1 and on () count(count_over_time(kafka_prober_records_total{job=%q}[1m]) >= 15) > 0`, job, job))) > 0
		})
	}
	return r
}

// sample is one result of an instant query.
type sample struct {
	Metric    map[string]string
	Value     [2]any // time and text of the number; nil if it is a histogram
	Histogram json.RawMessage
}

// query asks for the value of an expression now.
func (r *running) query(t *testing.T, expr string) []sample {
	t.Helper()
	a := r.get(t, "/api/v1/query", url.Values{"query": {expr}})
	if a.Status != "success" || len(a.Warnings) > 0 {
		t.Errorf("%s: %s %q", expr, a.Error, a.Warnings)
		return nil
	}
	var data struct{ Result []sample }
	if err := json.Unmarshal(a.Data, &data); err != nil {
		t.Fatalf("%s answered %s: %v", expr, a.Data, err)
	}
	return data.Result
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
		samples := r.query(t, expr)
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
		r.query(t, expr)
		return
	}
	values := r.query(t, fmt.Sprintf("group by (%s) (%s)", q.label, expr))
	if len(values) == 0 {
		t.Errorf("%s has no value", q.where)
	}
	for _, v := range values {
		if v.Metric[q.label] == "" {
			t.Errorf("%s: an empty value", q.where)
		}
	}
}
