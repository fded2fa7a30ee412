package schedule_test

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

var tenOfMinute = schedule.Burst{Slots: 10, Spacing: time.Millisecond, Jitter: 24 * time.Second}

// A burst is a row of slots at one pace, whose first is due at a random instant of the interval's first part.
func TestBursts(t *testing.T) {
	const start, interval = 5 * time.Second, time.Minute
	s := schedule.NewBursts(1, 3, start, interval, tenOfMinute)
	seen := map[time.Duration]bool{}
	for n := uint64(0); n < 1000; n += tenOfMinute.Slots {
		begins := start + time.Duration(n/tenOfMinute.Slots)*interval
		first := s.Due(n)
		if first < begins || first >= begins+tenOfMinute.Jitter {
			t.Fatalf("burst of slot %d begins at %v, want from %v and within %v", n, first, begins, tenOfMinute.Jitter)
		}
		seen[first-begins] = true
		for i := range tenOfMinute.Slots {
			if due, want := s.Due(n+i), first+time.Duration(i)*time.Millisecond; due != want {
				t.Errorf("slot %d is due at %v, want %v", n+i, due, want)
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("100 bursts begin at %d instants of their intervals: a schedule like that can lock onto something", len(seen))
	}
}

// Another interval is for the next burst: the slots of one that has begun stay where they are.
func TestBurstsChange(t *testing.T) {
	s := schedule.NewBursts(1, 3, 0, time.Minute, tenOfMinute)
	before := make([]time.Duration, 30)
	for n := range before {
		before[n] = s.Due(uint64(n))
	}
	s.Change(13, time.Hour) // in the second burst
	for n := range uint64(20) {
		if s.Due(n) != before[n] {
			t.Errorf("slot %d is now due at %v, was %v", n, s.Due(n), before[n])
		}
	}
	const third = 2 * time.Minute
	if due := s.Due(20); due < third || due >= third+tenOfMinute.Jitter {
		t.Errorf("third burst begins at %v, want within %v from %v", due, tenOfMinute.Jitter, third)
	}
	if due, want := s.Due(30), third+time.Hour; due < want || due >= want+tenOfMinute.Jitter {
		t.Errorf("fourth burst begins at %v, want within %v from %v", due, tenOfMinute.Jitter, want)
	}
}
