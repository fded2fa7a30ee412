//go:build faults

package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// TestCrash kills a leader with kill -9, with the timings that Kafka ships. All that was due meanwhile is delivered
// before the default timeout, and is read as soon as it is acknowledged.
func TestCrash(t *testing.T) {
	c := kafkatest.Shared(t)
	var book chronicle
	s := place(t, c, "crash", everywhere(), map[string]string{"min.insync.replicas": "2"})
	stop := begin(t, s, siteConfig(c, s, &book, nil), &book)
	killed := book.engine.clock.now()
	if err := c.Broker(2).Kill(); err != nil {
		t.Fatal(err)
	}
	awaitFor(t, 2500*time.Millisecond, "a record to be outstanding for a second", func() bool { return book.oldest() > time.Second })
	seen := book.engine.clock.now()
	awaitCalm(t, 25*time.Second, &book)
	over := book.engine.clock.now()
	hold(t, 2*time.Second, &book)
	stop()

	sum := book.total()
	checkInvariant(t, sum)
	if sum.Outcomes[ledger.Delivered]+sum.Skips[ledger.Starting] != sum.Due || sum.Anomalies != [ledger.NumAnomalies]uint64{} {
		t.Errorf("counts = %+v, want all delivered and no anomaly", sum)
	}
	var slowest time.Duration
	for p := range int32(3) {
		for _, j := range book.judgements(p, killed-time.Second, never) {
			slowest = max(slowest, j.Latency)
		}
	}
	gaps := book.legs(ledger.AckFirst, killed, never, func(int32) bool { return true })
	t.Logf("outstanding for a second %v after the kill, calm after %v, slowest record %v, from acknowledged to read %v at most",
		seen-killed, over-killed, slowest, slices.Max(gaps))
	if most := slices.Max(gaps); most > 500*time.Millisecond {
		t.Errorf("a record was read %v after it was acknowledged, want at most 500 ms", most)
	}
}

// ackWitness is a hook that notes by itself which records were acknowledged, and where.
type ackWitness struct {
	mu     sync.Mutex
	places map[uint64]int64 // offset by sequence
}

var _ kgo.HookProduceRecordUnbuffered = (*ackWitness)(nil)

// OnProduceRecordUnbuffered implements kgo.HookProduceRecordUnbuffered.
func (w *ackWitness) OnProduceRecordUnbuffered(r *kgo.Record, err error) {
	var h record.Header
	if err == nil && record.Decode(r.Value, &h) == record.Intact && h.Flags&record.FlagDiagnostic == 0 {
		w.mu.Lock()
		w.places[h.Sequence] = r.Offset
		w.mu.Unlock()
	}
}

// acked returns the acknowledged records' offsets by sequence.
func (w *ackWitness) acked() map[uint64]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.places)
}

