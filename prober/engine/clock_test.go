package engine

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestWallClockSteps steps the wall clock under a running engine: the steps are counted, and no latency,
// outcome or anomaly knows of them.
func TestWallClockSteps(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		book := new(notebook)
		e, err := New(b.config(t, book))
		if err != nil {
			t.Fatal(err)
		}
		var ahead atomic.Int64
		read := e.clock.read
		e.clock.read = func() (time.Time, time.Duration) {
			wall, monotonic := read()
			return wall.Add(time.Duration(ahead.Load())), monotonic
		}
		stop := run(t, e)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		steps := []time.Duration{time.Hour, -2 * time.Hour, 150 * time.Millisecond, -50 * time.Millisecond} // the last is slewing
		for _, step := range steps {
			pass(3 * time.Second)
			ahead.Add(int64(step))
		}
		pass(3 * time.Second)
		if got, want := e.state().ClockSteps, uint64(3); got != want {
			t.Errorf("wall clock steps = %d, want %d", got, want)
		}
		stop()

		sum := book.total()
		checkInvariant(t, sum)
		want := ledger.Tally{Due: sum.Due}
		want.Outcomes[ledger.Delivered] = sum.Due
		if sum != want {
			t.Errorf("counts = %+v\nwant     %+v", sum, want)
		}
		longest := time.Duration(0)
		for broker := range int32(3) {
			for _, r := range book.results(broker) {
				longest = max(longest, r.Latency)
				if r.Latency < 0 || r.Latency > 50*time.Millisecond { // far below any of the steps
					t.Errorf("partition %d, record %d: latency %v, want next to none", r.Partition, r.Sequence, r.Latency)
				}
			}
		}
		t.Logf("%d records over steps of %v: longest latency %v", sum.Due, steps, longest)
	})
}
