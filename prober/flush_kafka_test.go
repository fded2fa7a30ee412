//go:build kafka

package prober

import (
	"testing"
	"time"
)

// TestFlushOnKafka delays the fsyncs of one broker of a real cluster: its flushes show it, those of the
// others do not. How exactly is TestFlushTable's, on a machine that has nothing else to do.
func TestFlushOnKafka(t *testing.T) {
	const delay, leeway = 20 * time.Millisecond, 10 * time.Millisecond
	d := startDisks(t)
	t.Cleanup(d.run(t, often(t)))
	d.awaitPairs(t, 20)
	base, slow := d.compare(t, delay, 6, time.Second)
	for broker := int32(1); broker <= 3; broker++ {
		was, now := summarize(base.flushes[broker]), summarize(slow.flushes[broker])
		t.Logf("broker %d: flush %s, then %s ms (mean / p50 / p95 of %d and %d)", broker, was.inMillis(), now.inMillis(), was.n, now.n)
		want := time.Duration(0)
		if broker == 2 {
			want = delay
		}
		if moved := now.p50 - was.p50; moved < want-leeway || moved > want+leeway {
			t.Errorf("median flush of broker %d moved by %v, want %v within %v", broker, moved, want, leeway)
		}
	}
}
