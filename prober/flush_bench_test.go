//go:build bench

package prober

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// TestFlushOnOff asks whether the flush probe, with its defaults, moves what the steady probe measures: its
// p50 and p95 with it and without it, in turns, on fast disks and on slow ones.
func TestFlushOnOff(t *testing.T) {
	const (
		rounds = 5                // of off, on, on, off
		block  = 30 * time.Second // as long as the probe rests after a flush of 100 ms: it forgets that when it is stopped
	)
	d := startDisks(t)
	stop := d.run(t, defaultFlush(t)) // makes the topics
	d.awaitPairs(t, 1)
	stop()
	for _, delay := range []time.Duration{0, 100 * time.Millisecond} {
		for _, b := range d.Brokers() {
			if err := b.DelayFsync(delay); err != nil {
				t.Fatal(err)
			}
		}
		figures := onOff{}
		d.byTurns(t, defaultFlush(t), rounds, time.Second, block, figures.add)
		figures.each(func(figure string, broker int32, ratio fidelity.Ratio, off float64) {
			t.Logf("fsyncs %v longer, broker %d, steady %s with the flush probe / without: %v, of %.2f ms", delay, broker, figure, ratio, off)
			if ratio.Low > 1 {
				t.Errorf("the flush probe moves the steady %s of broker %d by %v", figure, broker, ratio)
			}
		})
	}
}

// TestFlushCost measures what the probe costs the brokers, at a rate at which that can be measured, and works
// out what it is by default.
func TestFlushCost(t *testing.T) {
	const length = 30 * time.Second
	d := startDisks(t)
	s := often(t)
	s.ReplicationFactor = 0 // as by default: the followers flush too
	stop := d.run(t, s)
	defer func() { stop() }() // whichever runs last
	d.awaitPairs(t, 300)
	var on, off cost
	for range 2 {
		on.add(d.cost(t, length))
		stop()
		off.add(d.cost(t, length))
		stop = d.run(t, s)
		d.awaitPairs(t, 20)
	}
	pairs := float64(on.pairs)
	t.Logf("%d pairs in %v on 3 brokers", on.pairs, 2*length)
	fsyncs, bytes, cpu := float64(on.fsyncs-off.fsyncs)/pairs, float64(on.bytes-off.bytes)/pairs, (on.cpu-off.cpu).Seconds()/pairs
	rate := 3 / time.Duration(defaultFlush(t).Interval).Seconds() // pairs/s on all three
	t.Logf("a pair costs all brokers together %.1f fsyncs, %.0f bytes of logs and %.2f ms of CPU", fsyncs, bytes, 1000*cpu)
	t.Logf("by default that is, of all three: %.2f fsyncs/s, %.0f bytes/s, %.3f %% of a core", rate*fsyncs, rate*bytes, 100*rate*cpu)
	if share := rate * cpu; share > .01 {
		t.Errorf("%.2f %% of a core, want at most 1 %%", 100*share)
	}
	if fsyncs > 6 {
		t.Errorf("%.1f fsyncs a pair, want the 3 of its replicas, and some when segments are rolled", fsyncs)
	}
}

// cost is what brokers have spent.
type cost struct {
	pairs  int
	fsyncs uint64
	bytes  int64
	cpu    time.Duration
}

func (c *cost) add(o cost) {
	c.pairs, c.fsyncs, c.bytes, c.cpu = c.pairs+o.pairs, c.fsyncs+o.fsyncs, c.bytes+o.bytes, c.cpu+o.cpu
}

// cost returns what all brokers spend in a while.
func (d *disks) cost(t *testing.T, length time.Duration) cost {
	t.Helper()
	d.take()
	was := d.spent(t)
	pause(t.Context(), length)
	now := d.spent(t)
	c := cost{fsyncs: now.fsyncs - was.fsyncs, bytes: now.bytes - was.bytes, cpu: now.cpu - was.cpu}
	for _, of := range d.take().flushes {
		c.pairs += len(of)
	}
	return c
}

func (d *disks) spent(t *testing.T) (c cost) {
	t.Helper()
	for _, b := range d.Brokers() {
		n, err := b.Fsyncs()
		if err != nil {
			t.Fatal(err)
		}
		c.fsyncs += n
		c.cpu += promtest.UsageOf(t, b.PID()).CPU
		err = filepath.WalkDir(b.DataDir(), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".log") || !strings.Contains(path, "kafka-prober-flush-") {
				return err
			}
			info, err := e.Info()
			c.bytes += info.Size()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}
