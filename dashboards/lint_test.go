package dashboards

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestBoards holds each dashboard against Grafana's dashboard-linter, whose rules that concern Prometheus are
// here over all kinds of panels, and against the rules in doc.go.
func TestBoards(t *testing.T) {
	t.Parallel()
	all := boards(t)
	uids := map[string]bool{}
	for _, b := range all {
		uids[b.UID] = true
	}
	for _, b := range all {
		t.Run(b.UID, func(t *testing.T) {
			checkBoard(t, b)
			checkVariables(t, b)
			checkLayout(t, b)
			for _, p := range b.charts() {
				for _, fault := range panelFaults(p, uids) {
					t.Errorf("panel %q: %s", p.Title, fault)
				}
			}
		})
	}
}

// checkBoard: importable as it is, not edited in place, findable from the others.
func checkBoard(t *testing.T, b *board) {
	t.Helper()
	if b.Inputs != nil || b.Requires != nil || b.ID != nil {
		t.Error("has __inputs, __requires or an id: an import would ask for them or overwrite another dashboard")
	}
	if b.Editable == nil || *b.Editable {
		t.Error("is editable: changes belong into src/ (uneditable-dashboard)")
	}
	if b.Title == "" || b.Description == "" {
		t.Error("has no title or no description")
	}
	if len(b.Links) != 1 || b.Links[0].Type != "dashboards" || !slices.Contains(b.Tags, b.Links[0].Tags[0]) || !b.Links[0].IncludeVars || !b.Links[0].KeepTime {
		t.Errorf("does not link to the dashboards of its own tag, with variables and time: %+v", b.Links)
	}
	for _, name := range []string{"Firing alerts", "Bursts", "Prober restarts", "Controller changes"} {
		i := slices.IndexFunc(b.Annotations.List, func(a annotation) bool { return a.Name == name })
		if i < 0 || !b.Annotations.List[i].Enable || b.Annotations.List[i].Datasource != ownDatasource {
			t.Errorf("no annotation %q that is on and of ${datasource}", name)
		}
	}
}

var ownDatasource = datasource{"prometheus", "${datasource}"}

// checkVariables: template-datasource-rule, template-job-rule, template-instance-rule,
// template-on-time-change-reload-rule; and each variable used exists, after those that it depends on.
func checkVariables(t *testing.T, b *board) {
	t.Helper()
	known := map[string]bool{}
	for i, v := range b.Templating.List {
		if want := []string{"datasource", "job", "instance", "kafka_cluster"}; i < len(want) && v.Name != want[i] {
			t.Errorf("variable %d is %s, want %s", i, v.Name, want[i])
		}
		if v.Name == "datasource" {
			if v.Type != "datasource" || string(v.Query) != `"prometheus"` || v.Label != "Data source" {
				t.Errorf("variable datasource: %+v", v)
			}
			known[v.Name] = true
			continue
		}
		if v.Type != "query" || v.Datasource != ownDatasource || !v.Multi || !v.IncludeAll || v.AllValue != ".+" || v.Label == "" {
			t.Errorf("variable %s is not a query of ${datasource} with several values, all of them as .+, and a label: %+v", v.Name, v)
		}
		if v.Refresh != 2 {
			t.Errorf("variable %s is not read again when the time range changes", v.Name)
		}
		for _, used := range dashboardVariable.FindAllStringSubmatch(v.labelValues(t), -1) {
			if !known[used[1]] {
				t.Errorf("variable %s depends on $%s, which does not come before it", v.Name, used[1])
			}
		}
		known[v.Name] = true
	}
	for _, q := range b.queries(t) {
		for _, used := range dashboardVariable.FindAllStringSubmatch(strings.ReplaceAll(q.expr, "$__", ""), -1) {
			if !known[used[1]] {
				t.Errorf("%s uses $%s, which the dashboard does not have", q.where, used[1])
			}
		}
	}
}

// checkLayout: ids and titles are unique, and no panel lies on another or outside the grid.
func checkLayout(t *testing.T, b *board) {
	t.Helper()
	ids, titles, cells := map[int]string{}, map[string]bool{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if other, taken := ids[p.ID]; taken || p.ID == 0 {
			t.Errorf("panel %q has the id %d of %q", p.Title, p.ID, other)
		}
		ids[p.ID] = p.Title
		if titles[p.Title] {
			t.Errorf("two panels are called %q", p.Title)
		}
		titles[p.Title] = true
		g := p.GridPos
		if g.W <= 0 || g.H <= 0 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("panel %q is outside the grid: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken {
					t.Fatalf("panel %q lies on %q", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
}

// units are those of Grafana that the dashboards use; a misspelt one is shown as a suffix.
var units = []string{"s", "bytes", "Bps", "cps", "reqps", "percentunit", "short", "none", "bool", "dateTimeFromNow", "string"}

var linkTo = regexp.MustCompile(`^/d/([a-z-]+)\?`)

// panelFaults: panel-title-description-rule, panel-units-rule, panel-datasource-rule, panel-no-targets-rule, and
// what a panel that may be empty must say.
func panelFaults(p panel, uids map[string]bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if p.Title == "" || p.Description == "" {
		fault("no title or no description")
	}
	if !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
		fault("unit %q is not one of %q", p.FieldConfig.Defaults.Unit, units)
	}
	if len(p.Targets) == 0 {
		fault("no query")
	}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if q.Datasource != ownDatasource || p.Datasource != ownDatasource {
			fault("data source %+v of %s is not ${datasource}", q.Datasource, q.RefID)
		}
		if q.RefID == "" || refs[q.RefID] {
			fault("two queries are called %q", q.RefID)
		}
		refs[q.RefID] = true
		if q.Instant == q.Range {
			fault("query %s is not either instant or of a range", q.RefID)
		}
		if wants := map[string]string{"table": "table", "heatmap": "heatmap"}[p.Type]; q.Format != wants {
			fault("query %s has the format %q, want %q", q.RefID, q.Format, wants)
		}
	}
	reason, _ := p.mayBeEmpty()
	if reason != "" && !slices.Contains(reasons, reason) {
		fault("may be empty for a reason that nobody knows: %q", reason)
	}
	if (reason != "") != (p.FieldConfig.Defaults.NoValue != "") {
		fault("shows %q instead of data, and says in its description that it may be empty: %q", p.FieldConfig.Defaults.NoValue, reason)
	}
	if reason == "" && strings.Contains(strings.ToLower(p.Description), "empty ") {
		fault("speaks of being empty, but not in the last sentence")
	}
	for _, l := range p.FieldConfig.Defaults.Links {
		to := linkTo.FindStringSubmatch(l.URL)
		if to == nil || !uids[to[1]] || !strings.Contains(l.URL, "${__url_time_range}") || !strings.Contains(l.URL, "${datasource:queryparam}") {
			fault("link %s does not lead to a dashboard of ours with time and data source", l.URL)
		}
	}
	return faults
}
