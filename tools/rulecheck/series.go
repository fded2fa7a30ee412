package rulecheck

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// tableRow is a line of the table of series in docs/series.md, which a test of the program keeps true.
var tableRow = regexp.MustCompile("(?m)^\\| `(kafka_prober_[a-z0-9_]+)` \\| ([a-z]+) \\| ([^|]*) \\|")

// scraped are the labels that Prometheus adds to what it scrapes.
var scraped = []string{"instance", "job"}

// add adds a series under each name that Prometheus stores it by.
func add(all map[string]labelSet, name, kind string, has labelSet) {
	all[name] = has
	if kind == "histogram" {
		all[name+"_bucket"] = has.with("le")
		all[name+"_sum"], all[name+"_count"] = has, has
	}
}

// readSeries returns every series that the program exports with its labels, under each name that Prometheus
// stores it by: a histogram is one native series and, with classic buckets, three more.
func readSeries() (map[string]labelSet, error) {
	text, err := os.ReadFile(filepath.Join(root, "docs/series.md"))
	if err != nil {
		return nil, err
	}
	all := map[string]labelSet{"up": setOf(scraped...)}
	for _, row := range tableRow.FindAllStringSubmatch(string(text), -1) {
		has := setOf(scraped...)
		for label := range strings.SplitSeq(row[3], ",") {
			if label = strings.Trim(strings.TrimSpace(label), "`"); label != "" {
				has[label] = true
			}
		}
		add(all, row[1], row[2], has)
	}
	if len(all) < 50 {
		return nil, errors.New("docs/series.md has no table of series any more")
	}
	return all, nil
}
