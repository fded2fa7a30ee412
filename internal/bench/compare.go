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
	Absent  = "not compared" // one side has nothing to compare with
)

const (
	// leastRuns is how many valid runs a side needs for a verdict: of fewer, chance parts the sides too often.
	leastRuns = 5
	// significant is how often chance alone may part runs of the same system this far. It is small, as a
	// comparison has many figures.
	significant = 0.01
	// resamples is how often the runs are drawn again, or shuffled.
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
	Low     float64 `json:"low"`   // 95 % interval of the ratio, by bootstrap over the runs; 0 if they are fewer than three
	High    float64 `json:"high"`
	Chance  float64 `json:"chance"` // of means that are as far apart in runs of one system, of 1; 0 if there are too few
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

// Compare compares the cases of other with those of the same name in base. A case that one side lacks, or
// has no valid run of, is told; it is worse if it was valid before.
func Compare(base, other *Report) ([]Difference, error) {
	var all []Difference
	compared := false
	for i := range base.Cases {
		a := &base.Cases[i]
		if find(other, a.Name) == nil {
			all = append(all, Difference{Case: a.Name, Figure: validRuns, Base: float64(a.validRuns()), Verdict: Absent, Note: "no such case now"})
		}
	}
	for i := range other.Cases {
		b := &other.Cases[i]
		a := find(base, b.Name)
		if a == nil {
			all = append(all, Difference{Case: b.Name, Figure: validRuns, Value: float64(b.validRuns()), Verdict: Absent, Note: "no such case before"})
			continue
		}
		if n, m := a.validRuns(), b.validRuns(); n == 0 || m == 0 {
			d := Difference{Case: b.Name, Figure: validRuns, Base: float64(n), Value: float64(m), Verdict: Absent}
			if n > 0 {
				d.Verdict = Worse
			}
			all = append(all, d)
			continue
		}
		compared = true
		all = append(all, compareCase(a, b)...)
	}
	if !compared {
		return all, errors.New("nothing to compare: the reports have no case of the same name with valid runs on both sides; run both with the same flags")
	}
	return all, nil
}

// validRuns is the name of the figure of a case that can't be compared.
const validRuns = "valid runs"

func (c *CaseResult) validRuns() int {
	return len(valid(c.Runs, func(*Run) (float64, bool) { return 0, true }))
}

// find returns the case of a name, or nil.
func find(r *Report, name string) *CaseResult {
	at := slices.IndexFunc(r.Cases, func(c CaseResult) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return &r.Cases[at]
}

// compareCase compares each figure that both sides have.
func compareCase(a, b *CaseResult) (all []Difference) {
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
		if d.Base > 0 { // else it is of a run too short to be measured
			all = append(all, d.judged(x, y, f.more))
		}
	}
	return all
}

// judged returns the difference with what runs of both sides say of it.
func (d Difference) judged(x, y []float64, more bool) Difference {
	d.Ratio = d.Value / d.Base
	if len(x) > 2 && len(y) > 2 { // with two, drawing again knows nothing
		d.Low, d.High = bootstrap(x, y)
	}
	if len(x) < leastRuns || len(y) < leastRuns {
		return d
	}
	d.Chance = chance(x, y)
	switch {
	case d.Low <= 1 && d.High >= 1, d.Chance > significant, math.Abs(d.Ratio-1) < negligible:
		d.Verdict = Same
	case (d.Ratio > 1) == more:
		d.Verdict = Better
	default:
		d.Verdict = Worse
	}
	return d
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

// chance returns how often runs of one system, dealt to two sides, have means that are as far apart as
// these: a permutation test, over all ways to deal if those are few, else over a sample of them.
func chance(x, y []float64) float64 {
	all := append(slices.Clone(x), y...)
	total := mean(all) * float64(len(all))
	apart := func(sum float64) float64 {
		return math.Abs((total-sum)/float64(len(y)) - sum/float64(len(x)))
	}
	least := apart(mean(x)*float64(len(x))) * (1 - 1e-9) // the same runs in another order add up to a little less
	far, ways := 0, 0
	count := func(sum float64) {
		ways++
		if apart(sum) >= least {
			far++
		}
	}
	if len(all) <= 16 { // at most 12,870 ways
		deal(all, len(x), 0, count)
	} else {
		rng := rand.New(rand.NewPCG(1, 2))
		count(mean(x) * float64(len(x))) // they are one of the ways
		for range resamples {
			rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			count(mean(all[:len(x)]) * float64(len(x)))
		}
	}
	return float64(far) / float64(ways)
}

// deal calls visit with the sum of each choice of n values and what was chosen before.
func deal(of []float64, n int, sum float64, visit func(sum float64)) {
	if n == 0 {
		visit(sum)
		return
	}
	for i := 0; i+n <= len(of); i++ {
		deal(of[i+1:], n-1, sum+of[i], visit)
	}
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
	rows := []string{"case\tfigure\tbase\tnow\tratio\t95 % interval\tby chance\tverdict"}
	for _, d := range all {
		interval := "-"
		if d.High > 0 {
			interval = fmt.Sprintf("%.3f to %.3f", d.Low, d.High)
		}
		verdict := d.Verdict
		if d.Note != "" {
			verdict += " (" + d.Note + ")"
		}
		ratio, chance := "-", "-"
		if d.Ratio > 0 {
			ratio = fmt.Sprintf("%.3f", d.Ratio)
		}
		if d.Chance > 0 {
			chance = fmt.Sprintf("%.1f %%", 100*d.Chance)
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%.6g\t%.6g\t%s\t%s\t%s\t%s", d.Case, d.Figure, d.Base, d.Value, ratio, interval, chance, verdict))
	}
	t.table(rows)
	return t.err
}
