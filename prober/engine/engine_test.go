package engine

import (
	"context"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// start runs a new engine as run does.
func start(t *testing.T, c Config) (e *Engine, stop func()) {
	t.Helper()
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e, run(t, e)
}

// run runs an engine until the test ends or stop is called, which returns when it has ended.
func run(t *testing.T, e *Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, 3*time.Second) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// await waits until done says so.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	awaitFor(t, 15*time.Second, what, done)
}

// awaitFor is await with a limit.
func awaitFor(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("still waiting for %s after %v", what, limit)
		}
	}
}

func TestDelivers(t *testing.T) {
	c := newCluster(t)
	book := new(notebook)
	e, stop := start(t, config(t, c.ListenAddrs(), book))
	if err := e.SetLayout(layoutOf(c)); err != nil {
		t.Fatal(err)
	}
	await(t, "300 records", func() bool {
		sum := book.total()
		checkInvariant(t, sum)
		return sum.Outcomes[ledger.Delivered] >= 300
	})
	stop()

	sum := book.total()
	checkInvariant(t, sum)
	if sum.InFlight != 0 {
		t.Errorf("in flight after the end = %d, want 0", sum.InFlight)
	}
	want := ledger.Tally{Due: sum.Due}
	want.Outcomes[ledger.Delivered] = sum.Due - sum.Outcomes[ledger.Skipped]
	want.Outcomes[ledger.Skipped] = sum.Skips[ledger.Starting]
	want.Skips[ledger.Starting] = sum.Skips[ledger.Starting]
	if sum != want {
		t.Errorf("counts = %+v\nwant     %+v", sum, want)
	}
	for broker := range int32(3) {
		if n := len(book.results(broker)); n < 80 {
			t.Errorf("broker %d: %d results, want about 100", broker, n)
		}
	}
	for _, leg := range []ledger.Leg{ledger.ScheduleLag, ledger.ClientQueue, ledger.Produce} {
		if n := uint64(len(book.samples(leg))); n != want.Outcomes[ledger.Delivered] {
			t.Errorf("leg %d: %d samples, want %d", leg, n, want.Outcomes[ledger.Delivered])
		}
	}
	t.Logf("p50: lag %v queue %v produce %v ack_first %v read_first %v", median(book.samples(ledger.ScheduleLag)),
		median(book.samples(ledger.ClientQueue)), median(book.samples(ledger.Produce)), median(book.samples(ledger.AckFirst)), median(book.samples(ledger.ReadFirst)))
}

// TestEnded lets a layout come, and a diagnosis begin, just after the end. No client is made that nobody closes: in a
// bubble one that were would outlive the test.
func TestEnded(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		cfg := b.config(t, new(notebook))
		e, stop := start(t, cfg)
		l := layoutOf(b.Cluster)
		l.Partitions = l.Partitions[:1]
		if err := e.SetLayout(l); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		stop()
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Error(err)
		}
		if n := len(*e.parts.Load()); n != 1 {
			t.Errorf("%d partitions after the end, want the one there was", n)
		}
		e.ask(find(*e.parts.Load(), 0))
	})
}
