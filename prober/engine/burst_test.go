package engine

import (
	"context"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// Three minutes of bursts: each record due is judged, all of a burst within its own time, and none is
// late by another's.
func TestBursts(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		var book notebook
		c := b.config(t, &book)
		c.Interval, c.Timeout = time.Minute, 20*time.Second
		c.Burst = schedule.Burst{Slots: 100, Spacing: time.Millisecond, Jitter: 24 * time.Second}
		e, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx, time.Second) }()
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		pass(3*time.Minute - time.Second)
		sum := book.total()
		checkInvariant(t, sum)
		if sum.Due != 900 || sum.Outcomes[ledger.Delivered] != 900 {
			t.Errorf("3 minutes, 3 brokers, 100 records each: %+v", sum)
		}
		for broker := range int32(3) {
			for _, r := range book.results(broker) {
				if r.Latency > 100*time.Millisecond {
					t.Errorf("broker %d: record %d took %v", broker, r.Sequence, r.Latency)
					break
				}
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestBurstsThatDoNotFit(t *testing.T) {
	var book notebook
	c := config(t, nil, &book)
	c.Interval, c.Burst = time.Second, schedule.Burst{Slots: 100, Spacing: 10 * time.Millisecond, Jitter: 1}
	const want = "bursts of 100 records, 10ms apart, do not fit into the interval of 1s with a jitter of 1ns"
	if _, err := New(c); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