// TestAcknowledgedAndTruncated lets Kafka lose records that it has acknowledged, as it may with acks=1: the prober
// counts each of them, and no other. What is gone is found without the prober, by reading the whole log again.
func TestAcknowledgedAndTruncated(t *testing.T) {
	for _, test := range []struct {
		name string
		// lose makes broker 1, the leader, end and broker 2 lead with less in its log.
		lose    func(t *testing.T, c *kafkatest.Cluster, s *site, book *chronicle)
		rewinds bool // the reader had read what is gone
	}{
		{name: "frozen-follower", lose: func(t *testing.T, c *kafkatest.Cluster, _ *site, book *chronicle) {
			leader, follower := c.Broker(1), c.Broker(2)
			do(t, follower.Pause)
			hold(t, 2500*time.Millisecond, book)
			do(t, leader.Kill)
			do(t, follower.Resume)
		}},
		{name: "unclean-election", rewinds: true, lose: func(t *testing.T, c *kafkatest.Cluster, s *site, book *chronicle) {
			leader, follower := c.Broker(1), c.Broker(2)
			do(t, follower.Kill)
			awaitFor(t, 30*time.Second, "the follower to leave the in-sync replicas", func() bool { return slices.Equal(s.isr(t, 0), []int32{1}) })
			hold(t, time.Second, book)
			do(t, leader.Kill)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := follower.Start(ctx); err != nil {
				t.Fatal(err)
			}
			awaitFor(t, 40*time.Second, "an unclean election", func() bool {
				_, _ = s.admin.ElectLeaders(ctx, kadm.ElectLiveReplica, kadm.TopicsSet{s.topic: {0: {}}}) // until the leader is known to be gone
				l, err := s.look(ctx)
				return err == nil && l.Partitions[0].Leader == 2
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := kafkatest.Shared(t)
			var book chronicle
			witness := &ackWitness{places: map[uint64]int64{}}
			s := place(t, c, "truncated-"+test.name, [][]int32{{1, 2}}, map[string]string{"min.insync.replicas": "1"})
			cfg := siteConfig(c, s, &book, nil)
			cfg.Acks = AcksLeader
			client := cfg.Client
			cfg.Client = func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
				return client(role, append(opts, kgo.WithHooks(witness))...)
			}
			stop := begin(t, s, cfg, &book)
			test.lose(t, c, s, &book)
			var top int64 // that was acknowledged before
			for _, offset := range witness.acked() {
				top = max(top, offset)
			}
			awaitFor(t, 60*time.Second, "the reader to pass all that was acknowledged", func() bool {
				sum := book.total()
				checkInvariant(t, sum)
				return test.rewinds == (sum.Anomalies[ledger.Rewind] > 0) && book.position(0) > top
			})
			awaitCalm(t, 20*time.Second, &book)
			stop()

			gone, left := witness.acked(), readAgain(t, c, s, book.engine.run)
			acked := len(gone)
			maps.DeleteFunc(gone, func(seq uint64, _ int64) bool { return left[seq] })
			read := 0 // before it vanished
			for _, j := range book.judgements(0, 0, never) {
				if _, vanished := gone[j.Sequence]; vanished && j.Outcome == ledger.Delivered {
					read++
				}
			}
			sum := book.total()
			checkInvariant(t, sum)
			t.Logf("%d acknowledged, %d of them vanished, %d of these had been read; acknowledged_lost %d, rewinds %d, outcomes %v, anomalies %v",
				acked, len(gone), read, sum.Anomalies[ledger.AcknowledgedLost], sum.Anomalies[ledger.Rewind], sum.Outcomes, sum.Anomalies)
			if len(gone) == 0 {
				t.Error("nothing vanished: the fault did not happen")
			}
			if sum.Anomalies[ledger.AcknowledgedLost] != uint64(len(gone)) {
				t.Errorf("acknowledged_lost = %d, want %d: as many as vanished", sum.Anomalies[ledger.AcknowledgedLost], len(gone))
			}
			if test.rewinds != (sum.Anomalies[ledger.Rewind] > 0) {
				t.Errorf("rewinds = %d, want some: %v", sum.Anomalies[ledger.Rewind], test.rewinds)
			}
		})
	}
}

// readAgain returns the sequences of a run's records that are in partition 0 now.
func readAgain(t *testing.T, c *kafkatest.Cluster, s *site, run record.RunID) map[uint64]bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ends, err := s.admin.ListEndOffsets(ctx, s.topic)
	if err != nil {
		t.Fatal(err)
	}
	end, ok := ends.Lookup(s.topic, 0)
	if !ok || end.Err != nil {
		t.Fatalf("end of the log: %v", end.Err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found := map[uint64]bool{}
	for next := int64(0); next < end.Offset; {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("read the log again: %v at offset %d of %d", err, next, end.Offset)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			var h record.Header
			if record.Decode(r.Value, &h) == record.Intact && h.Run == run && h.Flags&record.FlagDiagnostic == 0 {
				found[h.Sequence] = true
			}
		})
	}
	return found
}

// do fails the test if a step does.
func do(t *testing.T, step func() error) {
	t.Helper()
	if err := step(); err != nil {
		t.Fatal(err)
	}
}

// TestMinISR stops one of a partition's two replicas, which must both have a record. What is due meanwhile is a
// timeout whose reason is Kafka's own, or failed where each record is tried but once; none of it is lost.
func TestMinISR(t *testing.T) {
	c := kafkatest.Shared(t)
	forms := []struct {
		name    string
		strict  bool
		outcome ledger.Outcome
		book    chronicle
		stop    func()
	}{{name: "retries", outcome: ledger.Timeout}, {name: "no-retries", strict: true, outcome: ledger.Failed}}
	var books []*chronicle
	for i := range forms {
		form := &forms[i]
		s := place(t, c, "min-isr-"+form.name, [][]int32{{1, 2}}, map[string]string{"min.insync.replicas": "2"})
		cfg := siteConfig(c, s, &form.book, nil)
		cfg.Strict, cfg.Timeout, cfg.Seed = form.strict, 3*time.Second, uint64(i+1)
		form.stop = begin(t, s, cfg, &form.book)
		books = append(books, &form.book)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := c.Broker(2).Stop(ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	hold(t, 6*time.Second, books...)
	if err := c.Broker(2).Start(ctx); err != nil {
		t.Fatal(err)
	}
	awaitCalm(t, 20*time.Second, books...)
	hold(t, 2*time.Second, books...)
	for i := range forms {
		form, book := &forms[i], books[i]
		form.stop()
		sum := book.total()
		checkInvariant(t, sum)
		from := began.Sub(book.engine.clock.epoch)
		reasons, named := map[string]int{}, 0
		for _, j := range book.judgements(0, from+time.Second, from+3*time.Second) {
			reasons[j.Outcome.String()+" "+j.Reason]++
			if j.Outcome == form.outcome && j.Reason == "NOT_ENOUGH_REPLICAS" {
				named++
			}
		}
		t.Logf("%s: %v in two seconds of the outage; in all outcomes %v, anomalies %v", form.name, reasons, sum.Outcomes, sum.Anomalies)
		if named < 18 || len(reasons) != 1 {
			t.Errorf("%s: %v, want about 20 %v for NOT_ENOUGH_REPLICAS alone", form.name, reasons, form.outcome)
		}
		if n := sum.Outcomes[ledger.Lost] + sum.Anomalies[ledger.AcknowledgedLost] + sum.Anomalies[ledger.Ghost]; n > 0 {
			t.Errorf("%s: counts %+v, want none lost and no ghost", form.name, sum)
		}
	}
}
