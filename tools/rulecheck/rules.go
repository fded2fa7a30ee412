// Package rulecheck holds the alerts against the series that the program exports, with Prometheus' own parser:
// that every series and label in a rule exists, that what an annotation prints is there, and that a rule with a
// fault in it would not pass its unit tests. It lives with the tools, so that the program does not need a
// Prometheus to be built.
package rulecheck

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// root is the repository, seen from this package.
const root = "../.."

var promql = parser.NewParser(parser.Options{})

// rule is one rule of a file, as Prometheus reads it.
type rule struct {
	Alert         string            `yaml:"alert,omitempty"`
	Record        string            `yaml:"record,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`

	expr  parser.Expr
	place string // for messages: its name, and which one of that name
}

func (r *rule) name() string { return r.Alert + r.Record }

type group struct {
	Name     string  `yaml:"name"`
	Interval string  `yaml:"interval,omitempty"`
	Rules    []*rule `yaml:"rules"`
}

type ruleFile struct {
	Groups []group `yaml:"groups"`
}

// readRules returns all rules of the repository: records first, each file in its order.
func readRules() ([]*rule, error) {
	var all []*rule
	seen := map[string]int{}
	for _, name := range []string{"kafka_prober_recording.rules.yml", "kafka_prober.rules.yml"} {
		text, err := os.ReadFile(filepath.Join(root, "alerts", name))
		if err != nil {
			return nil, err
		}
		var f ruleFile
		if err := yaml.Unmarshal(text, &f); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				if r.expr, err = promql.ParseExpr(r.Expr); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", name, r.name(), err)
				}
				seen[r.name()]++
				r.place = r.name()
				if n := seen[r.name()]; n > 1 {
					r.place += fmt.Sprintf("#%d", n)
				}
				all = append(all, r)
			}
		}
	}
	return all, nil
}
