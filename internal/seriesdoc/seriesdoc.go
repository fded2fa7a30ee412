// Package seriesdoc describes series for the documentation: a table of name, type, labels and meaning,
// made from what the program really exports, so that docs/series.md can be generated and checked.
package seriesdoc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Series is one name on /metrics.
type Series struct {
	Name   string   // with prefix and unit, as it is exposed
	Type   string   // counter, gauge, histogram, summary or untyped
	Help   string   // one line of plain text
	Labels []string // names of all labels that a series of this name carries
}

// FromGatherer describes every series of g whose name starts with prefix, sorted by name, labels
// sorted too. A series that does not exist at the moment can't be seen: give it a registry in which
// everything has happened once. What g could gather is returned even if it also returned an error.
func FromGatherer(g prometheus.Gatherer, prefix string) ([]Series, error) {
	families, err := g.Gather()
	var all []Series
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), prefix) {
			continue
		}
		names := map[string]bool{}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				names[label.GetName()] = true
			}
		}
		all = append(all, Series{
			Name:   family.GetName(),
			Type:   strings.ToLower(family.GetType().String()),
			Help:   family.GetHelp(),
			Labels: slices.Sorted(maps.Keys(names)),
		})
	}
	if err != nil {
		return all, fmt.Errorf("gather series for their description: %w", err)
	}
	return all, nil
}

// Markdown returns the series as a table, sorted by name. Labels keep the order that they have.
func Markdown(series []Series) string {
	sorted := slices.SortedFunc(slices.Values(series), func(a, b Series) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	b.WriteString("| Series | Type | Labels | Meaning |\n|---|---|---|---|\n")
	for _, s := range sorted {
		labels := make([]string, len(s.Labels))
		for i, name := range s.Labels {
			labels[i] = "`" + name + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, s.Type, strings.Join(labels, ", "), cell(s.Help))
	}
	return b.String()
}

// cell makes text safe inside a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
