//go:build bench

package prober

import (
	"fmt"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestFlushTable is the table of docs/log-flush.md: delays on one broker against what the probe makes of them,
// a minute each with the delay and without it.
func TestFlushTable(t *testing.T) {
	const turns, block = 12, 5 * time.Second
	d := startDisks(t, kafkatest.JMXPages())
	t.Cleanup(d.run(t, often(t)))
	d.awaitPairs(t, 300) // and the JVMs' compilers are done
	t.Log("| Added to each fsync of broker 2 | pairs | flush of broker 2 without, mean / p50 / p95 ms | with | moved by | broker's own timer, p50 / p95 | flush of brokers 1, 3: p50 moved by | end to end of 1, 2, 3: p50 moved by |")
	for _, delay := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		base, slow := d.compare(t, delay, turns, block)
		was, now := summarize(base.flushes[2]), summarize(slow.flushes[2])
		moved := summary{mean: now.mean - was.mean, p50: now.p50 - was.p50, p95: now.p95 - was.p95}
		others := [3]time.Duration{}
		ends := [3]time.Duration{}
		for i := range int32(3) {
			others[i] = summarize(slow.flushes[i+1]).p50 - summarize(base.flushes[i+1]).p50
			ends[i] = summarize(slow.steady[i+1]).p50 - summarize(base.steady[i+1]).p50
		}
		t.Logf("| %v | %d, %d | %s | %s | %s | %s | %s, %s | %s, %s, %s |", delay, was.n, now.n, was.inMillis(), now.inMillis(), moved.inMillis(), timer(t, d.Broker(2)),
			millis(others[0]), millis(others[2]), millis(ends[0]), millis(ends[1]), millis(ends[2]))
		within(t, delay, "mean flush of the delayed broker", moved.mean, delay, time.Millisecond/2, .05)
		within(t, delay, "p50 of its flush", moved.p50, delay, time.Millisecond, .15)
		within(t, delay, "p95 of its flush", moved.p95, delay, 2*time.Millisecond, .15)
		for i := range 3 {
			if i != 1 {
				within(t, delay, fmt.Sprint("p50 of the flush of broker ", i+1), others[i], 0, time.Millisecond, 0)
			}
			within(t, delay, fmt.Sprint("p50 of the end to end of broker ", i+1), ends[i], 0, time.Millisecond, 0)
		}
	}
}

// within judges by how much a figure has moved, and allows for the larger of a time and a share of the delay.
func within(t *testing.T, delay time.Duration, what string, moved, want, abs time.Duration, share float64) {
	t.Helper()
	allowed := max(abs, time.Duration(share*float64(delay)))
	if off := moved - want; off < -allowed || off > allowed {
		t.Errorf("delay %v: %s moved by %v, want %v within %v", delay, what, moved, want, allowed)
	}
}
