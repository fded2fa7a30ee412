//go:build bench

package prober

import (
	"slices"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
)

// byTurns lets a probe run and not run, and hands over what was measured in each block of time; settle is left
// out before each.
func (d *disks) byTurns(t *testing.T, s Settings, rounds int, settle, block time.Duration, seen func(on bool, r row)) {
	t.Helper()
	for range rounds {
		for _, on := range []bool{false, true, true, false} {
			end := func() {}
			if on {
				end = d.run(t, s)
			}
			pause(t.Context(), settle)
			d.take()
			pause(t.Context(), block)
			seen(on, d.take())
			end()
		}
	}
}

// onOff is the steady probe's figures of blocks with another probe and without it, in seconds.
type onOff map[blocks][]float64

type blocks struct {
	figure string // p50 or p95
	broker int32
	on     bool
}

func (f onOff) add(on bool, r row) {
	for broker, of := range r.steady {
		s := summarize(of)
		p50, p95 := blocks{"p50", broker, on}, blocks{"p95", broker, on}
		f[p50], f[p95] = append(f[p50], s.p50.Seconds()), append(f[p95], s.p95.Seconds())
	}
}

// each hands over the ratio of with to without of each figure and broker, and the median without in milliseconds.
func (f onOff) each(judge func(figure string, broker int32, ratio fidelity.Ratio, off float64)) {
	for _, figure := range []string{"p50", "p95"} {
		for broker := int32(1); broker <= 3; broker++ {
			on, off := f[blocks{figure, broker, true}], f[blocks{figure, broker, false}]
			judge(figure, broker, fidelity.MedianRatio(on, off), 1000*fidelity.Median(slices.Clone(off)))
		}
	}
}
