package bench

import (
	"bytes"
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
		{"faster", measured(t, 120_000, 121_000, 119_000), Better},
		{"slower", measured(t, 80_000, 81_000, 79_000), Worse},
		{"alike", measured(t, 99_500, 101_000, 100_500), Same},
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
	if _, err := Compare(base, other); err == nil || !strings.HasPrefix(err.Error(), "nothing to compare: ") {
		t.Errorf("without a common case: %v", err)
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
