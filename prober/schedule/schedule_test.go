package schedule_test

import (
	"math"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

var intervals = []time.Duration{
	1, 2, 3, time.Microsecond, time.Millisecond, 100 * time.Millisecond, 333333333, time.Second, time.Hour,
}

// Slot n is due within the n-th interval, so that n slots take n intervals however large n is.
func TestEachSlotIsDueWithinItsInterval(t *testing.T) {
	const start = 5 * time.Second
	for _, interval := range intervals {
		s := schedule.New(1, 0, start, interval)
		years := uint64(math.MaxInt64-start) / uint64(interval) // of uptime, in slots: 292 years
		for _, from := range []uint64{0, 1 << 20, years / 2, years - 1000} {
			if from > years {
				continue
			}
			last := time.Duration(-1)
			for n := from; n < min(from+1000, years); n++ {
				due, begins := s.Due(n), start+time.Duration(n)*interval
				if due < begins || due-begins >= interval {
					t.Fatalf("interval %v: slot %d is due at %d, its interval is from %d to %d", interval, n, due, begins, begins+interval)
				}
				if due <= last {
					t.Fatalf("interval %v: slot %d is due at %d, the one before at %d", interval, n, due, last)
				}
				last = due
			}
		}
	}
}

// Within its interval a slot is due at any instant alike: a schedule that preferred one could lock onto
// something periodic in the broker.
func TestInstantsAreUniform(t *testing.T) {
	const (
		slots    = 100_000
		bins     = 100
		interval = 100 * time.Millisecond
	)
	for seed := range uint64(5) {
		for _, partition := range []int32{-1, 0, 1, 7, math.MaxInt32} {
			s := schedule.New(seed, partition, 0, interval)
			var count, step [bins]int
			for n := range uint64(slots) {
				u := float64(s.Due(n)-time.Duration(n)*interval) / float64(interval)
				v := float64(s.Due(n+1)-time.Duration(n+1)*interval) / float64(interval)
				count[int(u*bins)]++
				step[int((v-u+1)*bins)%bins]++ // successive instants don't follow from one another
			}
			// Chi-square of 99 degrees of freedom: above 180 once in 10^6.
			if x := chiSquare(count[:], slots); x > 180 {
				t.Errorf("seed %d, partition %d: instants are not uniform, chi-square %.0f", seed, partition, x)
			}
			if x := chiSquare(step[:], slots); x > 180 {
				t.Errorf("seed %d, partition %d: steps are not uniform, chi-square %.0f", seed, partition, x)
			}
		}
	}
}

func chiSquare(count []int, total int) (x float64) {
	want := float64(total) / float64(len(count))
	for _, n := range count {
		x += (float64(n) - want) * (float64(n) - want) / want
	}
	return x
}

func TestPartitionsAndSeedsDiffer(t *testing.T) {
	type key struct {
		seed      uint64
		partition int32
	}
	seen := map[time.Duration]key{}
	for seed := range uint64(30) {
		for partition := int32(-1); partition < 30; partition++ {
			// Several slots in one number: single instants may meet by chance.
			var sum time.Duration
			s := schedule.New(seed, partition, 0, time.Hour)
			for n := range uint64(8) {
				sum = sum*31 + s.Due(n)
			}
			if other, ok := seen[sum]; ok {
				t.Errorf("%+v and %+v are due at the same instants", other, key{seed, partition})
			}
			seen[sum] = key{seed, partition}
		}
	}
	a, b := schedule.New(3, 4, 0, time.Second), schedule.New(3, 4, 0, time.Second)
	for n := range uint64(100) {
		if a.Due(n) != b.Due(n) {
			t.Errorf("slot %d of the same seed and partition is due at %v and at %v", n, a.Due(n), b.Due(n))
		}
	}
}

func TestChange(t *testing.T) {
	s := schedule.New(1, 0, time.Second, 100*time.Millisecond)
	s.Change(10, time.Second)             // slots 0-9 take 1 s
	s.Change(15, 10*time.Millisecond)     // slots 10-14 take 5 s
	s.Change(15, 20*time.Millisecond)     // instead
	s.Begin(20, time.Minute, time.Second) // slots 15-19 take 0.1 s; then nothing for a while

	for _, test := range []struct {
		slot             uint64
		begins, interval time.Duration
	}{
		{0, time.Second, 100 * time.Millisecond},
		{9, 1900 * time.Millisecond, 100 * time.Millisecond},
		{10, 2 * time.Second, time.Second},
		{14, 6 * time.Second, time.Second},
		{15, 7 * time.Second, 20 * time.Millisecond},
		{19, 7080 * time.Millisecond, 20 * time.Millisecond},
		{20, time.Minute, time.Second},
		{1020, 1060 * time.Second, time.Second},
	} {
		if got := s.Interval(test.slot); got != test.interval {
			t.Errorf("slot %d: interval is %v, want %v", test.slot, got, test.interval)
		}
		if due := s.Due(test.slot); due < test.begins || due >= test.begins+test.interval {
			t.Errorf("slot %d: due at %v, want from %v on within %v", test.slot, due, test.begins, test.interval)
		}
	}
}

// A change that was to come is void when the schedule begins anew before it.
func TestBeginReplacesWhatWasToCome(t *testing.T) {
	s := schedule.New(1, 0, 0, time.Second)
	s.Change(5, time.Minute)
	s.Change(7, time.Hour)
	s.Begin(4, 10*time.Second, time.Millisecond)
	for n := uint64(4); n < 20; n++ {
		begins := 10*time.Second + time.Duration(n-4)*time.Millisecond
		if due := s.Due(n); due < begins || due >= begins+time.Millisecond {
			t.Errorf("slot %d: due at %v, want from %v on within 1ms", n, due, begins)
		}
	}
}

func TestForgetKeepsWhatIsOutstanding(t *testing.T) {
	s := schedule.New(1, 0, 0, time.Second)
	for i := range uint64(50) {
		s.Change(10*(i+1), time.Duration(i+1)*time.Millisecond)
	}
	var due [600]time.Duration
	for n := range due {
		due[n] = s.Due(uint64(n))
	}
	for outstanding := range due {
		s.Forget(uint64(outstanding))
		for n := outstanding; n < len(due); n += 7 {
			if got := s.Due(uint64(n)); got != due[n] {
				t.Fatalf("slot %d: due at %v after Forget(%d), was %v", n, got, outstanding, due[n])
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	s := schedule.New(1, 0, 0, time.Second)
	for i := range uint64(10) {
		s.Change(10*i+10, time.Millisecond)
	}
	n := uint64(0)
	if got := testing.AllocsPerRun(100, func() {
		s.Due(n)
		n++
	}); got != 0 {
		t.Errorf("%v allocations for a due time, want 0", got)
	}
	if got := testing.AllocsPerRun(100, func() {
		s.Change(n, time.Duration(n))
		s.Forget(n)
		n++
	}); got != 0 {
		t.Errorf("%v allocations for a change, want 0: it happens once per stretch", got)
	}
}

// FuzzSchedule lets slots become due while intervals change, pauses happen and the past is forgotten,
// and checks that due times grow strictly and stay what they were.
func FuzzSchedule(f *testing.F) {
	f.Add(uint64(1), []byte{0, 0, 0, 1, 20, 0, 2, 0, 3, 5, 0})
	f.Add(uint64(2), []byte{1, 63, 1, 0, 0, 1, 40, 3, 0, 2, 0, 0})
	f.Fuzz(func(t *testing.T, seed uint64, script []byte) {
		const start = time.Second
		s := schedule.New(seed, 3, start, time.Millisecond)
		var due []time.Duration // of the slots so far
		var forgotten int       // slots below are
		for len(script) > 1 {
			what, how := script[0]%4, script[1]
			script = script[2:]
			next := uint64(len(due))
			latest := start
			if next > 0 {
				latest = due[next-1]
			}
			switch what {
			case 0: // slots become due
				for range how%32 + 1 {
					d := s.Due(uint64(len(due)))
					if d < start || len(due) > 0 && d <= due[len(due)-1] {
						t.Fatalf("slot %d is due at %d, after %d", len(due), d, latest)
					}
					latest = d
					due = append(due, d)
				}
			case 1: // another interval, 1 ns to 1 h
				s.Change(next+1, time.Duration(min(uint64(1)<<(how%42), uint64(time.Hour))))
			case 2: // a pause
				s.Begin(next, latest+1+time.Duration(how)*time.Second, s.Interval(next+1))
			case 3: // the past is forgotten
				forgotten = min(forgotten+int(how), len(due))
				s.Forget(uint64(forgotten))
			}
			for n := forgotten; n < len(due); n++ {
				if got := s.Due(uint64(n)); got != due[n] {
					t.Fatalf("slot %d is due at %d, was %d", n, got, due[n])
				}
			}
		}
	})
}

func BenchmarkDue(b *testing.B) {
	s := schedule.New(1, 0, 0, time.Millisecond)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		s.Due(n)
		n++
	}
}
