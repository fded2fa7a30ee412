package collector

import (
	"testing"
	"time"
)

func TestEndHistory(t *testing.T) {
	epoch := time.Now()
	at := func(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }
	h := newEndHistory(epoch, 5*time.Minute)
	for _, s := range []struct {
		second int
		end    int64
	}{{0, 100}, {30, 100}, {60, 160}, {90, 160}, {120, 161}} {
		h.add("orders", 1, s.end, at(s.second))
	}
	for _, test := range []struct {
		name    string
		offset  int64
		now     int
		want    time.Duration
		atLeast bool
		ok      bool
	}{
		{"there before we looked", 99, 120, 120 * time.Second, true, true},
		{"the first of a window", 100, 120, 89500 * time.Millisecond, false, true},
		{"the last of a window", 159, 120, 60 * time.Second, false, true},
		{"the newest", 160, 120, 0, false, true},
		{"the newest, a while later", 160, 150, 30 * time.Second, false, true},
		{"not there yet", 161, 150, 0, false, false},
	} {
		got, atLeast, ok := h.since("orders", 1, test.offset, at(test.now))
		if got.Round(historyUnit) != test.want || atLeast != test.atLeast || ok != test.ok {
			t.Errorf("%s: got %v, %v, %v, want %v, %v, %v", test.name, got, atLeast, ok, test.want, test.atLeast, test.ok)
		}
	}
	if _, _, ok := h.since("orders", 7, 0, at(120)); ok {
		t.Error("a partition that nobody added has a history")
	}

	h.add("orders", 1, 150, at(150)) // truncated
	if got, atLeast, ok := h.since("orders", 1, 100, at(180)); got != 30*time.Second || !atLeast || !ok {
		t.Errorf("truncated: got %v, %v, %v", got, atLeast, ok)
	}
	h.add("bills", 0, 1, at(150))
	exists := func(topic string) bool { return topic == "orders" }
	h.sweep(exists, at(450))
	if len(h.partitions) != 1 || len(h.partitions["orders"][1].samples) != 1 {
		t.Errorf("got %v, want orders alone, whose log end was known within the span", h.partitions)
	}
	h.sweep(exists, at(451))
	if len(h.partitions) != 0 {
		t.Errorf("got %v, want nothing: what is known is older than the span", h.partitions)
	}
}

// What is older than the span is only known to be that, and memory is bounded.
func TestEndHistoryForgets(t *testing.T) {
	epoch := time.Now()
	h := newEndHistory(epoch, time.Minute)
	for i := range 100 {
		h.add("orders", 0, int64(i), epoch.Add(time.Duration(i)*10*time.Second))
	}
	now := epoch.Add(990 * time.Second)
	if n := len(h.partitions["orders"][0].samples); n != 7 {
		t.Errorf("%d samples, want those of the last minute and the one before", n)
	}
	if got, atLeast, ok := h.since("orders", 0, 0, now); got != time.Minute || !atLeast || !ok {
		t.Errorf("got %v, %v, %v, want at least a minute", got, atLeast, ok)
	}
	h.limit = 3
	h.add("orders", 0, 100, now)
	if n := len(h.partitions["orders"][0].samples); n != 3 {
		t.Errorf("%d samples, want the limit of 3", n)
	}
}
