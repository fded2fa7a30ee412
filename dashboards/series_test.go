package dashboards

import (
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

// exported is a series that a dashboard may ask for.
type exported struct {
	kind    string // counter, gauge, histogram; "" where only the labels are known
	labels  []string
	refresh time.Duration // from one value to the next by default, of what a collector exports; 0 for what is always up to date
}

// foreign are series that Prometheus itself, or every Go program, has.
var foreign = map[string]exported{
	"ALERTS":                        {kind: "gauge", labels: []string{"alertname", "alertstate", "severity", "kafka_cluster", "broker", "topic"}},
	"up":                            {kind: "gauge"},
	"scrape_duration_seconds":       {kind: "gauge"},
	"scrape_samples_scraped":        {kind: "gauge"},
	"process_cpu_seconds_total":     {kind: "counter"},
	"process_start_time_seconds":    {kind: "gauge"},
	"process_resident_memory_bytes": {kind: "gauge"},
	"process_open_fds":              {kind: "gauge"},
	"process_max_fds":               {kind: "gauge"},
	"go_goroutines":                 {kind: "gauge"},
	"go_memstats_heap_alloc_bytes":  {kind: "gauge"},
	"go_gc_duration_seconds":        {kind: "gauge", labels: []string{"quantile"}},
}

var readmeRow = regexp.MustCompile("(?m)^\\| `(kafka_prober_[a-z0-9_]+)` \\| ([a-z]+) \\| (.*?) \\|")

// catalogue returns every series that the program can export: those of docs/series.md, which TestReadme keeps
// true, and those that collectors describe, as the demo's cluster does not have them all.
func catalogue(t *testing.T) map[string]exported {
	t.Helper()
	all := map[string]exported{}
	for _, d := range descriptions(t) {
		all[d.name] = exported{labels: d.labels, refresh: d.refresh}
	}
	readme, err := os.ReadFile("../docs/series.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := readmeRow.FindAllStringSubmatch(string(readme), -1)
	if len(rows) < 100 {
		t.Fatalf("only %d series in docs/series.md: has its table another form?", len(rows))
	}
	for _, row := range rows {
		e := exported{kind: row[2], refresh: all[row[1]].refresh}
		for label := range strings.SplitSeq(row[3], ", ") {
			e.labels = append(e.labels, strings.Trim(label, "`"))
		}
		all[row[1]] = e
	}
	for name, e := range foreign {
		all[name] = e
	}
	return all
}

// lookup finds a series by the name that a query has, which of a histogram may be that of a part.
func lookup(all map[string]exported, name string) (e exported, part string, ok bool) {
	if e, ok = all[name]; ok {
		return e, "", true
	}
	for _, part := range []string{"bucket", "sum", "count"} {
		if base, found := strings.CutSuffix(name, "_"+part); found {
			if e, ok = all[base]; ok && e.kind == "histogram" {
				if part == "bucket" {
					e.labels = append(slices.Clone(e.labels), "le")
				}
				return e, part, true
			}
		}
	}
	return exported{}, "", false
}

type description struct {
	name    string
	labels  []string
	refresh time.Duration
}

var descriptionForm = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*constLabels: \{(.*?)\}, variableLabels: \{(.*?)\}\}$`)

// descriptions returns what all collectors may export. What each of them has counts as refreshed once a minute:
// only configs, of which a part seldom fails, is slower.
func descriptions(t *testing.T) []description {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	factory := kafka.NewFactory(kafka.Settings{Cluster: "any", BootstrapServers: []string{"localhost:1"}}, log, kafka.NewTraffic())
	all := map[string]description{}
	for _, k := range collector.Kinds.All() {
		settings := k.New()
		set, err := collector.NewSet(collector.Env{Cluster: "any", Listener: "default", Factory: factory, Log: log}, []collector.Member{{Name: k.Name, Settings: settings}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(set.Close)
		ch := make(chan *client.Desc)
		go func() {
			set.Describe(ch)
			close(ch)
		}()
		for desc := range ch {
			d := describe(t, desc)
			d.refresh = settings.(collector.Settings).Schedule().Interval
			if _, several := all[d.name]; several {
				d.refresh = time.Minute
			}
			all[d.name] = d
		}
	}
	return slices.Collect(maps.Values(all))
}

func describe(t *testing.T, d *client.Desc) description {
	t.Helper()
	parts := descriptionForm.FindStringSubmatch(d.String())
	if parts == nil {
		t.Fatalf("a description of another form: %s", d)
	}
	labels := strings.FieldsFunc(parts[3], func(r rune) bool { return r == ',' || r == ' ' })
	for constant := range strings.SplitSeq(parts[2], ",") {
		name, _, _ := strings.Cut(constant, "=")
		labels = append(labels, name)
	}
	return description{name: parts[1], labels: labels}
}
