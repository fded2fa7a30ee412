package dashboards

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var panelNamed = regexp.MustCompile(`\*([^*]+)\*`)

// TestDocs: each panel that the table of docs/dashboards.md sends its reader to is there, and each dashboard is
// in the table.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/dashboards.md")
	if err != nil {
		t.Fatal(err)
	}
	titles, named := map[string]map[string]bool{}, map[string]bool{}
	for _, b := range boards(t) {
		_, name, _ := strings.Cut(b.Title, " / ")
		titles[name] = map[string]bool{}
		for _, p := range b.charts() {
			titles[name][p.Title] = true
		}
	}
	for line := range strings.Lines(string(text)) {
		_, answer, row := strings.Cut(line, "? |")
		if !row {
			continue
		}
		in := ""
		for name := range titles {
			if strings.Contains(answer, "**"+name+"**") {
				in, named[name] = name, true
			}
		}
		for _, panel := range panelNamed.FindAllStringSubmatch(strings.ReplaceAll(answer, "**", ""), -1) {
			if !titles[in][panel[1]] {
				t.Errorf("docs/dashboards.md sends its reader to %q of the dashboard %q, which is not there", panel[1], in)
			}
		}
	}
	for name := range titles {
		if !named[name] {
			t.Errorf("docs/dashboards.md does not say what the dashboard %q answers", name)
		}
	}
}
