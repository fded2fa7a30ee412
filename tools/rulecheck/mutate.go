package rulecheck

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// mutant is a rule's expression with one fault in it.
type mutant struct {
	fault string // what was done, and which one of its kind in the expression
	expr  string
}

var flipped = map[parser.ItemType]parser.ItemType{
	parser.GTR: parser.LSS, parser.LSS: parser.GTR, parser.GTE: parser.LTE, parser.LTE: parser.GTE,
	parser.EQLC: parser.NEQ, parser.NEQ: parser.EQLC,
}

// mutants returns the expression with each comparator flipped, each matcher dropped and each pair of
// parentheses dropped, one at a time. What means the same without its parentheses, or can't be read, is left out.
func mutants(expr string) ([]mutant, error) {
	original, err := promql.ParseExpr(expr)
	if err != nil {
		return nil, err
	}
	same := original.String()
	var all []mutant
	add := func(fault string) {
		all = append(all, mutant{fault: fault, expr: original.String()})
	}
	parser.Inspect(original, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.BinaryExpr:
			if other, comparison := flipped[n.Op]; comparison {
				op := n.Op
				n.Op = other
				add(fmt.Sprintf("%s for %s", other, op))
				n.Op = op
			}
		case *parser.VectorSelector:
			matchers := n.LabelMatchers
			for i, m := range matchers {
				if m.Name != model.MetricNameLabel {
					n.LabelMatchers = slices.Concat(matchers[:i], matchers[i+1:])
					add("without " + m.String())
				}
			}
			n.LabelMatchers = matchers
		}
		return nil
	})
	if original.String() != same {
		return nil, fmt.Errorf("mutating did not restore %s", same)
	}
	all = append(all, withoutParentheses(same)...)
	return numbered(all), nil
}

// withoutParentheses drops pairs of parentheses from the text: in the tree precedence would be kept.
func withoutParentheses(expr string) []mutant {
	original, err := promql.ParseExpr(expr)
	if err != nil {
		return nil
	}
	var all []mutant
	parser.Inspect(original, func(node parser.Node, _ []parser.Node) error {
		p, ok := node.(*parser.ParenExpr)
		if !ok {
			return nil
		}
		at := p.PositionRange()
		text := expr[:at.Start] + " " + expr[at.Start+1:at.End-1] + " " + expr[at.End:]
		if e, err := promql.ParseExpr(text); err == nil && shape(e) != shape(original) {
			all = append(all, mutant{fault: "without parentheses", expr: text})
		}
		return nil
	})
	return all
}

// shape is an expression with every operation in parentheses of its own, so that equal shapes mean the same.
func shape(e parser.Expr) string {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return shape(e.Expr)
	case *parser.BinaryExpr:
		return fmt.Sprintf("(%s %s %v %v %s)", shape(e.LHS), e.Op, e.ReturnBool, e.VectorMatching, shape(e.RHS))
	case *parser.AggregateExpr:
		return fmt.Sprintf("%s %v %v(%s)", e.Op, e.Without, e.Grouping, shape(e.Expr))
	case *parser.UnaryExpr:
		return fmt.Sprintf("(%s %s)", e.Op, shape(e.Expr))
	case *parser.Call:
		s := e.Func.Name
		for _, arg := range e.Args {
			s += " " + shape(arg)
		}
		return "(" + s + ")"
	case *parser.SubqueryExpr:
		return fmt.Sprintf("(%s)[%v:%v]%v", shape(e.Expr), e.Range, e.Step, e.OriginalOffset)
	}
	return e.String()
}

// numbered tells faults of the same words apart.
func numbered(all []mutant) []mutant {
	seen := map[string]int{}
	for i := range all {
		seen[all[i].fault]++
		all[i].fault += fmt.Sprintf(" (%d)", seen[all[i].fault])
	}
	return all
}
