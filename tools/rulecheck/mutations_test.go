//go:build mutations

package rulecheck

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

var onlyRule = flag.String("rule", "", "put faults into rules only whose name matches this pattern")

// TestMutations puts one fault after another into each rule and wants its unit tests to fail. Those that
// survive are in surviving_mutants.txt, each with the reason why it does no harm, and no others.
func TestMutations(t *testing.T) {
	rules, err := readRules()
	if err != nil {
		t.Fatal(err)
	}
	explained := readSurvivors(t)
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		free     = make(chan struct{}, runtime.GOMAXPROCS(0))
		tried    int
		survived []string
	)
	only := regexp.MustCompile(*onlyRule)
	for _, r := range rules {
		if !only.MatchString(r.place) {
			continue
		}
		b := newBench(t, rules, r)
		if out, ok := b.run(t, r.Expr); !ok {
			t.Errorf("%s: its unit tests fail without any fault:\n%s", r.place, out)
			continue
		}
		all, err := mutants(r.Expr)
		if err != nil {
			t.Fatalf("%s: %v", r.place, err)
		}
		for _, m := range all {
			tried++
			free <- struct{}{}
			wg.Go(func() {
				defer func() { <-free }()
				if _, ok := b.run(t, m.expr); ok {
					mu.Lock()
					survived = append(survived, r.place+": "+m.fault)
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	t.Logf("%d faults in %d rules, %d survived", tried, len(rules), len(survived))
	slices.Sort(survived)
	for _, s := range survived {
		if explained[s] == "" {
			t.Errorf("no unit test fails with this fault: %s", s)
		}
		delete(explained, s)
	}
	for s := range explained {
		if rule, _, _ := strings.Cut(s, ": "); !only.MatchString(rule) {
			continue
		}
		t.Errorf("surviving_mutants.txt: %s does not survive any more, take it out", s)
	}
}

// readSurvivors returns the reason of each survivor that is explained.
func readSurvivors(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("surviving_mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fault, reason, _ := strings.Cut(line, " | ")
		if reason == "" {
			t.Errorf("surviving_mutants.txt: no reason: %s", line)
		}
		all[fault] = reason
	}
	return all
}

// bench is a rule among those that it reads and that read it, and the unit tests that look at them.
type bench struct {
	records, alerts []*rule // in the order of the files
	mutated         *rule
	tests           map[string][]byte // by the file's name
}

// newBench leaves out what has nothing to do with the rule: promtool evaluates all rules at every instant.
func newBench(t *testing.T, all []*rule, mutated *rule) *bench {
	t.Helper()
	names := map[string]bool{mutated.name(): true}
	for _, r := range all { // what reads it, by way of records: those come first
		if r.Record != "" && readsAny(r, names) {
			names[r.Record] = true
		}
	}
	b := &bench{mutated: mutated}
	wanted := map[string]bool{}
	for _, r := range all {
		if r.Alert != "" && (names[r.Alert] || mutated.Record != "" && readsAny(r, names)) {
			wanted[r.Alert] = true
		}
	}
	keep := map[string]bool{}
	for _, r := range slices.Backward(all) {
		if wanted[r.Alert] || keep[r.Record] {
			for _, other := range all {
				if other.Record != "" && reads(r, other.Record) {
					keep[other.Record] = true
				}
			}
		}
	}
	for _, r := range all {
		switch {
		case wanted[r.Alert]:
			b.alerts = append(b.alerts, r)
		case r.Record != "" && keep[r.Record]:
			b.records = append(b.records, r)
		}
	}
	b.tests = testsOf(t, wanted)
	if len(b.tests) == 0 {
		t.Fatalf("%s: no unit test looks at %v", mutated.place, wanted)
	}
	return b
}

func reads(r *rule, name string) bool {
	return regexp.MustCompile(`(^|[^\w:])` + regexp.QuoteMeta(name) + `($|[^\w:])`).MatchString(r.Expr)
}

func readsAny(r *rule, names map[string]bool) bool {
	for name := range names {
		if reads(r, name) {
			return true
		}
	}
	return false
}

var alertname = regexp.MustCompile(`alertname="(\w+)"`)

// testsOf returns the unit tests with the checks on these alerts alone.
func testsOf(t *testing.T, wanted map[string]bool) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "alerts/tests/*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f map[string]any
		if err := yaml.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var kept []any
		for _, one := range f["tests"].([]any) {
			test := one.(map[string]any)
			checks := slices.DeleteFunc(test["promql_expr_test"].([]any), func(check any) bool {
				m := alertname.FindStringSubmatch(check.(map[string]any)["expr"].(string))
				if m == nil { // of all alerts: silence holds for these as well
					samples, _ := check.(map[string]any)["exp_samples"].([]any) // none are often left out
					return len(samples) > 0
				}
				return !wanted[m[1]]
			})
			if len(checks) > 0 {
				test["promql_expr_test"] = checks
				kept = append(kept, test)
			}
		}
		if len(kept) == 0 {
			continue
		}
		f["tests"], f["rule_files"], f["group_eval_order"] = kept, []string{"rules.yml"}, []string{"records", "alerts"}
		if out[filepath.Base(path)], err = yaml.Marshal(f); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// run runs the unit tests with this expression in the rule, and says whether they passed.
func (b *bench) run(t *testing.T, expr string) (string, bool) {
	t.Helper()
	changed := func(all []*rule) []*rule {
		all = slices.Clone(all)
		for i, r := range all {
			if r == b.mutated {
				c := *r
				c.Expr, c.Annotations = expr, nil
				all[i] = &c
			}
		}
		return all
	}
	file := ruleFile{Groups: []group{{Name: "records", Rules: changed(b.records)}, {Name: "alerts", Rules: changed(b.alerts)}}}
	text, err := yaml.Marshal(file)
	if err != nil {
		t.Error(err)
		return "", false
	}
	dir, err := os.MkdirTemp(t.TempDir(), "mutant")
	if err != nil {
		t.Error(err)
		return "", false
	}
	defer os.RemoveAll(dir)
	args := []string{"test", "rules"}
	for name, test := range b.tests {
		args = append(args, filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), test, 0o600); err != nil {
			t.Error(err)
			return "", false
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yml"), text, 0o600); err != nil {
		t.Error(err)
		return "", false
	}
	promtool, err := filepath.Abs(filepath.Join(root, ".tools/promtool"))
	if err != nil {
		t.Error(err)
		return "", false
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), promtool, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Error(fmt.Errorf("run promtool, which `make .tools/promtool` builds: %w", err))
	}
	return out.String(), err == nil
}
