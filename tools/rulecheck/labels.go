package rulecheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// labelSet are the labels that every series of a result has for sure.
type labelSet map[string]bool

func setOf(names ...string) labelSet {
	s := labelSet{}
	for _, name := range names {
		s[name] = true
	}
	return s
}

func (s labelSet) with(names ...string) labelSet {
	out := maps.Clone(s)
	for _, name := range names {
		out[name] = true
	}
	return out
}

func (s labelSet) without(names ...string) labelSet {
	out := maps.Clone(s)
	for _, name := range names {
		delete(out, name)
	}
	return out
}

func (s labelSet) String() string { return strings.Join(slices.Sorted(maps.Keys(s)), ", ") }

// checker knows which series there are and works out which labels an expression's result has. What it
// meets on its way that does not exist is a fault.
type checker struct {
	series map[string]labelSet // of the program and of recording rules, by name
	used   map[string]bool     // series that some expression reads
	faults []string
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func (c *checker) labels(e parser.Expr) labelSet {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return c.labels(e.Expr)
	case *parser.UnaryExpr:
		return c.labels(e.Expr)
	case *parser.StepInvariantExpr:
		return c.labels(e.Expr)
	case *parser.SubqueryExpr:
		return c.labels(e.Expr)
	case *parser.MatrixSelector:
		return c.labels(e.VectorSelector)
	case *parser.VectorSelector:
		return c.selector(e)
	case *parser.AggregateExpr:
		return c.aggregate(e)
	case *parser.BinaryExpr:
		return c.binary(e)
	case *parser.Call:
		return c.call(e)
	}
	return labelSet{} // a number or a string
}

func (c *checker) selector(e *parser.VectorSelector) labelSet {
	has, known := c.series[e.Name]
	if !known {
		c.fault("series %s does not exist", e.Name)
		return labelSet{}
	}
	c.used[e.Name] = true
	for _, m := range e.LabelMatchers {
		if m.Name != model.MetricNameLabel && !has[m.Name] {
			c.fault("series %s has no label %s: %s", e.Name, m.Name, e)
		}
	}
	return has
}

func (c *checker) aggregate(e *parser.AggregateExpr) labelSet {
	inner := c.labels(e.Expr)
	if e.Param != nil {
		c.labels(e.Param)
	}
	for _, name := range e.Grouping {
		if !inner[name] {
			c.fault("%s groups by %s, which is not there: %s", e.Op, name, e)
		}
	}
	switch {
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK:
		return inner
	case e.Without:
		return inner.without(e.Grouping...)
	}
	return setOf(e.Grouping...)
}

func (c *checker) call(e *parser.Call) labelSet {
	out := labelSet{}
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			out = c.labels(arg)
		}
	}
	if e.Func.Name == "histogram_quantile" {
		return out.without(labels.BucketLabel)
	}
	return out
}

func (c *checker) binary(e *parser.BinaryExpr) labelSet {
	left, right := c.labels(e.LHS), c.labels(e.RHS)
	m := e.VectorMatching
	if m == nil { // one side is a number
		return left.with(slices.Collect(maps.Keys(right))...)
	}
	if m.On {
		for _, name := range m.MatchingLabels {
			if !left[name] || !right[name] {
				c.fault("%s on %s, which one side does not have: %s", e.Op, name, e)
			}
		}
	} else {
		c.sameLabels(e, left.without(m.MatchingLabels...), right.without(m.MatchingLabels...))
	}
	switch e.Op {
	case parser.LAND, parser.LUNLESS:
		return left
	case parser.LOR:
		both := labelSet{}
		for name := range left {
			both[name] = right[name]
		}
		maps.DeleteFunc(both, func(_ string, in bool) bool { return !in })
		return both
	}
	switch m.Card {
	case parser.CardManyToOne:
		return left.with(m.Include...)
	case parser.CardOneToMany:
		return right.with(m.Include...)
	}
	if m.On {
		return setOf(m.MatchingLabels...)
	}
	return left.without(m.MatchingLabels...)
}

// sameLabels wants both sides to have the same labels: without on(), others never match. or is for what has
// not, too: there it joins.
func (c *checker) sameLabels(e *parser.BinaryExpr, left, right labelSet) {
	if e.Op != parser.LOR && !maps.Equal(left, right) {
		c.fault("%s of {%s} and {%s} never match: %s", e.Op, left, right, e)
	}
}
