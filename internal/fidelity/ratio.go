package fidelity

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Ratio is the median of several ratios with the interval that it lies in with 95 % confidence.
type Ratio struct{ Median, Low, High float64 }

// resamples are enough for two digits of the interval's ends.
const resamples = 10_000

// MedianRatio returns the median of a[i]/b[i] and bootstraps its interval, the same one each time for the
// same numbers. It panics unless there are as many of a as of b, at least one.
func MedianRatio(a, b []float64) Ratio {
	if len(a) == 0 || len(a) != len(b) {
		panic(fmt.Sprintf("fidelity: ratio of %d values and %d", len(a), len(b)))
	}
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	rng := rand.New(rand.NewPCG(1, 2))
	medians := make([]float64, resamples)
	sample := make([]float64, len(ratios))
	for i := range medians {
		for j := range sample {
			sample[j] = ratios[rng.IntN(len(ratios))]
		}
		medians[i] = Median(sample)
	}
	slices.Sort(medians)
	return Ratio{
		Median: Median(ratios),
		Low:    medians[resamples*25/1000],
		High:   medians[resamples*975/1000],
	}
}

// Median sorts v and returns its median, the mean of the two middle values if there are two. It panics
// if there are none.
func Median(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

func (r Ratio) String() string { return fmt.Sprintf("%.3f [%.3f, %.3f]", r.Median, r.Low, r.High) }
