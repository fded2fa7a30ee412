package main

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/demo"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
	"github.com/kafka-prober/kafka_prober/internal/seriesdoc"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
	"github.com/kafka-prober/kafka_prober/internal/web"
	"github.com/kafka-prober/kafka_prober/prober"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// TestReadme compares the generated parts of the documentation with what the program is.
func TestReadme(t *testing.T) {
	t.Parallel()
	for _, part := range []struct{ file, name, content string }{
		{"docs/acls.md", "rights", rightsTable(t)},
		{"docs/series.md", "series", seriesdoc.Markdown(allSeries(t))},
		{"docs/configuration.md", "configuration", strings.ReplaceAll("\n"+config.Reference(kinds), "\n### ", "\n## ")},
	} {
		text, err := os.ReadFile(part.file)
		if err != nil {
			t.Fatal(err)
		}
		begin := "<!-- begin " + part.name + ": written by UPDATE_GOLDEN=1 go test -run TestReadme . -->\n"
		end := "<!-- end " + part.name + " -->"
		before, rest, found := strings.Cut(string(text), begin)
		old, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no part between %q and %q", part.file, begin, end)
		}
		content := "\n" + strings.TrimSpace(part.content) + "\n\n"
		if old == content {
			continue
		}
		if !updateGolden {
			t.Errorf("%s in %s is not what the program says; UPDATE_GOLDEN=1 go test -run TestReadme . writes it\n%s",
				part.name, part.file, firstDifference(content, old))
			continue
		}
		if err := os.WriteFile(part.file, []byte(before+begin+content+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadmeConfiguration loads each YAML example of the README and of the pages beside it that are about
// configuration alone.
func TestReadmeConfiguration(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"README.md", "docs/jmx.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
		if len(examples) == 0 {
			t.Fatalf("no YAML example in %s", name)
		}
		for _, example := range examples {
			if _, err := config.Parse(name, []byte(example[1]), kinds); err != nil {
				t.Errorf("%v\nin\n%s", err, example[1])
			}
		}
	}
}

// rightsTable lists what each kind needs: probes from which topic_management on, and collectors.
func rightsTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| Feature | Right | Needed to | Without it | From |\n|---|---|---|---|---|\n")
	for _, k := range prober.Kinds.All() {
		settings, ok := k.New().(prober.Settings)
		if !ok {
			t.Fatalf("kind %s is not a probe", k.Name)
		}
		seen := map[string]bool{}
		for _, mode := range []topics.Mode{topics.ModeNone, topics.ModeCreate, topics.ModeFull} {
			for _, right := range settings.Rights(mode) {
				if seen[right.String()] {
					continue
				}
				seen[right.String()] = true
				without := "nothing is measured"
				if right.Optional {
					without = "the rest goes on"
				}
				rightsRow(&b, "probe `"+k.Name+"`", right, without, mode.String())
			}
		}
		if len(seen) == 0 {
			fmt.Fprintf(&b, "| probe `%s` | none | | | |\n", k.Name)
		}
	}
	for _, k := range collector.Kinds.All() {
		if settings, needs := k.New().(collector.WithRights); needs {
			for _, right := range settings.Rights() {
				rightsRow(&b, "collector `"+k.Name+"`", right, "the rest goes on", "none")
			}
		}
	}
	return b.String()
}

func rightsRow(b *strings.Builder, feature string, right kind.Right, without, from string) {
	fmt.Fprintf(b, "| %s | %s on %s `%s` | %s | %s | %s |\n",
		feature, right.Operation, right.ResourceType, right.ResourceName, right.Purpose, without, from)
}

// withCredentials adds the series that only a listener with files of credentials has.
func withCredentials(t *testing.T, d *daemon) {
	t.Helper()
	authority, err := testpki.New("readme")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"cert": pair.Cert, "key": pair.Key}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kafka.NewFactory(kafka.Settings{
		Cluster: "secured", BootstrapServers: []string{"kafka-1:9093"},
		TLS: &security.TLS{CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key")},
	}, d.log, d.traffic)
}

// servePage serves a recorded page of a broker, on which the timers have counted more each time.
func servePage(t *testing.T, file string) (url string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page = append(page, "kafka_controller_kafkacontroller_activecontrollercount 1\nkafka_controller_kafkacontroller_offlinepartitionscount 0\n"+
		"kafka_controller_controllerstats_uncleanleaderelections_total 0\n"...) // a controller's
	var asked atomic.Int64
	count := regexp.MustCompile(`(?m)(ms_count_total\S*) .*$`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(count.ReplaceAll(page, fmt.Appendf(nil, "$1 %d", 1000+asked.Add(1))))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// allSeries describes every series of ours: the recorder's by its table and the collectors' by what they
// describe, which know also those that exist only in trouble, and the others as a daemon with all
// collectors shows them on the demo's cluster.
func allSeries(t *testing.T) []seriesdoc.Series {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	cluster, err := demo.Start(t.Context(), demo.Options{Log: log, Calm: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	yaml := "clusters: [{name: demo, bootstrap_servers: [\"" + strings.Join(cluster.Bootstrap(), `", "`) + "\"], collectors: {"
	for _, name := range kinds.Collectors.Names() {
		settings := "true"
		if name == "jmx" {
			settings = `{interval: 5s, timeout: 1s, targets: [{broker: 0, url: "` + servePage(t, "collector/jmxpage/testdata/ours.prom") + `"}]}`
		}
		yaml += name + ": " + settings + ", "
	}
	cfg, err := config.Parse("all collectors", []byte(yaml+"}}]"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	d := newDaemon(cfg, log)
	t.Cleanup(d.close)
	if _, err := web.NewMetrics(d.registry, d.gatherer, log); err != nil {
		t.Fatal(err)
	}
	if err := d.apply(cfg); err != nil {
		t.Fatal(err)
	}
	withCredentials(t, d)
	all := map[string]seriesdoc.Series{}
	await(t, 20*time.Second, "all collectors' first refresh, and a second page", func() bool {
		// Counted before the rest is looked at: what has refreshed in between would not be seen.
		refreshed, err := testutil.GatherAndCount(d.gatherer, "kafka_prober_collector_last_success_timestamp_seconds")
		if err != nil {
			t.Fatal(err)
		}
		shown, err := seriesdoc.FromGatherer(d.gatherer, "kafka_prober_")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range shown {
			all[s.Name] = s
		}
		_, second := all["kafka_prober_broker_log_flush_seconds"]
		return refreshed == len(cfg.Clusters[0].Collectors) && second
	})
	for _, s := range slices.Concat(recorder.Reference(), collectorSeries(t)) {
		if shown, exists := all[s.Name]; exists {
			documented := slices.Sorted(slices.Values(s.Labels))
			if shown.Type != s.Type || shown.Help != s.Help || !slices.Equal(shown.Labels, documented) {
				t.Errorf("%s is exposed as %+v and documented as %+v", s.Name, shown, s)
			}
		}
		all[s.Name] = s
	}
	return slices.Collect(maps.Values(all))
}
