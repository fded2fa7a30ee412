package engine

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestExpired lets retention take what the reader, held up on its way, has not read yet. That is nobody's
// loss.
func TestExpired(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const broker = 1 // leads the partition of this number
		book := new(notebook)
		cfg := b.config(t, book)
		tp := newTap(t, b.dial)
		tp.install(&cfg)
		e, stop := start(t, cfg)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		release := tp.hold()
		pass(time.Second)
		cut := b.PartitionInfo(testTopic, broker).HighWatermark
		if err := b.DeleteRecords(testTopic, broker, cut); err != nil {
			t.Fatal(err)
		}
		release()
		pass(5 * time.Second)
		stop()

		sum := book.total()
		checkInvariant(t, sum)
		expired := sum.Outcomes[ledger.Expired]
		if expired < 95 || expired > 101 { // a second's, but for those of the response that was held up
			t.Errorf("expired = %d, want about 100", expired)
		}
		want := ledger.Tally{Due: sum.Due}
		want.Outcomes[ledger.Delivered] = sum.Due - expired
		want.Outcomes[ledger.Expired] = expired
		if sum != want {
			t.Errorf("counts = %+v\nwant     %+v", sum, want)
		}
		for _, r := range book.results(broker) {
			if r.Outcome == ledger.Expired && (r.Offset >= cut || r.Offset < 0) {
				t.Errorf("record %d at offset %d expired, the log starts at %d", r.Sequence, r.Offset, cut)
			}
		}
		t.Logf("%d of %d records expired, none lost", expired, sum.Due)
	})
}

// TestTwoProbers lets two engines probe one topic: each sees all of the other's records, counts them as
// foreign, and nothing else comes of it.
func TestTwoProbers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		books := [2]notebook{}
		var stops [2]func()
		for i := range books { // the second is the first's too, from its first record on
			cfg := b.config(t, &books[i])
			cfg.Seed = uint64(i + 1)
			e, stop := start(t, cfg)
			if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
				t.Fatal(err)
			}
			stops[i] = stop
			pass(2 * time.Second)
		}
		pass(8 * time.Second)
		stops[1]()
		pass(time.Second)
		stops[0]()

		sums := [2]ledger.Tally{books[0].total(), books[1].total()}
		for i, sum := range sums {
			checkInvariant(t, sum)
			want := ledger.Tally{Due: sum.Due}
			want.Outcomes[ledger.Delivered] = sum.Due
			want.Foreign[ledger.OtherRun] = sum.Foreign[ledger.OtherRun]
			if sum != want {
				t.Errorf("prober %d: counts = %+v\nwant     %+v", i, sum, want)
			}
		}
		if got, want := sums[0].Foreign[ledger.OtherRun], sums[1].Outcomes[ledger.Delivered]; got != want {
			t.Errorf("first prober: foreign records = %d, want all %d of the second", got, want)
		}
		if got := sums[1].Foreign[ledger.OtherRun]; got < 2000 {
			t.Errorf("second prober: foreign records = %d, want about 2400", got)
		}
		t.Logf("due %d and %d, all delivered; foreign %d and %d", sums[0].Due, sums[1].Due,
			sums[0].Foreign[ledger.OtherRun], sums[1].Foreign[ledger.OtherRun])
	})
}
