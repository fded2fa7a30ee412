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

// A burst that is put off keeps its slots together and leaves all others where they are, for as long as one of its
// slots may be asked for.
func TestPutOff(t *testing.T) {
	b := tenOfMinute
	b.Rest = 20 * time.Second
	s := schedule.NewBursts(1, 3, 0, time.Minute, b)
	var before [40]time.Duration
	for n := range before {
		before[n] = s.Due(uint64(n))
	}
	latest := 2*time.Minute - b.Rest - b.Length()
	for _, step := range []struct {
		first uint64
		due   time.Duration
		want  bool
	}{
		{10, latest + 1, false},
		{10, before[10] + time.Second, true},
		{10, latest, true},
		{20, before[20] + 1, true},
	} {
		if got := s.PutOff(step.first, step.due); got != step.want {
			t.Errorf("put off the burst of slot %d to %v: %v, want %v", step.first, step.due, got, step.want)
		}
	}
	check := func(from uint64) {
		t.Helper()
		for n := from; n < uint64(len(before)); n++ {
			want := before[n]
			switch n / 10 {
			case 1:
				want += latest - before[10]
			case 2:
				want++
			}
			if got := s.Due(n); got != want {
				t.Errorf("slot %d is due at %v, want %v", n, got, want)
			}
			if want := n%10 == 0; s.BeginsBurst(n) != want {
				t.Errorf("slot %d begins a burst: %v, want %v", n, !want, want)
			}
		}
	}
	check(0)
	s.Forget(19)
	check(10)
	s.Forget(29)
	check(20)
	s.Begin(20, 10*time.Minute, time.Minute) // draws anew
	if due := s.Due(20); due < 10*time.Minute || due >= 10*time.Minute+b.Jitter {
		t.Errorf("after a beginning at 10m the first burst is due at %v", due)
	}
	if s := schedule.New(1, 3, 0, time.Minute); s.BeginsBurst(0) {
		t.Error("a single record begins a burst")
	}
}
