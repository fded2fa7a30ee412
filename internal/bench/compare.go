package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
)

// Verdicts of a comparison.
const (
	Better  = "better"
	Worse   = "worse"
	Same    = "same within noise"
	Unclear = "too few runs" // to tell a difference from noise
)

const (
	// leastRuns is how many valid runs a side needs for an interval: with two, resampling knows nothing.
	leastRuns = 3
	// resamples is how often the runs are drawn again.
	resamples = 10_000
	// negligible is the difference below which nothing is better or worse, however sure it is.
	negligible = 0.01
)

// Difference is how one figure of a case compares with the base's.
type Difference struct {
	Case    string  `json:"case"`
	Figure  string  `json:"figure"`
	Base    float64 `json:"base"`  // mean over the valid runs
	Value   float64 `json:"value"` // the same, of the other
	Ratio   float64 `json:"ratio"` // value by base
	Low     float64 `json:"low"`   // 95 % interval of the ratio, by bootstrap over the runs; 0 if there are too few
	High    float64 `json:"high"`
	Verdict string  `json:"verdict"`
	Note    string  `json:"note,omitempty"`
}

// figures are what is compared, and whether more of it is better.
var figures = []struct {
	name string
	more bool
	of   func(r *Run) (float64, bool)
}{
	{"records/s", true, metrics["records_per_second"].of},
	{"end to end p50 ms", false, metrics["p50"].of},
	{"end to end p99 ms", false, metrics["p99"].of},
	{"ack p50 ms", false, metrics["ack_p50"].of},
	{"ack p99 ms", false, metrics["ack_p99"].of},
	{"CPU s per million", false, metrics["cpu_seconds_per_million_records"].of},
}

// ReadReport reads a JSON report. name says in errors where it is from.
func ReadReport(r io.Reader, name string) (*Report, error) {
	var report Report
	if err := json.NewDecoder(r).Decode(&report); err != nil {
		return nil, fmt.Errorf("%s is no JSON report of bench: %w; write one with --output json", name, err)
	}
	if report.Schema != Schema {
		return nil, fmt.Errorf("%s has the schema %q, this kafka_prober reads %q: use the version that wrote it, or measure again", name, report.Schema, Schema)
	}
	return &report, nil
}

// Compare compares the cases of other with those of the same name in base.
func Compare(base, other *Report) ([]Difference, error) {
	var all []Difference
	for i := range other.Cases {
		b := &other.Cases[i]
		at := slices.IndexFunc(base.Cases, func(c CaseResult) bool { return c.Name == b.Name })
		if at < 0 {
			continue
		}
		a := &base.Cases[at]
		note := ""
		if !sameCase(&a.Case, &b.Case) {
			note = "parameters differ"
		}
		for _, f := range figures {
			x, y := valid(a.Runs, f.of), valid(b.Runs, f.of)
			if len(x) == 0 || len(y) == 0 {
				continue
			}
			d := Difference{Case: b.Name, Figure: f.name, Base: mean(x), Value: mean(y), Note: note, Verdict: Unclear}
			if d.Base > 0 {
				d.Ratio = d.Value / d.Base
			}
			if len(x) >= leastRuns && len(y) >= leastRuns && d.Base > 0 {
				d.Low, d.High = bootstrap(x, y)
				d.Verdict = verdict(d.Low, d.High, d.Ratio, f.more)
			}
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("nothing to compare: the reports have no case of the same name with valid runs on both sides; run both with the same flags")
	}
	return all, nil
}

// sameCase reports whether two cases have the same parameters.
func sameCase(a, b *Case) bool {
	for _, p := range params {
		if p.get(a) != p.get(b) {
			return false
		}
	}
	return true
}

// valid returns a figure of the runs that may be used.
func valid(runs []Run, of func(*Run) (float64, bool)) (values []float64) {
	for i := range runs {
		if v, known := of(&runs[i]); known && len(runs[i].Invalid) == 0 && !runs[i].Partial {
			values = append(values, v)
		}
	}
	return values
}

func verdict(low, high, ratio float64, more bool) string {
	switch {
	case low <= 1 && high >= 1, math.Abs(ratio-1) < negligible:
		return Same
	case (ratio > 1) == more:
		return Better
	}
	return Worse
}

// bootstrap returns the 95 % interval of the ratio of the means of y and x. The draws are the same each
// time: a comparison of two files has one answer.
func bootstrap(x, y []float64) (low, high float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(of []float64) float64 {
		sum := 0.0
		for range of {
			sum += of[rng.IntN(len(of))]
		}
		return sum / float64(len(of))
	}
	ratios := make([]float64, resamples)
	for i := range ratios {
		ratios[i] = draw(y) / draw(x)
	}
	slices.Sort(ratios)
	return ratios[resamples*25/1000], ratios[resamples*975/1000-1]
}

func mean(of []float64) float64 {
	sum := 0.0
	for _, v := range of {
		sum += v
	}
	return sum / float64(len(of))
}

// WriteDifferences writes a comparison for a person. base and other are the reports' names.
func WriteDifferences(w io.Writer, base, other string, all []Difference) error {
	t := &text{w: w}
	t.line("%s compared with %s", other, base)
	rows := []string{"case\tfigure\tbase\tnow\tratio\t95 % interval\tverdict"}
	for _, d := range all {
		interval := "-"
		if d.High > 0 {
			interval = fmt.Sprintf("%.3f to %.3f", d.Low, d.High)
		}
		verdict := d.Verdict
		if d.Note != "" {
			verdict += " (" + d.Note + ")"
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%.6g\t%.6g\t%.3f\t%s\t%s", d.Case, d.Figure, d.Base, d.Value, d.Ratio, interval, verdict))
	}
	t.table(rows)
	return t.err
}
