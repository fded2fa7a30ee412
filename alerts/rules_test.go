// Package alerts_test holds the alerts to what they promise: that they load, that each fires when it must and
// is silent when it must be, and that each leads to a runbook.
package alerts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ruleFile is a file of rules as Prometheus reads it.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Alert, Record, Expr string
	For                 string
	Labels, Annotations map[string]string
}

// rules returns the rules of both files, in their order.
func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, path := range ruleFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f ruleFile
		if err := yaml.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, g := range f.Groups {
			all = append(all, g.Rules...)
		}
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

func ruleFiles(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*.rules.yml")
	if err != nil || len(paths) != 2 {
		t.Fatalf("rule files %v, %v, want two", paths, err)
	}
	return paths
}

// promtool runs it and fails the test with what it says.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("no promtool on PATH: run the tests by `make test-unit`, or `make .tools/promtool` and put .tools on PATH")
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestRulesLoad(t *testing.T) {
	t.Parallel()
	promtool(t, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, ruleFiles(t)...)...)
}

func TestRulesFire(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("tests/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("unit tests %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			promtool(t, "test", "rules", path)
		})
	}
}

// TestAlertsAreComplete wants of each alert what whoever is woken by it needs.
func TestAlertsAreComplete(t *testing.T) {
	t.Parallel()
	severities := []string{"critical", "warning", "info"}
	named := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		named[r.Alert] = true
		if !strings.HasPrefix(r.Alert, "Kafka") {
			t.Errorf("%s: the dashboards' annotations look for alerts that begin with Kafka", r.Alert)
		}
		// Without one of its own an alert has the severity of the threshold that it compares with.
		if s, own := r.Labels["severity"]; own && !slices.Contains(severities, s) {
			t.Errorf("%s: severity %q, want one of %v", r.Alert, s, severities)
		}
		if r.Labels["concern"] == "" {
			t.Errorf("%s: no label concern, by which Alertmanager's example routes", r.Alert)
		}
		for _, name := range []string{"summary", "description", "runbook_url", "dashboard_url"} {
			if r.Annotations[name] == "" {
				t.Errorf("%s: no annotation %s", r.Alert, name)
			}
		}
		if strings.Contains(r.Annotations["summary"], "{{") {
			t.Errorf("%s: the summary has a value in it: it could not be grouped by", r.Alert)
		}
		if d := r.Annotations["description"]; !strings.Contains(d, "ook first") && r.Alert != "KafkaProberBurstRunning" {
			t.Errorf("%s: the description does not say where to look first: %s", r.Alert, d)
		}
		const runbooks = "https://github.com/kafka-prober/kafka_prober/blob/main/alerts/runbooks/"
		if url := r.Annotations["runbook_url"]; url != runbooks+r.Alert+".md" {
			t.Errorf("%s: runbook_url %s, want %s%s.md", r.Alert, url, runbooks, r.Alert)
		}
		checkRunbook(t, r.Alert)
	}
	books, err := filepath.Glob("runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, book := range books {
		if name := strings.TrimSuffix(filepath.Base(book), ".md"); !named[name] {
			t.Errorf("%s is of no alert", book)
		}
	}
}

// checkRunbook wants every part of a runbook, in order, and something in each.
func checkRunbook(t *testing.T, alert string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("runbooks", alert+".md"))
	if err != nil {
		t.Error(err)
		return
	}
	var parts []string
	for part := range strings.SplitSeq("\n"+string(text), "\n#") {
		title, body, _ := strings.Cut(strings.TrimLeft(part, "# "), "\n")
		if title == "" {
			continue
		}
		parts = append(parts, title)
		if strings.TrimSpace(body) == "" && title != alert {
			t.Errorf("runbook of %s: nothing under %q", alert, title)
		}
	}
	want := []string{alert, "Meaning", "Impact", "First look", "Likely causes, the likeliest first", "What to do", "When it is safe to ignore"}
	if !slices.Equal(parts, want) {
		t.Errorf("runbook of %s: parts %q, want %q", alert, parts, want)
	}
}
