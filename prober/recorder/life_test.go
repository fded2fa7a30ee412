package recorder_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/kafka-prober/kafka_prober/internal/seriesdoc"
	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/reach"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// life plays what a prober may live through, so that every series exists and most have moved.
func life(classic string) *recorder.Recorder {
	r := recorder.New(recorder.Options{Classic: classic})
	sink := r.Probe(steady("prod", "steady"))

	// Born in an outage: two records due before any leader is known, one of them skipped by the grace.
	unknown := sink.Series(topic, ledger.UnknownBroker)
	due(unknown)
	due(unknown)
	judge(unknown, ledger.Result{Outcome: ledger.Timeout, Latency: 30 * time.Second, Reason: "CONNECTION_REFUSED", Offset: -1})
	unknown.Count(&ledger.Tally{InFlight: -1,
		Outcomes: [ledger.NumOutcomes]uint64{ledger.Skipped: 1}, Skips: [ledger.NumSkips]uint64{ledger.Starting: 1}})

	one := sink.Series(topic, 1)
	for range 10 {
		due(one)
	}
	judge(one,
		ledger.Result{Outcome: ledger.Delivered, Latency: 3 * time.Millisecond, Offset: 17},
		ledger.Result{Outcome: ledger.Delivered, Latency: 200 * time.Millisecond, Offset: 18}, // at the objective: good
		ledger.Result{Outcome: ledger.Delivered, Latency: 201 * time.Millisecond, Offset: 19}, // above: bad for latency
		ledger.Result{Outcome: ledger.Failed, Latency: 30 * time.Second, Reason: "MESSAGE_TOO_LARGE", Offset: -1},
		ledger.Result{Outcome: ledger.Timeout, Latency: 30 * time.Second, Reason: "NOT_ENOUGH_REPLICAS", Offset: -1},
		ledger.Result{Outcome: ledger.Timeout, Latency: 30 * time.Second, Reason: "NOT_ENOUGH_REPLICAS", Offset: -1},
		ledger.Result{Outcome: ledger.Lost, Latency: 30 * time.Second, Offset: 23},
		ledger.Result{Outcome: ledger.Expired, Latency: 30 * time.Second, Offset: 24},
		ledger.Result{Outcome: ledger.TopicRecreated, Latency: 30 * time.Second, Offset: 25},
	)
	one.Observe(&ledger.Batch{Samples: []ledger.Sample{
		{Leg: ledger.ScheduleLag, Value: 60 * time.Microsecond},
		{Leg: ledger.ClientQueue, Value: 20 * time.Microsecond},
		{Leg: ledger.Produce, Value: 2500 * time.Microsecond},
		{Leg: ledger.AckFirst, Value: 300 * time.Microsecond},
		{Leg: ledger.ReadFirst, Value: 0},
	}})
	one.Count(&ledger.Tally{
		Anomalies: [ledger.NumAnomalies]uint64{1, 2, 3, 4, 5, 6, 7, 8},
		Foreign:   [ledger.NumForeign]uint64{1, 2, 3, 4, 5, 6, 7, 8},
	})
	sink.Watch(func() ledger.State {
		return ledger.State{
			Topic: topic, Interval: 150 * time.Millisecond, Overloaded: true, ClockSteps: 3,
			Bursts: &ledger.Bursts{Heavy: true, Last: []ledger.BurstRun{
				{Broker: 1, Delivered: 100, Bytes: 102400, Took: 200 * time.Millisecond, Success: true, Ended: time.Unix(1_700_000_000, 0)},
			}},
			Brokers: []ledger.BrokerState{
				{Broker: 1, ClockAhead: &ledger.ClockBounds{Lower: -time.Millisecond, Upper: 2 * time.Millisecond}, Known: true, Covered: true, Outstanding: 1, Oldest: 1250 * time.Millisecond},
				{Broker: 2, Known: true},
				{Broker: ledger.UnknownBroker},
			},
			Loops:       []ledger.Loop{{Name: "sender", Progress: time.Unix(1_700_000_000, 5e8)}},
			Refusals:    []ledger.Refusal{{Action: "create_topic", Reason: "TOPIC_AUTHORIZATION_FAILED"}},
			LastProblem: "broker 1: NOT_ENOUGH_REPLICAS",
		}
	})
	connections(r)
	appends(r)
	return r
}

