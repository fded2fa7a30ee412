//go:build kafka || faults

package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

const (
	frozenBroker    = int32(2)
	freezeFor       = 5 * time.Second
	excessTolerance = 0.15
)

// freeze is a stretch of an engine's clock in which a broker did not run.
type freeze struct{ from, to time.Duration }

func (f freeze) length() time.Duration { return f.to - f.from }

// freezeBroker stops a broker by SIGSTOP for freezeFor, and returns when, by each book's clock.
func freezeBroker(t *testing.T, b *kafkatest.Node, books ...*chronicle) []freeze {
	t.Helper()
	freezes := make([]freeze, len(books))
	if err := b.Pause(); err != nil {
		t.Fatal(err)
	}
	for i, book := range books {
		freezes[i].from = book.engine.clock.now()
	}
	hold(t, freezeFor, books...)
	for i, book := range books {
		book.engine.state() // hands over what was measured until now
		freezes[i].to = book.engine.clock.now()
	}
	if err := b.Resume(); err != nil {
		t.Fatal(err)
	}
	return freezes
}

// excess returns by how much the records of a partition that were due from shortly before a freeze until
// all was calm again waited longer than the median of those before.
func (c *chronicle) excess(partition int32, f freeze) (sum, usual time.Duration) {
	const run = time.Second // a record due before the freeze may be caught by it
	var before []time.Duration
	for _, j := range c.judgements(partition, 0, f.from-run) {
		before = append(before, j.Latency)
	}
	usual = median(before)
	for _, j := range c.judgements(partition, f.from-run, never) {
		sum += j.Latency - usual
	}
	return sum, usual
}

// checkExcess compares a partition's excess latency with what arithmetic says.
func checkExcess(t *testing.T, name string, book *chronicle, partition int32, f freeze, want float64) {
	t.Helper()
	sum, usual := book.excess(partition, f)
	got := sum.Seconds()
	t.Logf("%s: frozen for %.3f s, usual latency %v, excess %.1f s, want %.1f s: %+.1f %%",
		name, f.length().Seconds(), usual.Round(10*time.Microsecond), got, want, 100*(got/want-1))
	if got < want*(1-excessTolerance) || got > want*(1+excessTolerance) {
		t.Errorf("%s: excess latency %.1f s, want %.1f s within 15 %%", name, got, want)
	}
}

// TestFreeze stops one of three brokers for five seconds. The records that were due meanwhile have waited,
// together, for r T^2 / 2: nothing of the outage is left out of the latency. With acks=1 the followers'
// partitions are acknowledged as ever, and only seen later: a frozen follower holds the high watermark.
func TestFreeze(t *testing.T) {
	c := kafkatest.Shared(t)
	forms := []struct {
		name string
		acks Acks
		book chronicle
		stop func()
	}{{name: "acks-all", acks: AcksAll}, {name: "acks-leader", acks: AcksLeader}}
	var books []*chronicle
	for i := range forms {
		form := &forms[i]
		s := place(t, c, "freeze-"+form.name, everywhere(), nil)
		cfg := siteConfig(c, s, &form.book, nil)
		cfg.Acks, cfg.Seed = form.acks, uint64(i+1)
		form.stop = begin(t, s, cfg, &form.book)
		books = append(books, &form.book)
	}
	freezes := freezeBroker(t, c.Broker(int(frozenBroker)), books...)
	awaitCalm(t, 20*time.Second, books...)

	for i := range forms {
		form, book, f := &forms[i], books[i], freezes[i]
		form.stop()
		sum := book.total()
		checkInvariant(t, sum)
		if sum.Outcomes[ledger.Delivered]+sum.Skips[ledger.Starting] != sum.Due || sum.Anomalies[ledger.AcknowledgedLost] != 0 {
			t.Errorf("%s: counts = %+v, want all delivered and none lost", form.name, sum)
		}
		rate := 1 / book.engine.cfg.Interval.Seconds()
		identity := rate * f.length().Seconds() * f.length().Seconds() / 2
		for p := range int32(3) {
			name := form.name + ", leader frozen"
			if everywhere()[p][0] == frozenBroker {
				checkExcess(t, name, book, p, f, identity)
				continue
			}
			other, _ := book.excess(p, f)
			t.Logf("%s, follower frozen (leader %d): excess %.1f s", form.name, everywhere()[p][0], other.Seconds())
		}
		if form.acks == AcksAll {
			if sum.Anomalies != [ledger.NumAnomalies]uint64{} {
				t.Errorf("%s: anomalies %v, want none: the producer is idempotent", form.name, sum.Anomalies)
			}
			continue
		}
		t.Logf("%s: anomalies %v", form.name, sum.Anomalies)
		checkProduceLeg(t, book, f)
	}
}

// checkProduceLeg fails the test unless the brokers that were not frozen acknowledged as before.
func checkProduceLeg(t *testing.T, book *chronicle, f freeze) {
	t.Helper()
	others := func(broker int32) bool { return broker > 0 && broker != frozenBroker }
	before := book.legs(ledger.Produce, f.from-freezeFor, f.from, others)
	during := book.legs(ledger.Produce, f.from, f.to, others)
	const most = 100 * time.Millisecond // a freeze that reached this leg would show as seconds
	t.Logf("produce leg of the others: median %v before, %v while frozen; maximum %v and %v; %d records while frozen",
		median(before), median(during), slices.Max(before), slices.Max(during), len(during))
	late := 0
	for _, d := range during {
		if d > most {
			late++
		}
	}
	if late*100 > len(during) || median(during) > most/2 {
		t.Errorf("produce leg of the brokers that run: %d of %d records above %v, median %v, want it unchanged (median before %v)",
			late, len(during), most, median(during), median(before))
	}
	rate := 1 / book.engine.cfg.Interval.Seconds()
	if want := 2 * rate * f.length().Seconds(); float64(len(during)) < 0.9*want {
		t.Errorf("%d records acknowledged by the brokers that run, want about %.0f", len(during), want)
	}
}
