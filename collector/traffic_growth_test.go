package collector

import (
	"testing"
	"time"
)

// A log's size tells the bytes of its records only where nothing was deleted.
func TestLogGrowth(t *testing.T) {
	// at makes a reading a number of minutes into the test, of 100 bytes a record.
	at := func(minute int, start int64, end float64, size int64) logReading {
		return logReading{leader: 1, at: time.Duration(minute) * time.Minute, start: start, local: start, end: end, size: size}
	}
	with := func(r logReading, change func(*logReading)) logReading { change(&r); return r }
	nothing := grown{}
	for name, test := range map[string]struct {
		readings []logReading
		want     []grown
	}{
		"steady": {
			[]logReading{at(0, 0, 0, 0), at(1, 0, 10, 1000), at(2, 0, 30, 3000)},
			[]grown{nothing, {10, 1000, true, false}, {20, 2000, true, false}},
		},
		"idle, then not": {
			[]logReading{at(0, 0, 5, 500), at(1, 0, 5, 500), at(2, 0, 6, 600)},
			[]grown{nothing, nothing, {1, 100, true, false}},
		},
		"a segment was deleted": {
			[]logReading{at(0, 0, 100, 10_000), at(1, 80, 110, 3_000), at(2, 80, 120, 4_000)},
			[]grown{nothing, {10, 0, false, false}, {10, 1000, true, false}},
		},
		"the size was read before the deletion that the start shows": {
			[]logReading{at(0, 0, 100, 10_000), at(1, 80, 110, 11_000), at(2, 80, 120, 4_000), at(3, 80, 130, 5_000)},
			[]grown{nothing, {10, 0, false, false}, {10, 0, false, false}, {10, 1000, true, false}},
		},
		"records were deleted, their segment is later": {
			[]logReading{at(0, 0, 100, 10_000), at(1, 50, 110, 11_000), at(2, 50, 120, 12_000), at(3, 50, 300, 21_000), at(8, 50, 310, 22_000)},
			[]grown{nothing, {10, 0, false, false}, {10, 0, false, false}, {180, 0, false, false}, {10, 1000, true, false}},
		},
		"a segment went to tiered storage": {
			[]logReading{at(0, 0, 100, 10_000), with(at(1, 0, 200, 15_000), func(r *logReading) { r.local = 50 })},
			[]grown{nothing, {100, 0, false, false}},
		},
		"another leader": {
			[]logReading{at(0, 0, 100, 10_000), with(at(1, 0, 110, 90_000), func(r *logReading) { r.leader = 2 }), with(at(2, 0, 120, 91_000), func(r *logReading) { r.leader = 2 })},
			[]grown{nothing, {10, 0, false, false}, {10, 1000, true, false}},
		},
		"truncated": {
			[]logReading{at(0, 0, 100, 10_000), at(1, 0, 90, 11_000), at(2, 0, 100, 12_000)},
			[]grown{nothing, nothing, {10, 1000, true, false}},
		},
		"too uncertain, so the window goes on": {
			[]logReading{at(0, 0, 0, 0), with(at(1, 0, 10, 1100), func(r *logReading) { r.slack = 1 }), with(at(2, 0, 1000, 100_000), func(r *logReading) { r.slack = 1 })},
			[]grown{nothing, nothing, {1000, 100_000, true, false}},
		},
		"more uncertain when it began than a window is long, so it begins anew": {
			[]logReading{with(at(0, 0, 20, 2000), func(r *logReading) { r.slack = 40 }), at(1, 0, 120, 12_100), at(2, 0, 220, 22_100)},
			[]grown{nothing, {100, 10_100, true, true}, {100, 10_000, true, false}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var g logGrowth
			for i, r := range test.readings {
				if got := g.take(r); got != test.want[i] {
					t.Errorf("reading %d: got %+v, want %+v", i, got, test.want[i])
				}
			}
		})
	}
}

// The log end at the instant of the size lies on the line between the two that
// were asked around it.
func TestReadingIsInterpolated(t *testing.T) {
	epoch := time.Now()
	ms := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }
	logs := &brokerLogs{
		sizes: [][]int64{{5000, noOffset}}, sized: ms(30), startsAfter: [][]int64{{7, 0}},
		before: offsets{values: [][]int64{{100, 1}}, sent: ms(0), got: ms(20)},
		after:  offsets{values: [][]int64{{140, 1}}, sent: ms(40), got: ms(60)},
	}
	got, ok := logs.reading(3, 0, 0, epoch)
	want := logReading{leader: 3, at: 30 * time.Millisecond, start: 7, local: 7, end: 120, slack: 40, size: 5000}
	if !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if _, ok := logs.reading(3, 0, 1, epoch); ok {
		t.Error("a log without a size gave a reading")
	}
}
