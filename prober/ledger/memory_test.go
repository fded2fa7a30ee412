//go:build !race

// Memory as it is: the race detector takes its own, and lets sync.Pool drop what it is given.

package ledger

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// void is a series that takes everything and keeps nothing.
type void struct{}

func (void) Count(*Tally)   {}
func (void) Observe(*Batch) {}

// drive is an engine in small: it drives a partition with records of one interval.
type drive struct {
	*Partition
	now    time.Duration
	offset int64
	out    []Delivery
}

func newDrive(interval time.Duration) *drive {
	d := &drive{Partition: NewPartition(Options{Timeout: 30 * time.Second}, schedule.New(1, 0, 0, interval))}
	d.Lead(1, void{})
	d.Reading(0)
	return d
}

func (d *drive) flush() {
	d.out = d.Flush(d.out[:0])
	for _, delivery := range d.out {
		delivery.Observe()
	}
}

// deliver takes the next record all the way.
func (d *drive) deliver() {
	d.now = d.NextDue()
	seq, _ := d.Advance(d.now, 1)
	generation := d.Hand(seq, d.now)
	d.Ack(seq, generation, d.offset, d.now, d.now+2*time.Millisecond)
	d.Read(seq, d.offset, Producer{ID: 1}, d.now+3*time.Millisecond)
	d.offset++
	d.Passed(d.offset)
	d.Judge(d.now + 3*time.Millisecond)
	d.flush()
}

// endure lets one record become due while nothing answers.
func (d *drive) endure(held int) {
	d.now = d.NextDue()
	seq, _ := d.Advance(d.now, 1)
	if seq < uint64(held) {
		d.Hand(seq, d.now)
	} else {
		d.Withhold(seq, BufferFull)
	}
	d.Judge(d.now)
	d.flush()
}

// In an outage of an hour the window never grows beyond what the fate of a record lasts.
func TestMemoryIsBoundedInAnOutage(t *testing.T) {
	const outage = time.Hour
	for _, test := range []struct {
		name     string
		interval time.Duration
		held     int // records that the client holds, for as long as the outage lasts
	}{
		{"10/s, all held by the client", 100 * time.Millisecond, 1 << 30},
		{"10/s, the client holds 100", 100 * time.Millisecond, 100},
		{"1,000/s, all held by the client", time.Millisecond, 1 << 30},
		{"1,000/s, the client holds 10,000", time.Millisecond, 10_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDrive(test.interval)
			window := uint64(d.opt.Fate/test.interval) + 2
			for d.now < outage {
				d.endure(test.held)
				if d.next-d.base > window {
					t.Fatalf("at %v %d slots are open, want at most %d", d.now, d.next-d.base, window)
				}
			}
			if got := uint64(len(d.slots.ring)); got > max(minSlots, 2*window) {
				t.Errorf("the ring has %d slots, want at most twice the window of %d", got, window)
			}
			if len(d.spans) != 1 || d.reader.unread != 0 {
				t.Errorf("%d spans and %d unread records are left", len(d.spans), d.reader.unread)
			}
		})
	}
}

// An absence of a month is worked off without taking memory for each slot of it.
func TestMemoryIsBoundedBySuspension(t *testing.T) {
	d := newDrive(100 * time.Millisecond)
	for range 50 {
		d.endure(1 << 30)
	}
	d.Skip(30*24*time.Hour, Suspended)
	d.flush()
	if n := len(d.slots.ring); n > 4096 {
		t.Errorf("the ring has %d slots", n)
	}
	if late := d.NextDue(); late <= 30*24*time.Hour {
		t.Errorf("a slot that was due at %v is left for a burst", late)
	}
}

// A leader that moves all the time leaves no more spans than the window needs.
func TestMemoryIsBoundedWhileLeadersMove(t *testing.T) {
	d := newDrive(100 * time.Millisecond)
	for n := range 20_000 {
		d.Lead(int32(n%3), void{})
		switch n % 14 {
		case 0:
			d.deliver()
		case 7:
			d.endure(1 << 30)
		}
		if len(d.spans) > int(d.next-d.base)+2 {
			t.Fatalf("%d spans for %d slots after %d moves", len(d.spans), d.next-d.base, n)
		}
	}
}

// What a hostile topic makes us remember of the order of records is bounded, too.
func TestMemoryIsBoundedAgainstReplays(t *testing.T) {
	d := newDrive(time.Millisecond)
	const records = 3 * maxPairs
	d.now = d.Due(records)
	d.Advance(d.now, records)
	for seq := range uint64(records) {
		d.Hand(seq, d.now)
	}
	for seq := range uint64(records) {
		d.Read(records-1-seq, int64(seq), Producer{}, d.now)
	}
	if n := len(d.order.pairs); n != maxPairs {
		t.Errorf("%d pairs are remembered, want %d", n, maxPairs)
	}
}

// Beyond maxWindow the oldest are given up, and the equation still holds.
func TestFullWindow(t *testing.T) {
	d := newDrive(time.Nanosecond)
	var told Tally
	d.spans[0].series = tallies{&told}
	const more = 1000
	d.Advance(maxWindow+more-1, maxWindow+more)
	d.flush()
	if n := d.next - d.base; n != maxWindow {
		t.Errorf("%d slots are open, want %d", n, maxWindow)
	}
	if told.Due != maxWindow+more || told.InFlight != maxWindow || told.Outcomes[Timeout] != more {
		t.Errorf("due %d, in flight %d, timeout %d", told.Due, told.InFlight, told.Outcomes[Timeout])
	}
}

type tallies struct{ sum *Tally }

func (s tallies) Count(t *Tally) { s.sum.Add(t) }
func (tallies) Observe(*Batch)   {}

func TestNoAllocations(t *testing.T) {
	for _, test := range []struct {
		name string
		step func(d *drive)
	}{
		{"delivered", (*drive).deliver},
		{"timed out", func(d *drive) { d.endure(1 << 30) }},
	} {
		d := newDrive(100 * time.Millisecond)
		for range 5000 { // the ring and the batches find their size
			test.step(d)
		}
		if n := testing.AllocsPerRun(5000, func() { test.step(d) }); n != 0 {
			t.Errorf("%s: %v allocations per record, want 0", test.name, n)
		}
	}
}

func BenchmarkDelivered(b *testing.B) {
	d := newDrive(100 * time.Millisecond)
	b.ReportAllocs()
	for b.Loop() {
		d.deliver()
	}
}

// A wake-up of the sender and one fetch take many records at once at high rates.
func BenchmarkDeliveredInBatches(b *testing.B) {
	const batch = 100
	d := newDrive(time.Microsecond)
	b.ReportAllocs()
	for b.Loop() {
		d.now = d.Due(d.next + batch - 1)
		first, n := d.Advance(d.now, batch)
		for seq := first; seq < first+uint64(n); seq++ {
			generation := d.Hand(seq, d.now)
			d.Ack(seq, generation, int64(seq), d.now, d.now+time.Millisecond)
		}
		for seq := first; seq < first+uint64(n); seq++ {
			d.Read(seq, int64(seq), Producer{ID: 1}, d.now+2*time.Millisecond)
		}
		d.Passed(int64(first) + int64(n))
		d.Judge(d.now + 2*time.Millisecond)
		d.flush()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/record")
}

// One record that hangs in the client keeps the window open: it must not make the others dear.
func BenchmarkDeliveredBehindOneThatHangs(b *testing.B) {
	d := newDrive(time.Millisecond)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%50_000 == 0 {
			seq, _ := d.Advance(d.NextDue(), 1)
			d.Hand(seq, d.now)
		}
		d.deliver()
	}
}
