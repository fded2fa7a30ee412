package dashboards

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// expression is a node of a parsed query, as Prometheus' own parser gives it: /api/v1/parse_query.
type expression struct {
	Type     string
	Name     string // of a selector's series, if it has one
	Range    int64  // of a matrix selector, in ms
	Matchers []struct{ Name, Type, Value string }
	Func     struct{ Name string }
	Op       string
	Grouping []string
	Without  bool
	Matching *struct {
		Labels, Include []string
		On              bool
	}
	Args           []*expression
	Expr, LHS, RHS *expression
	Param          *expression
}

// parse returns what Prometheus makes of a query.
func parse(t *testing.T, p *promtest.Prometheus, query string) (*expression, error) {
	t.Helper()
	answer := p.Get(t, "/api/v1/parse_query", url.Values{"query": {query}})
	if answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s", query, answer.Error)
	}
	root := new(expression)
	if err := json.Unmarshal(answer.Data, root); err != nil {
		t.Fatalf("parse_query answered %s: %v", answer.Data, err)
	}
	return root, nil
}

// walk calls visit for the node and all below it, with the functions and aggregations that it is inside of.
func (e *expression) walk(inside []string, visit func(e *expression, inside []string)) {
	if e == nil {
		return
	}
	visit(e, inside)
	if name := e.Func.Name + e.Op; name != "" && e.Type != "binaryExpr" {
		inside = append(slices.Clone(inside), name)
	}
	for _, below := range append([]*expression{e.Expr, e.LHS, e.RHS, e.Param}, e.Args...) {
		below.walk(inside, visit)
	}
}

// labelling returns the selectors below a node that give its result labels: what is on the right of `and` and
// `unless` gives none.
func (e *expression) labelling() []*expression {
	if e == nil {
		return nil
	}
	if e.Type == "vectorSelector" || e.Type == "matrixSelector" {
		return []*expression{e}
	}
	below := append([]*expression{e.Expr, e.LHS, e.Param}, e.Args...)
	if e.Op != "and" && e.Op != "unless" {
		below = append(below, e.RHS)
	}
	var all []*expression
	for _, b := range below {
		all = append(all, b.labelling()...)
	}
	return all
}

// series returns the names that a selector may select.
func (e *expression) series() []string {
	if e.Name != "" {
		return []string{e.Name}
	}
	for _, m := range e.Matchers {
		if m.Name == "__name__" && m.Type == "=~" {
			prefix, rest, _ := strings.Cut(m.Value, "(")
			var names []string
			for name := range strings.SplitSeq(strings.TrimSuffix(rest, ")"), "|") {
				names = append(names, prefix+name)
			}
			return names
		}
	}
	return nil
}

var labelValuesForm = regexp.MustCompile(`^label_values\((.+), ([a-z_]+)\)$`)

// query is one query of a dashboard and where it stands.
type query struct {
	where  string
	expr   string // as Grafana has it, variables and all
	label  string // that label_values is asked for; "" if it is no variable
	target *target
	panel  *panel // nil if it is a variable's or an annotation's
}

// queries returns every query of a dashboard: panels', variables' and annotations'.
func (b *board) queries(t *testing.T) []query {
	t.Helper()
	var all []query
	for _, p := range b.charts() {
		for i := range p.Targets {
			q := &p.Targets[i]
			all = append(all, query{where: fmt.Sprintf("%s: %q %s", b.UID, p.Title, q.RefID), expr: q.Expr, target: q, panel: &p})
		}
	}
	for _, v := range b.Templating.List {
		if v.Type != "query" {
			continue
		}
		parts := labelValuesForm.FindStringSubmatch(v.labelValues(t))
		if parts == nil {
			t.Errorf("%s: variable %s is not of the form label_values(selector, label): %s", b.UID, v.Name, v.Query)
			continue
		}
		all = append(all, query{where: fmt.Sprintf("%s: variable %s", b.UID, v.Name), expr: parts[1], label: parts[2]})
	}
	for _, a := range b.Annotations.List {
		all = append(all, query{where: fmt.Sprintf("%s: annotation %s", b.UID, a.Name), expr: a.Expr})
	}
	return all
}
