package recorder_test

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// record is what one healthy record costs: due, judged, one result and its legs.
func record(s ledger.Series, b *ledger.Batch, dueNow, judged *ledger.Tally) {
	s.Count(dueNow)
	s.Count(judged)
	s.Observe(b)
}

func healthy(results int, samples bool) (b *ledger.Batch, dueNow, judged *ledger.Tally) {
	b = &ledger.Batch{}
	n := uint64(results)
	for i := range results {
		latency := time.Duration(2000+i%500) * time.Microsecond
		b.Results = append(b.Results, ledger.Result{Latency: latency, Offset: int64(i)})
		if samples {
			b.Samples = append(b.Samples,
				ledger.Sample{Leg: ledger.ScheduleLag, Value: 60 * time.Microsecond},
				ledger.Sample{Leg: ledger.ClientQueue, Value: 20 * time.Microsecond},
				ledger.Sample{Leg: ledger.Produce, Value: latency - 300*time.Microsecond},
				ledger.Sample{Leg: ledger.AckFirst, Value: 200 * time.Microsecond})
		}
	}
	return b, &ledger.Tally{Due: n, InFlight: int64(n)},
		&ledger.Tally{InFlight: -int64(n), Outcomes: [ledger.NumOutcomes]uint64{ledger.Delivered: n}}
}

func TestNoAllocations(t *testing.T) {
	s := recorder.New(recorder.Options{}).Probe(steady("prod", "steady")).Series(topic, 1)
	b, dueNow, judged := healthy(1, true)
	b.Results = append(b.Results, ledger.Result{Outcome: ledger.Timeout, Latency: 30 * time.Second, Reason: "REQUEST_TIMED_OUT"})
	if got := testing.AllocsPerRun(10_000, func() { record(s, b, dueNow, judged) }); got != 0 {
		t.Errorf("%v allocations per record, want 0", got)
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, bench := range []struct {
		name    string
		batch   int
		samples bool
	}{{"result", 1, false}, {"result and legs", 1, true}, {"batch of 100 results", 100, false}, {"batch of 100 results and legs", 100, true}} {
		b.Run(bench.name, func(b *testing.B) {
			s := recorder.New(recorder.Options{}).Probe(steady("prod", "steady")).Series(topic, 1)
			batch, dueNow, judged := healthy(bench.batch, bench.samples)
			b.ReportAllocs()
			for b.Loop() {
				record(s, batch, dueNow, judged)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bench.batch), "ns/record")
		})
	}
}

func BenchmarkScrape(b *testing.B) {
	r := recorder.New(recorder.Options{})
	sink := r.Probe(steady("prod", "steady"))
	for broker := range int32(100) {
		sink.Series(topic, broker)
	}
	b.ReportAllocs()
	for b.Loop() {
		if len(r.Snapshot()) != 1 {
			b.Fatal("no snapshot")
		}
		gather(b, r)
	}
}
