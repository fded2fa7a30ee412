package alerts_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	readmeRow = regexp.MustCompile("(?m)^\\| `(kafka_prober_[a-z0-9_]+)` \\| ([a-z]+) \\|")
	// aSeries is the name of a series of ours; names of records have a colon at one end or the other.
	aSeries = regexp.MustCompile(`[\w:]*kafka_prober_[\w:]*`)
)

// exported returns the type of every series that the program exports: the table of docs/series.md, which TestReadme
// keeps true.
func exported(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/series.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, row := range readmeRow.FindAllStringSubmatch(string(text), -1) {
		all[row[1]] = row[2]
	}
	if len(all) < 100 {
		t.Fatalf("only %d series in docs/series.md: has its table another form?", len(all))
	}
	return all
}

// named returns the series of ours that a text names. What a classic histogram is stored as goes by its name.
func named(text string, all map[string]string) map[string]bool {
	names := map[string]bool{}
	for _, name := range aSeries.FindAllString(text, -1) {
		if strings.Contains(name, ":") {
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(name, suffix); cut && all[base] == "histogram" {
				name = base
			}
		}
		names[name] = true
	}
	return names
}

// TestSeries wants every series in a rule to be exported, and every exported series to be of use: in a rule, in
// a dashboard, or in unused_series.txt with the reason why it is there all the same.
func TestSeries(t *testing.T) {
	t.Parallel()
	all := exported(t)
	used := map[string]bool{}
	for _, r := range rules(t) {
		for name := range named(r.Expr+"\n"+r.Annotations["description"], all) {
			used[name] = true
			if _, exists := all[name]; !exists {
				t.Errorf("%s%s reads %s, which nobody exports", r.Alert, r.Record, name)
			}
		}
	}
	boards, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(boards) == 0 {
		t.Fatalf("dashboards %v, %v", boards, err)
	}
	for _, board := range boards { // that these exist is for the dashboards' own tests
		text, err := os.ReadFile(board)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(used, named(string(text), all))
	}
	unused := unusedSeries(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case !used[name] && unused[name] == "":
			t.Errorf("%s is exported, and in no rule, no dashboard and not in unused_series.txt", name)
		case used[name] && unused[name] != "":
			t.Errorf("%s is in unused_series.txt, but it is used: take it out", name)
		}
	}
	for name := range unused {
		if _, exists := all[name]; !exists {
			t.Errorf("unused_series.txt: nobody exports %s", name)
		}
	}
}

// unusedSeries returns the reason why a series that is not used is exported.
func unusedSeries(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("unused_series.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "" || name == "#":
		case reason == "":
			t.Errorf("unused_series.txt: no reason for %s", name)
		default:
			all[name] = reason
		}
	}
	return all
}
