package engine

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// TestManyProbers lets twenty engines probe one topic. Together they settle at the rate that the topic
// may have, in equal shares.
func TestManyProbers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const (
			number     = 20
			rate       = 20.0 // records/s that a partition may get, where twenty at ten each would send 200
			partitions = 3
			settling   = 5 * time.Second
			window     = 20 * time.Second
		)
		books := make([]notebook, number)
		stops := make([]func(), number)
		for i := range books {
			cfg := b.config(t, &books[i])
			cfg.Interval, cfg.MaxTopicRate, cfg.Seed = 100*time.Millisecond, rate, uint64(i+1)
			e, stop := start(t, cfg)
			if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
				t.Fatal(err)
			}
			stops[i] = stop
		}
		pass(settling)
		var due [number]uint64
		for i := range books {
			due[i] = books[i].total().Due
		}
		var ends [partitions]int64
		for p := range ends {
			ends[p] = b.PartitionInfo(testTopic, int32(p)).HighWatermark
		}
		pass(window)
		for p := range ends {
			got := float64(b.PartitionInfo(testTopic, int32(p)).HighWatermark-ends[p]) / window.Seconds()
			if got < 0.9*rate || got > 1.1*rate {
				t.Errorf("partition %d gets %.2f records/s, want %v within 10 %%", p, got, rate)
			}
			t.Logf("partition %d gets %.2f records/s", p, got)
		}
		for i := range books {
			got := float64(books[i].total().Due-due[i]) / window.Seconds()
			if share := partitions * rate / number; got < 0.9*share || got > 1.1*share {
				t.Errorf("prober %d sends %.2f records/s, want %v within 10 %%", i, got, share)
			}
		}
		for i := range books {
			stops[i]()
			sum := books[i].total()
			checkInvariant(t, sum)
			want := ledger.Tally{Due: sum.Due}
			want.Outcomes[ledger.Delivered] = sum.Due
			want.Foreign[ledger.OtherRun] = sum.Foreign[ledger.OtherRun]
			if sum != want {
				t.Errorf("prober %d: counts = %+v\nwant     %+v", i, sum, want)
			}
		}
	})
}

// TestParked lets agents probe one topic at a rate at which they have nothing outstanding most of the time.
// Each fetches for its own records, not for everybody's; and its own are read as fast as ever.
func TestParked(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const (
			number   = 10
			interval = 2 * time.Second
			settling = 10 * time.Second
			window   = time.Minute
		)
		var fetches atomic.Int64
		b.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			b.KeepControl()
			fetches.Add(1)
			return nil, nil, false
		})
		books := make([]notebook, number)
		stops := make([]func(), number)
		for i := range books {
			cfg := b.config(t, &books[i])
			cfg.Interval, cfg.MaxTopicRate, cfg.Seed = interval, 1000, uint64(i+1)
			e, stop := start(t, cfg)
			if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
				t.Fatal(err)
			}
			stops[i] = stop
		}
		due := func() (n uint64) {
			for i := range books {
				n += books[i].total().Due
			}
			return n
		}
		pass(settling)
		before, dueBefore := fetches.Load(), due()
		pass(window)
		perRecord := float64(fetches.Load()-before) / float64(due()-dueBefore)
		t.Logf("%.2f fetches for each record", perRecord)
		if perRecord > 4 {
			t.Errorf("%.2f fetches for each record, want at most 4: each agent is handed what %d send", perRecord, number)
		}
		for i := range books {
			stops[i]()
			checkInvariant(t, books[i].total())
			for broker := range int32(3) {
				for _, r := range books[i].results(broker) {
					if r.Outcome != ledger.Delivered || r.Latency > time.Millisecond {
						t.Errorf("prober %d, broker %d: %v after %v, want delivered at once", i, broker, r.Outcome, r.Latency)
					}
				}
			}
		}
	})
}

// TestStretched checks the interval that a prober uses beside others.
func TestStretched(t *testing.T) {
	type sight struct {
		run      byte
		interval time.Duration
		at       time.Duration
	}
	const nominal = 100 * time.Millisecond
	for _, test := range []struct {
		name string
		max  float64
		seen []sight
		now  time.Duration
		want time.Duration
	}{
		{name: "alone below the limit", max: 20, want: nominal},
		{name: "alone above the limit", max: 5, want: 2 * nominal},
		{name: "no limit", max: 0, seen: []sight{{1, time.Millisecond, 0}}, want: nominal},
		{name: "two at the limit", max: 20, seen: []sight{{1, nominal, 0}}, want: nominal},
		{name: "three", max: 20, seen: []sight{{1, nominal, 0}, {2, nominal, 0}}, want: nominal * 3 / 2},
		{name: "one that is seen twice counts once", max: 20, seen: []sight{{1, nominal, 0}, {1, nominal, 1}}, want: nominal},
		{name: "a faster one takes more", max: 20, seen: []sight{{1, nominal / 3, 0}}, want: 2 * nominal},
		{name: "remembered for a minute", max: 10, seen: []sight{{1, nominal, 0}}, now: peerMemory, want: 2 * nominal},
		{name: "then forgotten", max: 10, seen: []sight{{1, nominal, 0}}, now: peerMemory + 1, want: nominal},
		{name: "a slow one is remembered for longer", max: 10, seen: []sight{{1, 30 * time.Second, 0}, {2, nominal, 0}}, now: peerMemory + 1, want: 100333333 * time.Nanosecond},
		{name: "nonsense is ignored", max: 10, seen: []sight{{1, 0, 0}, {2, -1, 0}}, want: nominal},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := peers{max: test.max}
			for _, s := range test.seen {
				p.saw(record.RunID{s.run}, s.interval, s.at)
			}
			if got := p.stretched(nominal, test.now); got.Round(time.Microsecond) != test.want.Round(time.Microsecond) {
				t.Errorf("interval = %v, want %v", got, test.want)
			}
		})
	}
}
