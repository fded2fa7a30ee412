package recorder_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// Every exposition holds the equation per broker, and so in sum, and no bad event without its event,
// while several goroutines, two of them on one broker, count as fast as they can and the state function
// hands over more.
func TestInvariantWhileBusy(t *testing.T) {
	r := recorder.New(recorder.Options{})
	sink := r.Probe(steady("prod", "steady"))
	sink.Watch(func() ledger.State {
		late := sink.Series(topic, 2) // the engine flushes when asked
		due(late)
		judge(late, ledger.Result{Outcome: ledger.Delivered, Latency: time.Millisecond})
		return ledger.State{Topic: topic}
	})

	for broker := range int32(3) {
		sink.Series(topic, broker)
	}

	stop := make(chan struct{})
	var workers sync.WaitGroup
	for worker := range 3 {
		workers.Go(func() {
			s := sink.Series(topic, int32(worker%2))
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				runtime.Gosched() // or a scrape's own goroutines would hardly run
				due(s)
				outcome := ledger.Outcome(i % ledger.NumOutcomes)
				if outcome == ledger.Skipped {
					s.Count(&ledger.Tally{InFlight: -1, Outcomes: [ledger.NumOutcomes]uint64{ledger.Skipped: 1}, Skips: [ledger.NumSkips]uint64{1}})
					continue
				}
				judge(s, ledger.Result{Outcome: outcome, Latency: time.Duration(i%400) * time.Millisecond, Reason: "REQUEST_TIMED_OUT"})
			}
		})
	}
	for range 100 {
		checkInvariant(t, r)
	}
	close(stop)
	workers.Wait()
	checkInvariant(t, r)
}

func checkInvariant(t *testing.T, r *recorder.Recorder) {
	t.Helper()
	families := gather(t, r)
	dueTotal := values(families, "records_due_total")
	judged := values(families, "records_in_flight")
	skippedByOutcome, skippedByReason := 0.0, 0.0
	for labels, n := range values(families, "records_total") {
		broker, rest, _ := strings.Cut(labels, ",outcome=")
		_, rest, _ = strings.Cut(rest, ",probe=")
		judged[broker+",probe="+rest] += n
		if strings.Contains(labels, "outcome=skipped") {
			skippedByOutcome += n
		}
	}
	for _, n := range values(families, "records_skipped_total") {
		skippedByReason += n
	}
	if len(dueTotal) != 3 || len(judged) != 3 {
		t.Fatalf("%d and %d brokers, want 3", len(dueTotal), len(judged))
	}
	for labels, n := range dueTotal {
		if judged[labels] != n {
			t.Errorf("%s: due %v, judged and in flight %v", labels, n, judged[labels])
		}
	}
	if skippedByOutcome != skippedByReason {
		t.Errorf("skipped: %v by outcome, %v by reason", skippedByOutcome, skippedByReason)
	}
	events := values(families, "slo_events_total")
	for labels, bad := range values(families, "slo_bad_events_total") {
		if bad > events[labels] {
			t.Errorf("%s: %v bad events of %v", labels, bad, events[labels])
		}
	}
}
