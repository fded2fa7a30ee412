package bench

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// measured returns a report of one case with a run for each rate; latency falls as the rate grows.
func measured(t *testing.T, rates ...float64) *Report {
	t.Helper()
	p, err := planOf("records=1000")
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Schema: Schema, Cases: []CaseResult{{PlannedCase: p.Cases[0]}}}
	for _, rate := range rates {
		r.Cases[0].Runs = append(r.Cases[0].Runs, Run{RecordsPerSec: rate, EndToEnd: &Latency{P50: 1e6 / rate, P99: 2e6 / rate}})
	}
	return r
}

func TestCompare(t *testing.T) {
	var out bytes.Buffer
	base := measured(t, 100_000, 102_000, 98_000, 101_000, 99_000)
	for _, test := range []struct {
		name  string
		other *Report
		want  string // of records/s and of p50
	}{
		{"faster", measured(t, 120_000, 121_000, 119_000, 120_500, 119_500), Better},
		{"slower", measured(t, 80_000, 81_000, 79_000, 80_500, 79_500), Worse},
		{"alike", measured(t, 99_500, 101_000, 100_500, 99_000, 100_000), Same},
		{"slower with one that is not", measured(t, 80_000, 101_500, 79_000, 80_500, 79_500), Same},
		{"three times", measured(t, 120_000, 121_000, 119_000), Unclear},
		{"once", measured(t, 120_000), Unclear},
	} {
		all, err := Compare(base, test.other)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all[:2] {
			if d.Verdict != test.want {
				t.Errorf("%s: %+v, want %s", test.name, d, test.want)
			}
		}
		if err := WriteDifferences(&out, "base.json", test.name, all); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "compare.txt", out.Bytes())

	// Runs that are not to be used are not compared, and other parameters are said.
	other := measured(t, 120_000, 121_000, 119_000, 1)
	other.Cases[0].Runs[3].Invalid = []string{"overloaded"}
	other.Cases[0].Size = 100
	all, err := Compare(base, other)
	if err != nil || all[0].Value != 120_000 || all[0].Note != "parameters differ" {
		t.Errorf("with an invalid run and another size: %+v, %v", all, err)
	}
	other.Cases[0].Name = "other"
	all, err = Compare(base, other)
	if len(all) != 2 || all[0].Verdict != Absent || all[1].Verdict != Absent {
		t.Errorf("without a common case: %+v", all)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "nothing to compare: ") {
		t.Errorf("without a common case: %v", err)
	}
}

// A case that is not measured any more is not passed over in silence.
func TestCompareAbsent(t *testing.T) {
	base, other := measured(t, 100, 101, 99), measured(t, 100, 101, 99)
	for _, r := range []*Report{base, other} {
		lost := r.Cases[0]
		lost.Name, lost.Runs = "lost", slices.Clone(lost.Runs)
		r.Cases = append(r.Cases, lost)
	}
	for i := range other.Cases[1].Runs {
		other.Cases[1].Runs[i].Invalid = []string{"records were lost"}
	}
	before, now := base.Cases[0], base.Cases[0]
	before.Name, now.Name = "before", "now"
	base.Cases, other.Cases = append(base.Cases, before), append(other.Cases, now)
	all, err := Compare(base, other)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Difference{}
	for _, d := range all {
		if d.Figure == validRuns {
			d.Figure = ""
			got[d.Case] = d
		}
	}
	want := map[string]Difference{
		"lost":   {Case: "lost", Base: 3, Verdict: Worse},
		"before": {Case: "before", Base: 3, Verdict: Absent, Note: "no such case now"},
		"now":    {Case: "now", Value: 3, Verdict: Absent, Note: "no such case before"},
	}
	if !maps.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	// The other way round, it has come to be valid.
	all, err = Compare(other, base)
	if err != nil || slices.ContainsFunc(all, func(d Difference) bool { return d.Verdict == Worse }) {
		t.Errorf("valid now: %+v, %v", all, err)
	}
}

// Runs of the same system are told apart by chance alone in one of a hundred comparisons, at most.
func TestCompareNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, runs := range []int{5, 8, 12} {
		const times = 200
		wrong := 0
		for range times {
			sides := [2][]float64{}
			for i := range sides {
				for range runs {
					sides[i] = append(sides[i], math.Exp(rng.NormFloat64()/10))
				}
			}
			d := Difference{Base: mean(sides[0]), Value: mean(sides[1])}
			if d = d.judged(sides[0], sides[1], true); d.Verdict != Same {
				wrong++
			}
		}
		if wrong > times*2/100 {
			t.Errorf("%d runs on each side: %d of %d comparisons see a difference", runs, wrong, times)
		}
	}
}

func TestReadReport(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "a.json is no JSON report of bench: EOF; write one with --output json",
		"records":            "a.json is no JSON report of bench: invalid character 'r' looking for beginning of value; write one with --output json",
		`{"schema":"other"}`: `a.json has the schema "other", this kafka_prober reads "kafka_prober.bench/1": use the version that wrote it, or measure again`,
	} {
		if _, err := ReadReport(strings.NewReader(text), "a.json"); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
