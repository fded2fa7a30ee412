package deploytest

import (
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestRulesOnOldestPrometheus: the oldest Prometheus that is supported, Debian's, loads the rules, and they fire and
// are silent there as in the newest. It can't be told of native histograms in a test, so those cases are left out.
func TestRulesOnOldestPrometheus(t *testing.T) {
	t.Parallel()
	promtool := filepath.Join(root, ".tools/prometheus-2.42/usr/bin/promtool")
	if out := run(t, promtool, "--version"); !strings.Contains(out, "version 2.42.") {
		t.Fatalf("promtool is not of 2.42:\n%s", out)
	}
	run(t, append([]string{promtool, "check", "rules", "--lint=all", "--lint-fatal"}, glob(t, "alerts/*.rules.yml")...)...)
	kept, left := 0, 0
	for _, path := range glob(t, "alerts/tests/*.yml") {
		name := filepath.Base(path)
		var file map[string]any
		if err := yaml.Unmarshal([]byte(read(t, path)), &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var cases []any
		for _, one := range file["tests"].([]any) {
			if native(one.(map[string]any)) {
				left++
				continue
			}
			cases = append(cases, one)
		}
		kept += len(cases)
		file["tests"] = cases
		file["rule_files"] = glob(t, "alerts/*.rules.yml")
		text, err := yaml.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := filepath.Join(t.TempDir(), name)
			write(t, copied, string(text))
			run(t, promtool, "test", "rules", copied)
		})
	}
	if left == 0 || left > kept/10 {
		t.Errorf("%d cases were tested, %d left out as they have native histograms", kept, left)
	}
}

// native reports whether a case of a unit test has native histograms.
func native(of map[string]any) bool {
	for _, series := range of["input_series"].([]any) {
		if strings.Contains(series.(map[string]any)["values"].(string), "{{") {
			return true
		}
	}
	return false
}
