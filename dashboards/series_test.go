package dashboards

import (
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

// exported is a series that a dashboard may ask for.
type exported struct {
	kind   string // counter, gauge, histogram; "" where only the labels are known
	labels []string
}

// foreign are series that Prometheus itself, or every Go program, has.
var foreign = map[string]exported{
	"ALERTS":                        {"gauge", []string{"alertname", "alertstate", "severity", "kafka_cluster", "broker", "topic"}},
	"up":                            {"gauge", nil},
	"scrape_duration_seconds":       {"gauge", nil},
	"scrape_samples_scraped":        {"gauge", nil},
	"process_cpu_seconds_total":     {"counter", nil},
	"process_start_time_seconds":    {"gauge", nil},
	"process_resident_memory_bytes": {"gauge", nil},
	"process_open_fds":              {"gauge", nil},
	"process_max_fds":               {"gauge", nil},
	"go_goroutines":                 {"gauge", nil},
	"go_memstats_heap_alloc_bytes":  {"gauge", nil},
	"go_gc_duration_seconds":        {"gauge", []string{"quantile"}},
}

var readmeRow = regexp.MustCompile("(?m)^\\| `(kafka_prober_[a-z0-9_]+)` \\| ([a-z]+) \\| (.*?) \\|")

// catalogue returns every series that the program can export: those of docs/series.md, which TestReadme keeps
// true, and those that collectors describe, as the demo's cluster does not have them all.
func catalogue(t *testing.T) map[string]exported {
	t.Helper()
	all := map[string]exported{}
	for _, d := range descriptions(t) {
		all[d.name] = exported{labels: d.labels}
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
		e := exported{kind: row[2]}
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
	name   string
	labels []string
}

var descriptionForm = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*constLabels: \{(.*?)\}, variableLabels: \{(.*?)\}\}$`)

// descriptions returns what all collectors may export.
func descriptions(t *testing.T) []description {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	factory := kafka.NewFactory(kafka.Settings{Cluster: "any", BootstrapServers: []string{"localhost:1"}}, log, kafka.NewTraffic())
	var members []collector.Member
	for _, k := range collector.Kinds.All() {
		members = append(members, collector.Member{Name: k.Name, Settings: k.New()})
	}
	set, err := collector.NewSet(collector.Env{Cluster: "any", Listener: "default", Factory: factory, Log: log}, members)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	ch := make(chan *client.Desc)
	go func() {
		set.Describe(ch)
		close(ch)
	}()
	var all []description
	for d := range ch {
		parts := descriptionForm.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("a description of another form: %s", d)
		}
		labels := strings.FieldsFunc(parts[3], func(r rune) bool { return r == ',' || r == ' ' })
		for constant := range strings.SplitSeq(parts[2], ",") {
			name, _, _ := strings.Cut(constant, "=")
			labels = append(labels, name)
		}
		all = append(all, description{parts[1], labels})
	}
	return all
}