// appends plays what a flush probe may live through.
func appends(r *recorder.Recorder) {
	sink := r.Flush(flushProbe("prod", "flush"))
	sink.State(flush.State{Brokers: []int32{1, 2}, Believed: 1, Thresholds: []flush.Threshold{
		{Broker: 1, Topic: flush.AnyTopic, Severity: "warning", Value: 100 * time.Millisecond},
		{Broker: 1, Topic: "raw", Severity: "critical", Value: 50 * time.Millisecond},
	}})
	sink.Pair(&flush.Pair{
		Broker: 1, Plain: flush.Append{Topic: "plain", Took: 2 * time.Millisecond},
		Flushed: &flush.Append{Topic: "flushed", Took: 32 * time.Millisecond}, LogDir: "/data", Flush: 30 * time.Millisecond, Known: true,
	})
	sink.Pair(&flush.Pair{Broker: 2, Plain: flush.Append{Topic: "plain", Took: 10 * time.Second, Reason: "NO_RESPONSE"}})
}

// connections plays what a connect probe may live through.
func connections(r *recorder.Recorder) {
	sink := r.Reach(recorder.Probe{Cluster: "prod", Listener: "default", Name: "connect"})
	sink.Attempt(&reach.Attempt{Broker: reach.UnknownBroker, Failed: reach.Dial, Reason: "CONNECTION_REFUSED"})
	sink.Brokers([]int32{1, 2, 3})
	whole := reach.Attempt{
		Broker: 1, TLSVersion: "TLS 1.3", Mechanism: "SCRAM-SHA-512", CertificateEnds: time.Unix(1_800_000_000, 0),
		Taken: [reach.NumPhases]bool{true, true, true, true, true, true},
	}
	for i := range whole.Took {
		whole.Took[i] = time.Duration(i+1) * time.Millisecond
	}
	sink.Attempt(&whole)
	cut := whole
	cut.Failed, cut.Reason = reach.SASL, "SASL_AUTHENTICATION_FAILED"
	cut.Taken[reach.SASL], cut.Taken[reach.Metadata] = false, false
	sink.Attempt(&cut)
	sink.Attempt(&reach.Attempt{Broker: 1, Failed: reach.Dial, Reason: "DIAL_TIMEOUT"}) // the certificate is still known
	sink.Attempt(&reach.Attempt{Broker: 2, Taken: [reach.NumPhases]bool{reach.Dial: true, reach.APIVersions: true, reach.Metadata: true}})
}

func TestLife(t *testing.T) {
	golden(t, "life.prom", exposition(t, life(recorder.ClassicMain)))
}

// What docs/series.md says and what is exported must be the same thing.
func TestReferenceIsWhatIsExported(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(life(recorder.ClassicMain))
	exported, err := seriesdoc.FromGatherer(registry, "")
	if err != nil {
		t.Fatal(err)
	}
	reference := recorder.Reference()
	for i := range reference {
		reference[i].Labels = sorted(reference[i].Labels)
	}
	if got, want := seriesdoc.Markdown(exported), seriesdoc.Markdown(reference); got != want {
		t.Errorf("exported:\n%s\nreference:\n%s", got, want)
	}
	golden(t, "reference.md", seriesdoc.Markdown(recorder.Reference()))
}

func TestLint(t *testing.T) {
	for _, classic := range []string{recorder.ClassicAll, recorder.ClassicMain, recorder.ClassicNone} {
		problems, err := promlint.NewWithMetricFamilies(gather(t, life(classic))).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("classic %s: %s: %s", classic, p.Metric, p.Text)
		}
	}
}

// Many probes of the same kind on several clusters must not clash.
func TestManyProbesGatherClean(t *testing.T) {
	r := recorder.New(recorder.Options{})
	for _, cluster := range []string{"prod", "test"} {
		for _, name := range []string{"steady", "flush"} {
			sink := r.Probe(steady(cluster, name))
			for broker := range int32(3) {
				sink.Series(topic, broker)
			}
			// An engine that names things twice must not break the scrape.
			sink.Watch(func() ledger.State {
				return ledger.State{
					Brokers:  []ledger.BrokerState{{Broker: 1, Known: true}, {Broker: 1, Known: true}},
					Loops:    []ledger.Loop{{Name: "reader"}, {Name: "reader"}},
					Refusals: []ledger.Refusal{{Action: "elect_leaders", Reason: "X"}, {Action: "elect_leaders", Reason: "X"}},
				}
			})
		}
	}
	if got := len(values(gather(t, r), "records_due_total")); got != 2*2*3 {
		t.Errorf("%d series of records_due_total, want 12", got)
	}
}
