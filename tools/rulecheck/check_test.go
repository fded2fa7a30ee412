package rulecheck

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// newChecker returns a checker that has seen all rules, records before those that read them.
func newChecker(t *testing.T) (*checker, []*rule) {
	t.Helper()
	rules, err := readRules()
	if err != nil {
		t.Fatal(err)
	}
	series, err := readSeries()
	if err != nil {
		t.Fatal(err)
	}
	return &checker{series: series, used: map[string]bool{}}, rules
}

// TestRules wants each series, each label and each thing printed to exist.
func TestRules(t *testing.T) {
	c, rules := newChecker(t)
	for _, r := range rules {
		has := c.labels(r.expr)
		for name := range r.Labels {
			if r.Alert != "" && name == "severity" && has["severity"] {
				c.fault("the severity of the series is lost, and two of them would be one alert")
			}
		}
		if r.Record != "" {
			stored := has
			for name := range r.Labels {
				stored = stored.with(name)
			}
			c.series[r.Record] = stored
			level, _, _ := strings.Cut(r.Record, ":")
			if want := levelOf(has); level != want {
				c.fault("is recorded at level %s, want %s: that is what it has", level, want)
			}
		} else {
			c.annotations(r, has)
			if _, own := r.Labels["severity"]; !own && !has["severity"] {
				c.fault("has no severity")
			}
		}
		for _, f := range c.faults {
			t.Errorf("%s: %s", r.place, f)
		}
		c.faults = nil
	}
}

// levelOf names the labels in the order in which they go from large to small.
func levelOf(has labelSet) string {
	var level []string
	for _, name := range []string{"kafka_cluster", "listener", "probe", "topic", "broker", "instance", "slo", "severity"} {
		if has[name] {
			level = append(level, name)
		}
	}
	if len(level) != len(has) {
		return "of labels that no level has: " + has.String()
	}
	return strings.Join(level, "_")
}

var (
	printed = regexp.MustCompile(`\$labels\.([a-z_]+)`)
	queried = regexp.MustCompile(`query \(printf ("(?:[^"\\]|\\.)*")`)
	ofQuery = regexp.MustCompile(`\.Labels\.([a-z_]+)`)
)

// annotations wants what they print of the alert, and what they ask for themselves.
func (c *checker) annotations(r *rule, has labelSet) {
	for name, text := range r.Annotations {
		for _, m := range printed.FindAllStringSubmatch(text, -1) {
			if !has[m[1]] {
				c.fault("%s prints label %s; the alert has only %s", name, m[1], has)
			}
		}
		asked := labelSet{}
		for _, m := range queried.FindAllStringSubmatch(text, -1) {
			format, err := strconv.Unquote(m[1])
			if err != nil {
				c.fault("%s: query %s: %v", name, m[1], err)
				continue
			}
			expr, err := promql.ParseExpr(strings.ReplaceAll(format, "%q", `"x"`))
			if err != nil {
				c.fault("%s: query %s: %v", name, format, err)
				continue
			}
			asked = c.labels(expr)
		}
		for _, m := range ofQuery.FindAllStringSubmatch(text, -1) {
			if !asked[m[1]] {
				c.fault("%s prints label %s of a query that gives %s", name, m[1], asked)
			}
		}
	}
}

// TestChecker breaks a rule in each way that it is there to find.
func TestChecker(t *testing.T) {
	for expr, want := range map[string]string{
		`kafka_prober_no_such_thing > 0`:          "series kafka_prober_no_such_thing does not exist",
		`kafka_prober_broker_up{topic="a"}`:       "series kafka_prober_broker_up has no label topic",
		`sum by (topic) (kafka_prober_broker_up)`: "sum groups by topic, which is not there",
		`sum by (broker) (kafka_prober_broker_up) > on (topic) sum by (topic) (kafka_prober_topics)`:   "> on topic, which one side does not have",
		`sum by (broker) (kafka_prober_broker_up) and sum by (kafka_cluster) (kafka_prober_broker_up)`: "never match",
	} {
		c, _ := newChecker(t)
		parsed, err := promql.ParseExpr(expr)
		if err != nil {
			t.Fatal(err)
		}
		c.labels(parsed)
		if !slices.ContainsFunc(c.faults, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("%s: faults %q, want %q", expr, c.faults, want)
		}
	}
}
