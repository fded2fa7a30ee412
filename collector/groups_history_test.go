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
	h.identify("bills", [16]byte{1})
	exists := func(topic string) bool { return topic == "orders" }
	h.sweep(exists, at(450))
	if len(h.partitions) != 1 || len(h.partitions["orders"][1].samples) != 1 || len(h.ids) != 0 {
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

// A lag grows while the commit stays: never by less than the time that passed, whatever is asked in vain
// meanwhile. It is worked out anew once the commit moves, or may be of other records.
func TestGroupLagGrows(t *testing.T) {
	const (
		hour    = 3600
		unknown = -1 // nobody answered
		gone    = -2 // there is no commit
	)
	one, two := [16]byte{1}, [16]byte{2}
	type step struct {
		what    string
		second  int
		id      [16]byte // of the topic
		end     int64
		offset  int64
		want    time.Duration // in seconds
		atLeast bool
	}
	for name, steps := range map[string][]step{
		"beyond the history": {
			{"the log is empty", 0, one, 0, 0, 0, false},
			{"a record", 30, one, 1, 0, 0, false},
			{"within the history", hour, one, 2, 0, hour - 30, false},
			{"log end unknown", hour + 30, one, unknown, 0, unknownLag, false},
			{"group unknown", hour + 60, one, 3, unknown, unknownLag, false},
			{"beyond", 3 * hour, one, 4, 0, 3*hour - 30, false},
			{"far beyond", 100 * hour, one, 5, 0, 100*hour - 30, false},
			{"it moves", 100*hour + 30, one, 5, 1, 97*hour + 30, true},
			{"it has read all", 100*hour + 60, one, 5, 5, 0, false},
			{"another record", 200 * hour, one, 6, 5, 0, false},
			{"and a while", 200*hour + 30, one, 6, 5, 30, false},
		},
		"a bound": {
			{"there before we looked", 0, one, 9, 0, 0, true},
			{"later", 3 * hour, one, 10, 0, 3 * hour, true},
			{"much later", 30 * hour, one, 11, 0, 30 * hour, true},
			{"reset", 30*hour + 30, one, 11, 2, 27*hour + 30, true},
		},
		"the same offset, committed again after it was gone": {
			{"there before we looked", 0, one, 9, 0, 0, true},
			{"later", 3 * hour, one, 10, 0, 3 * hour, true},
			{"no commit", 10 * hour, one, 11, gone, unknownLag, false},
			{"again", 10*hour + 30, one, 11, 0, 7*hour + 30, true},
		},
		"made anew, at the same offset": {
			{"there before we looked", 0, one, 9, 3, 0, true},
			{"later", 3 * hour, one, 10, 3, 3 * hour, true},
			{"the id not told", 4 * hour, [16]byte{}, 10, 3, 4 * hour, true},
			{"another", 5 * hour, two, 20, 3, 0, true},
			{"grows", 8 * hour, two, 21, 3, 3 * hour, true},
		},
		"made anew, unseen": {
			{"there before we looked", 0, one, 9, 3, 0, true},
			{"later", 3 * hour, one, 10, 3, 3 * hour, true},
			{"group unknown", 3*hour + 30, two, 20, unknown, unknownLag, false},
			{"known again", 3*hour + 60, two, 20, 3, 30, true},
		},
		"truncated, or made anew before there were ids": {
			{"there before we looked", 0, [16]byte{}, 9, 3, 0, true},
			{"later", 3 * hour, [16]byte{}, 10, 3, 3 * hour, true},
			{"fallen", 5 * hour, [16]byte{}, 4, 3, 0, true},
			{"grows", 8 * hour, [16]byte{}, 21, 3, 3 * hour, true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			epoch := time.Now()
			g := &groups{history: newEndHistory(epoch, time.Hour), moves: make(map[string]*groupMoves)}
			for _, s := range steps {
				now := epoch.Add(time.Duration(s.second) * time.Second)
				l := &leadership{topics: map[string]topicShape{"orders": {id: s.id}}}
				ends := newEndOffsets()
				if ends.at = now; s.end != unknown {
					ends.ends["orders"] = map[int32]int64{1: s.end}
				}
				of := &group{id: "billing", fetched: s.offset != unknown}
				if s.offset >= 0 {
					of.commits = []commit{{"orders", 1, s.offset, -1}}
				}
				g.remember(l, ends, now)
				g.watch(l, []*group{of}, of.fetched, now)
				lags := g.lags(t.Context(), l, []*group{of}, ends, now)[0]
				if len(lags) == 0 || !lags[0].timed {
					if s.want != unknownLag {
						t.Errorf("%s: no lag, want %d s", s.what, s.want)
					}
					continue
				}
				got := lags[0]
				if want := s.want * time.Second; s.want == unknownLag || got.ago < want || got.ago > want+historyUnit || got.atLeast != s.atLeast {
					t.Errorf("%s: got %v, %v, want %d s, %v", s.what, got.ago, got.atLeast, s.want, s.atLeast)
				}
			}
			g.watch(&leadership{}, nil, true, epoch.Add(1000*hour*time.Second))
			if len(g.moves) != 0 {
				t.Error("a group that is gone is remembered")
			}
		})
	}
}

// unknownLag is where there must be none.
const unknownLag = time.Duration(-1)

// What the record itself says holds, before the process's time too, and stays when it cannot be read any more.
func TestGroupLagGrowsFromRecords(t *testing.T) {
	epoch := time.Now()
	g := &groups{history: newEndHistory(epoch, time.Hour), moves: make(map[string]*groupMoves)}
	l := &leadership{topics: map[string]topicShape{"orders": {id: [16]byte{1}}}}
	of := &group{id: "billing", fetched: true, commits: []commit{{"orders", 0, 3, -1}}}
	for i, test := range []struct {
		lag, want lag
	}{
		{lag{records: 1}, lag{}}, // nothing is known
		{lag{records: 1, ago: 0, atLeast: true, timed: true}, lag{ago: 0, atLeast: true, timed: true}},
		{lag{records: 1, ago: 180123 * time.Second, timed: true, read: true}, lag{ago: 180123 * time.Second, timed: true}},
		{lag{records: 1, ago: time.Minute, atLeast: true, timed: true}, lag{ago: 180153 * time.Second, timed: true}},
		{lag{records: 1}, lag{ago: 180183 * time.Second, timed: true}},
		{lag{records: 1, ago: 40*time.Hour + 12345*time.Microsecond, timed: true, read: true}, // the clock was set
			lag{ago: 40*time.Hour + 12345*time.Microsecond, timed: true}},
		{lag{records: 1, ago: time.Minute, timed: true}, lag{ago: 40*time.Hour + 30*time.Second + 12345*time.Microsecond, timed: true}},
		{lag{records: 0, timed: true}, lag{timed: true}}, // a share group took all, which its start offset need not tell
		{lag{records: 1, ago: time.Second, timed: true}, lag{ago: time.Second, timed: true}},
	} {
		now := epoch.Add(time.Duration(i) * 30 * time.Second)
		g.watch(l, []*group{of}, true, now)
		test.lag.commit, test.lag.known = of.commits[0], true
		lags := []lag{test.lag}
		g.grow(l, of.id, lags, now)
		got, want := lags[0], test.want
		if got.ago < want.ago || got.ago > want.ago+historyUnit || got.atLeast != want.atLeast || got.timed != want.timed {
			t.Errorf("refresh %d: got %v, %v, %v, want %v, %v, %v", i, got.ago, got.atLeast, got.timed, want.ago, want.atLeast, want.timed)
		}
	}
}
