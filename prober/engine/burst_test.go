package engine

import (
	"sync"
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
		e := runEngine(t, c)
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
	})
}

// TestBurstsTakeTurns lets bursts to three brokers be drawn for the same instant: they come one after the other, but
// for those that have no room left in their interval.
func TestBurstsTakeTurns(t *testing.T) {
	const length = 100 * time.Millisecond
	for _, test := range []struct {
		name   string
		room   time.Duration // between the instant that all are drawn for and the rest of the interval
		atOnce int           // bursts
	}{
		{"room for all", 3*length + 50*time.Millisecond, 1},
		{"room for two", 2*length + 50*time.Millisecond, 2},
		{"room for one", length + 50*time.Millisecond, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				var begins beginnings
				c := b.config(t, &begins)
				c.Interval = time.Minute
				c.Burst = schedule.Burst{Slots: 100, Spacing: length / 100, Jitter: 1, Rest: c.Interval - test.room}
				e := runEngine(t, c)
				if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
					t.Fatal(err)
				}
				pass(3*time.Minute - time.Second)
				if got := begins.atOnce(length); got != test.atOnce {
					t.Errorf("up to %d bursts at once, want %d", got, test.atOnce)
				}
				if n := len(begins.at); n != 9 {
					t.Errorf("%d bursts in three minutes to three brokers", n)
				}
			})
		})
	}
}

// beginnings is a sink that notes when bursts began: after a while in which nothing was due.
type beginnings struct {
	mu sync.Mutex
	at []time.Time
}

// Series implements ledger.Sink.
func (b *beginnings) Series(_ string, broker int32) ledger.Series {
	if broker == ledger.UnknownBroker {
		return &beginner{to: &beginnings{}} // before there are any
	}
	return &beginner{to: b}
}

// Watch implements ledger.Sink.
func (b *beginnings) Watch(func() ledger.State) {}

// atOnce returns how many bursts of a length went on at the same time, at most.
func (b *beginnings) atOnce(length time.Duration) (most int) {
	const shut = time.Millisecond // the next one may begin as the last one ends
	for _, began := range b.at {
		n := 0
		for _, other := range b.at {
			if d := began.Sub(other); d >= 0 && d < length-shut {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

type beginner struct {
	to   *beginnings
	last time.Time
}

// Count implements ledger.Series.
func (b *beginner) Count(t *ledger.Tally) {
	if t.Due == 0 || t.Outcomes[ledger.Skipped] > 0 {
		return
	}
	b.to.mu.Lock()
	defer b.to.mu.Unlock()
	if now := time.Now(); now.Sub(b.last) > time.Second {
		b.to.at = append(b.to.at, now)
	}
	b.last = time.Now()
}

// Observe implements ledger.Series.
func (b *beginner) Observe(*ledger.Batch) {}

func TestBurstsThatDoNotFit(t *testing.T) {
	var book notebook
	c := config(t, nil, &book)
	c.Interval, c.Burst = time.Second, schedule.Burst{Slots: 100, Spacing: 10 * time.Millisecond, Jitter: 1}
	const want = "bursts of 100 records, 10ms apart, do not fit into the interval of 1s with a jitter of 1ns"
	if _, err := New(c); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
