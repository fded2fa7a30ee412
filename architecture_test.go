package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kafka-prober/kafka_prober"

// arrows are the packages of ours that each package may import: the house of design.md. A new package
// gets a line here, which is the moment to think about what it may know.
var arrows = map[string][]string{
	"": {"internal/bench", "internal/live", "collector", "prober", "prober/connect", "prober/ledger", "prober/reach", "prober/recorder", "prober/topics", "internal/config", "internal/demo",
		"internal/kafka", "internal/kind", "internal/logging", "internal/properties", "internal/security", "internal/systemd", "internal/web"},

	"prober":          {"internal/kafka", "internal/kind", "prober/connect", "prober/engine", "prober/flush", "prober/ledger", "prober/reach", "prober/record", "prober/schedule", "prober/topics"},
	"prober/connect":  {"prober/reach"},
	"prober/flush":    nil,
	"prober/reach":    nil,
	"prober/engine":   {"prober/ledger", "prober/record", "prober/schedule"},
	"prober/ledger":   {"prober/schedule"},
	"prober/record":   nil,
	"prober/recorder": {"internal/seriesdoc", "prober/flush", "prober/ledger", "prober/reach", "prober/schedule"},
	"prober/schedule": nil,
	"prober/topics":   nil,

	"alerts":         nil, // rules and their tests
	"alerts/shorten": nil, // the rules with shorter windows, for drills
	"dashboards":     nil, // JSON and its tests

	"collector":         {"collector/jmxpage", "internal/kafka", "internal/kind", "internal/security"}, // never prober: the two halves meet in main only
	"collector/jmxpage": nil,                                                                           // names and numbers of pages, no I/O

	"internal/bench/floor":      {"prober/record"}, // a bare loop beside it
	"internal/bench":            {"prober/engine", "prober/ledger", "prober/record"},
	"internal/config":           {"internal/kind", "internal/security"}, // told the kinds by main: neither half
	"internal/demo":             nil,
	"internal/fidelity":         nil, // the benchmark against a bare loop and against Kafka's own tool
	"internal/fidelity/brokers": nil,
	"internal/fidelity/floor":   {"internal/fidelity"},
	"internal/fidelity/ours":    {"internal/fidelity", "internal/fidelity/probe", "internal/kafka"},
	"internal/fidelity/probe":   {"internal/fidelity", "internal/kafka", "prober/engine", "prober/ledger", "prober/record"},
	"internal/kafka":            {"internal/kind", "internal/security"},
	"internal/child":            nil, // processes of tests
	"internal/kafkatest":        {"internal/child", "internal/testpki"},
	"internal/kind":             nil,
	"internal/live":             {"internal/bench", "prober/ledger"}, // a bench while it runs, for Prometheus
	"internal/logging":          nil,
	"internal/promtest":         {"internal/child"},                                        // Prometheus and Alertmanager for tests
	"internal/properties":       {"internal/config", "internal/kind", "internal/security"}, // a Java client's file
	"internal/security":         {"internal/kind"},
	"internal/seriesdoc":        nil,
	"internal/systemd":          nil,
	"internal/testpki":          nil,
	"internal/web":              nil,
}

// foreign says who may import a module of others, and who may not even depend on it through another
// package. Paths end where a package's name may: x covers x and x/y.
var foreign = []struct {
	path   string
	may    []string // import it
	mustNo []string // depend on it
}{
	{"github.com/go-kit", []string{"internal/logging"}, nil},
	{"github.com/alecthomas/kingpin", []string{""}, nil},
	{"github.com/twmb/franz-go",
		[]string{"", "collector", "prober", "prober/connect", "prober/engine", "prober/topics", "internal/bench", "internal/bench/floor", "internal/demo", "internal/kafka", "internal/kafkatest",
			"internal/fidelity/brokers", "internal/fidelity/floor", "internal/fidelity/probe"},
		[]string{"collector/jmxpage", "prober/flush", "prober/ledger", "prober/reach", "prober/record", "prober/recorder", "prober/schedule", "internal/config", "internal/kind", "internal/logging", "internal/security", "internal/seriesdoc", "internal/web"}},
	{"github.com/twmb/franz-go/pkg/kfake", []string{"internal/demo", "internal/fidelity/brokers"}, []string{"collector", "prober", "internal/kafka"}},
	{"github.com/prometheus/client_golang",
		[]string{"", "collector", "prober/recorder", "internal/kafka", "internal/live", "internal/seriesdoc", "internal/web"},
		[]string{"collector/jmxpage", "prober/engine", "prober/ledger", "prober/record", "prober/schedule", "prober/topics", "internal/config", "internal/demo", "internal/kind"}},
	{"github.com/coreos/go-systemd", []string{"internal/systemd"}, nil},
	{"github.com/prometheus/exporter-toolkit", []string{"", "internal/web"}, nil},
	{"net/http", []string{"collector", "internal/web", "internal/kafka", "internal/kafkatest", "internal/live", "internal/promtest", "internal/fidelity/brokers"}, // kafka: an OAuth token endpoint; collector: brokers' pages
		[]string{"prober/ledger", "prober/record", "prober/schedule"}},
	{"net", nil, []string{"prober/ledger", "prober/record", "prober/schedule"}},
	{"log", nil, []string{"prober/ledger", "prober/record", "prober/schedule"}},
}

// pkg is a package as go list knows it, its paths shortened to those in the tables.
type pkg struct{ imports, deps []string }

func TestArchitecture(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	for _, name := range []string{"", "prober", "prober/engine", "collector"} {
		if len(packages[name].deps) == 0 {
			t.Fatalf("go list does not show package %q", name)
		}
	}
	for name, p := range packages {
		may, known := arrows[name]
		if !known {
			t.Errorf("package %q is new: say in arrows what it may import", name)
			continue
		}
		for _, imported := range p.imports {
			if _, ours := packages[imported]; ours && !slices.Contains(may, imported) {
				t.Errorf("package %q imports %q: that arrow is not in design.md", name, imported)
			}
		}
	}
	for _, f := range foreign {
		for name, p := range packages {
			if f.may != nil && !slices.Contains(f.may, name) && slices.ContainsFunc(p.imports, covers(f.path)) {
				t.Errorf("package %q imports %s: that is for %q", name, f.path, f.may)
			}
		}
		for _, name := range f.mustNo {
			if slices.ContainsFunc(packages[name].deps, covers(f.path)) {
				t.Errorf("package %q depends on %s: see go list -deps", name, f.path)
			}
		}
	}
}

// covers returns whether an import path is path or below it.
func covers(path string) func(string) bool {
	return func(imported string) bool { return imported == path || strings.HasPrefix(imported, path+"/") }
}

// listPackages returns the module's packages by their path in it.
func listPackages(t *testing.T) map[string]pkg {
	t.Helper()
	const format = `{{.ImportPath}}|{{join .Imports " "}}|{{join .Deps " "}}`
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", format, "./...")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	short := func(paths string) []string {
		all := strings.Fields(paths)
		for i, path := range all {
			all[i] = strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		}
		return all
	}
	packages := map[string]pkg{}
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		packages[strings.TrimPrefix(strings.TrimPrefix(parts[0], module), "/")] = pkg{short(parts[1]), short(parts[2])}
	}
	return packages
}
