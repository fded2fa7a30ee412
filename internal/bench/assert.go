package bench

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Assertion is what the caller asked of every run, and how it came out.
type Assertion struct {
	Text  string  `json:"assert"`
	Case  string  `json:"case"`
	Run   int     `json:"run"` // from 1
	Value float64 `json:"value"`
	Known bool    `json:"known"` // the run has such a figure
	Pass  bool    `json:"pass"`
}

// assertion is a parsed --assert.
type assertion struct {
	text   string
	metric string
	op     string
	limit  float64
}

// metric is a figure that can be asserted on. Latencies are milliseconds, times seconds.
type metric struct {
	unit time.Duration // of a figure that may be written as a time; 0: a plain number
	of   func(r *Run) (float64, bool)
}

var metrics = func() map[string]metric {
	all := map[string]metric{
		"records_per_second":              {0, func(r *Run) (float64, bool) { return r.RecordsPerSec, true }},
		"bytes_per_second":                {0, func(r *Run) (float64, bool) { return r.BytesPerSec, true }},
		"error_ratio":                     {0, func(r *Run) (float64, bool) { return errorRatio(&r.Counts), r.Counts.Due > 0 }},
		"all_within":                      {time.Second, func(r *Run) (float64, bool) { return r.Seconds, r.Counts.Undelivered() == 0 }},
		"cpu_seconds_per_million_records": {0, func(r *Run) (float64, bool) { return r.Client.CPUSecondsPerMillion, true }},
		"lost":                            {0, func(r *Run) (float64, bool) { return float64(r.Counts.AcknowledgedLost + r.Counts.Missing), true }},
		"duplicate":                       {0, func(r *Run) (float64, bool) { return float64(r.Counts.Duplicate), true }},
		"reordered":                       {0, func(r *Run) (float64, bool) { return float64(r.Counts.Reordered), true }},
		"corrupt":                         {0, func(r *Run) (float64, bool) { return float64(r.Counts.Corrupt), true }},
	}
	for prefix, leg := range map[string]func(r *Run) *Latency{
		"":     func(r *Run) *Latency { return r.EndToEnd },
		"ack_": func(r *Run) *Latency { return r.Ack },
		"lag_": func(r *Run) *Latency { return r.ScheduleLag },
	} {
		for name, of := range map[string]func(l *Latency) float64{
			"mean": func(l *Latency) float64 { return l.Mean }, "p50": func(l *Latency) float64 { return l.P50 },
			"p75": func(l *Latency) float64 { return l.P75 }, "p95": func(l *Latency) float64 { return l.P95 },
			"p99": func(l *Latency) float64 { return l.P99 }, "p99.9": func(l *Latency) float64 { return l.P999 },
			"p99.99": func(l *Latency) float64 { return l.P9999 }, "max": func(l *Latency) float64 { return l.Max },
		} {
			all[prefix+name] = metric{time.Millisecond, func(r *Run) (float64, bool) {
				if l := leg(r); l != nil {
					return of(l), true
				}
				return 0, false
			}}
		}
	}
	return all
}()

func errorRatio(c *Counts) float64 { return float64(c.Undelivered()) / float64(max(1, c.Due)) }

var assertForm = regexp.MustCompile(`^\s*([a-z_0-9.]+)\s*(<=|>=|==|<|>)\s*(\S+)\s*$`)

// parseAssertion reads an --assert.
func parseAssertion(text string) (assertion, error) {
	parts := assertForm.FindStringSubmatch(text)
	if parts == nil {
		return assertion{}, fmt.Errorf("--assert %q: write a figure, a comparison and a limit, for example 'p99<=20ms' or 'records_per_second>=50000'", text)
	}
	m, known := metrics[parts[1]]
	if !known {
		names := make([]string, 0, len(metrics))
		for name := range metrics {
			if !strings.HasPrefix(name, "ack_") && !strings.HasPrefix(name, "lag_") {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return assertion{}, fmt.Errorf("--assert %q: no figure %q: there are %s, and latencies with ack_ or lag_ before them", text, parts[1], strings.Join(names, ", "))
	}
	limit, err := strconv.ParseFloat(parts[3], 64)
	if err == nil && m.unit != 0 {
		return assertion{}, fmt.Errorf("--assert %q: %s is a time: write its unit, for example %s%s20ms", text, parts[1], parts[1], parts[2])
	}
	if err != nil {
		d, timeErr := time.ParseDuration(parts[3])
		if timeErr != nil || m.unit == 0 {
			form := "a plain number, for example 50000, or 0.01 for a hundredth"
			if m.unit != 0 {
				form = "a time with its unit, for example 20ms"
			}
			return assertion{}, fmt.Errorf("--assert %q: %q is no limit for %s: write %s", text, parts[3], parts[1], form)
		}
		limit = float64(d) / float64(m.unit)
	}
	return assertion{text: strings.TrimSpace(text), metric: parts[1], op: parts[2], limit: limit}, nil
}

// check returns how the assertion comes out for a run.
func (a assertion) check(r *Run) Assertion {
	value, known := metrics[a.metric].of(r)
	pass := false
	switch order := cmp.Compare(value, a.limit); a.op {
	case "<=":
		pass = order <= 0
	case ">=":
		pass = order >= 0
	case "<":
		pass = order < 0
	case ">":
		pass = order > 0
	case "==":
		pass = order == 0
	}
	return Assertion{Text: a.text, Value: value, Known: known, Pass: pass && known}
}

// finish draws the conclusions from all runs.
func (r *Report) finish(p *Plan, partial bool) {
	r.Partial = partial
	r.Valid = !r.Empty()
	for i := range r.Cases {
		c := &r.Cases[i]
		for j := range c.Runs {
			r.Valid = r.Valid && len(c.Runs[j].Invalid) == 0
			for _, a := range p.asserts {
				made := a.check(&c.Runs[j])
				made.Case, made.Run = c.Name, j+1
				r.Assertions = append(r.Assertions, made)
			}
		}
	}
}

// Passed reports whether every assertion holds.
func (r *Report) Passed() bool {
	return !slices.ContainsFunc(r.Assertions, func(a Assertion) bool { return !a.Pass })
}
