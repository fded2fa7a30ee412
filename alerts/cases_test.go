package alerts_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// testFile is a file of unit tests as promtool reads it.
type testFile struct {
	Tests []struct {
		Name   string
		Checks []struct {
			Expr    string
			Samples []struct{ Labels string } `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
}

// TestAlertsHaveCases wants of each alert, at each of its severities, a case in which it fires and one in which
// it does not. Cases look at ALERTS: an alert rule test of promtool's would repeat every word of its annotations.
func TestAlertsHaveCases(t *testing.T) {
	t.Parallel()
	fires, silent := map[string]bool{}, map[string]bool{}
	paths, err := filepath.Glob("tests/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	alertname, severity := regexp.MustCompile(`alertname="(\w+)"`), regexp.MustCompile(`severity="(\w+)"`)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f testFile
		if err := yaml.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, test := range f.Tests {
			for _, check := range test.Checks {
				m := alertname.FindStringSubmatch(check.Expr)
				if m == nil {
					continue
				}
				for _, s := range check.Samples {
					if sev := severity.FindStringSubmatch(s.Labels); sev != nil {
						fires[m[1]+" "+sev[1]] = true
					}
				}
				if len(check.Samples) == 0 {
					silent[m[1]] = true
				}
			}
		}
	}
	known := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		known[r.Alert] = true
		severities := []string{r.Labels["severity"]}
		if severities[0] == "" {
			severities = []string{"critical", "warning"}
		}
		for _, s := range severities {
			if !fires[r.Alert+" "+s] {
				t.Errorf("no case in which %s fires as %s", r.Alert, s)
			}
		}
		if !silent[r.Alert] {
			t.Errorf("no case in which %s does not fire", r.Alert)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(silent)) {
		if !known[name] {
			t.Errorf("a case is about %s, which is no alert", name)
		}
	}
}
