package fidelity_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
)

func TestLoadIsWhatItsFlagsSay(t *testing.T) {
	want := fidelity.Load{
		Servers: []string{"a:1", "b:2"}, Topic: "t", Partitions: 7, Interval: 1500 * time.Microsecond, Size: 200,
		WarmUp: time.Second, Length: time.Minute,
	}
	got, err := fidelity.ParseLoad("test", want.Args())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBadLoad(t *testing.T) {
	for args, want := range map[string]string{
		"":                                      "-servers and -topic are needed",
		"-servers=a:1":                          "-servers and -topic are needed",
		"-servers=a:1 -topic=t -size=8":         "-interval 100ms, -partitions 3, -size 8: want above 0, at least 1, at least 72",
		"-servers=a:1 -topic=t -interval=0s":    "-interval 0s, -partitions 3, -size 128: want above 0, at least 1, at least 72",
		"-servers=a:1 -topic=t -partitions=0":   "-interval 100ms, -partitions 0, -size 128: want above 0, at least 1, at least 72",
		"-servers=a:1 -topic=t -interval=often": `invalid value "often" for flag -interval: parse error`,
	} {
		_, err := fidelity.ParseLoad("test", strings.Fields(args))
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
}

func TestSummarize(t *testing.T) {
	var d []time.Duration
	for i := range 200 {
		d = append(d, time.Duration(200-i))
	}
	if got, want := fidelity.Summarize(d), (fidelity.Quantiles{P50: 101, P99: 199, Mean: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := fidelity.Summarize(nil); got != (fidelity.Quantiles{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		of   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{5, 1, 3}, 3}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := fidelity.Median(test.of); got != test.want {
			t.Errorf("%v: got %v, want %v", test.of, got, test.want)
		}
	}
}

func TestMedianRatio(t *testing.T) {
	a := []float64{2, 3, 2.2, 1.8, 2.1, 1.9, 2, 2.3, 1.7, 40}
	b := slices.Repeat([]float64{2}, len(a))
	r := fidelity.MedianRatio(a, b)
	if r.Median != 1.025 {
		t.Errorf("median is %v, want 1.025", r.Median)
	}
	if r.Low < .85 || r.Low > 1 || r.High < 1.05 || r.High > 1.5 {
		t.Errorf("interval is [%v, %v]: one outlier must not reach it", r.Low, r.High)
	}
	if again := fidelity.MedianRatio(a, b); again != r {
		t.Errorf("the same numbers gave %v, then %v", r, again)
	}
	if same := fidelity.MedianRatio(b, b); same.String() != "1.000 [1.000, 1.000]" {
		t.Errorf("of equals: %v", same)
	}
}
