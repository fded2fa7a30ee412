package engine

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// ticks is a sink that keeps sums, and checks that a partition's records come out one after the other.
type ticks struct {
	mu      sync.Mutex
	tally   ledger.Tally
	results uint64
	next    map[int32]uint64 // the slot that each partition's next result is of
	jumps   int              // results that were of another
	longest time.Duration
}

var (
	_ ledger.Sink   = (*ticks)(nil)
	_ ledger.Series = (*ticks)(nil)
)

func (k *ticks) Series(string, int32) ledger.Series { return k }
func (k *ticks) Watch(func() ledger.State)          {}

func (k *ticks) Count(t *ledger.Tally) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tally.Add(t)
}

func (k *ticks) Observe(b *ledger.Batch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range b.Results {
		if r.Sequence != k.next[r.Partition] {
			k.jumps++
		}
		k.next[r.Partition] = r.Sequence + 1
		k.longest = max(k.longest, r.Latency)
		k.results++
	}
}

func (k *ticks) total() ledger.Tally {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tally
}

// TestSixMinutes probes for six minutes at ten records a second and partition: exactly the slots of that
// time are due, all are delivered, the counts agree at every look, and neither memory nor goroutines grow.
func TestSixMinutes(t *testing.T) { testLong(t, 6) }

func testLong(t *testing.T, minutes int) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const partitions, perSecond = 3, 10
		keepLogSmall(t, b)
		book := &ticks{next: map[int32]uint64{}}
		cfg := b.config(t, nil)
		cfg.Sink, cfg.Interval = book, time.Second/perSecond
		e, stop := start(t, cfg)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		minute := func() { // with the invariant at every second of it
			for range 60 {
				pass(time.Second)
				e.state()
				checkInvariant(t, book.total())
			}
			b.ApplyRetention()
		}
		var heaps, goroutines []uint64
		for m := range minutes {
			minute()
			if every := minutes / 6; m%every == every-1 {
				heaps, goroutines = append(heaps, heapInUse()), append(goroutines, uint64(runtime.NumGoroutine()))
			}
		}
		// Nothing takes time in the bubble, so the partitions began with the first of these minutes.
		due := book.total().Due
		stop()
		sum := book.total()
		want := ledger.Tally{Due: partitions * perSecond * 60 * uint64(minutes)}
		want.Outcomes[ledger.Delivered] = want.Due
		if sum != want || due != sum.Due {
			t.Errorf("counts = %+v\nwant     %+v", sum, want)
		}
		if book.results != want.Due || book.jumps > 0 {
			t.Errorf("%d results, %d out of turn, want %d and 0", book.results, book.jumps, want.Due)
		}
		// After a sixth of the time nothing may be added but what a collection happens to leave.
		const slack = 2 << 20
		if first, last := heaps[0], slices.Max(heaps[1:]); last > first+slack {
			t.Errorf("heap grew from %d to %d bytes: %v", first, last, heaps)
		}
		if first, last := goroutines[0], slices.Max(goroutines[1:]); last > first+2 {
			t.Errorf("goroutines grew from %d to %d: %v", first, last, goroutines)
		}
		t.Logf("%d records due in %d minutes, all delivered, longest latency %v; every sixth of it: heap %v, goroutines %v",
			sum.Due, minutes, book.longest, heaps, goroutines)
	})
}

// keepLogSmall lets retention take what is old: the fake cluster keeps its logs in memory.
func keepLogSmall(t *testing.T, b *bubble) {
	t.Helper()
	client, err := b.client("admin")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	set := func(key, value string) kadm.AlterConfig { return kadm.AlterConfig{Name: key, Value: &value} }
	answers, err := kadm.NewClient(client).AlterTopicConfigs(t.Context(),
		[]kadm.AlterConfig{set("segment.bytes", "100000"), set("retention.bytes", "200000")}, testTopic)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if a.Err != nil {
			t.Fatalf("set retention of %s: %v", a.Name, a.Err)
		}
	}
}

// heapInUse returns the size of what is reachable.
func heapInUse() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC() // the second one frees what pools held
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// heapNow returns the size of what is allocated, reachable or not.
func heapNow() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
