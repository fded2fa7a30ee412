package recorder_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// burst is the default burst probe.
func burst() recorder.Probe {
	return recorder.Probe{
		Cluster: "prod", Listener: "default", Name: "burst", Topic: topic,
		Timeout: 30 * time.Second, Interval: time.Minute, RecordSize: 1024, Lean: true,
	}
}

// A lean probe shows few series until there is more to tell.
func TestLean(t *testing.T) {
	r := recorder.New(recorder.Options{})
	sink := r.Probe(burst())
	s := sink.Series(topic, 1)
	sink.Series(topic, ledger.UnknownBroker)
	state := ledger.State{
		Topic:   topic,
		Brokers: []ledger.BrokerState{{Broker: ledger.UnknownBroker}, {Broker: 1, Known: true, Covered: true}},
		Bursts: &ledger.Bursts{Last: []ledger.BurstRun{{
			Broker: 1, Delivered: 100, Bytes: 102400, Took: 200 * time.Millisecond, Success: true, Ended: time.Unix(1_700_000_000, 0),
		}}},
	}
	sink.Watch(func() ledger.State { return state })

	const of = `broker="1",kafka_cluster="prod",listener="default",`
	const full = of + `probe="burst",topic="` + topic + `"`
	want := strings.Join([]string{
		`acknowledged_lost_total{` + full + `} 0`,
		`burst_last_run_bytes_per_second{` + of + `probe="burst"} 512000`,
		`burst_last_run_records_per_second{` + of + `probe="burst"} 500`,
		`burst_last_run_seconds{` + of + `probe="burst"} 0.2`,
		`burst_last_run_success{` + of + `probe="burst"} 1`,
		`burst_last_run_timestamp_seconds{` + of + `probe="burst"} 1.7e+09`,
		`end_to_end_latency_seconds_bucket{` + full + `,le="+Inf"} 0`,
		`end_to_end_latency_seconds_sum{` + full + `} 0`,
		`end_to_end_latency_seconds_count{` + full + `} 0`,
		`oldest_outstanding_seconds{` + full + `} 0`,
		`records_corrupt_total{` + full + `} 0`,
		`records_due_total{` + full + `} 0`,
		`records_in_flight{` + full + `} 0`,
		`records_total{broker="1",kafka_cluster="prod",listener="default",outcome="delivered",probe="burst",topic="` + topic + `"} 0`,
		`records_total{broker="1",kafka_cluster="prod",listener="default",outcome="failed",probe="burst",topic="` + topic + `"} 0`,
		`records_total{broker="1",kafka_cluster="prod",listener="default",outcome="lost",probe="burst",topic="` + topic + `"} 0`,
		`records_total{broker="1",kafka_cluster="prod",listener="default",outcome="timeout",probe="burst",topic="` + topic + `"} 0`,
	}, "\n")
	text := exposition(t, r)
	if got := strings.Join(lines(text, `broker="1"`), "\n"); got != want {
		t.Errorf("a lean probe has of broker 1\n%s\nwant\n%s", got, want)
	}
	if got := lines(text, "burst_running"); len(got) != 1 || !strings.HasSuffix(got[0], " 0") {
		t.Errorf("burst_running is %q, want one series that is 0", got)
	}
	if got := lines(text, `broker="unknown"`, "records"); len(got) > 0 {
		t.Errorf("nothing was due without a leader, and there is %q", got)
	}

	// What happens is told.
	due(s)
	s.Count(&ledger.Tally{Anomalies: [ledger.NumAnomalies]uint64{ledger.Duplicate: 1}, Foreign: [ledger.NumForeign]uint64{ledger.OtherRun: 2}})
	judge(s, ledger.Result{Outcome: ledger.Expired, Latency: 30 * time.Second})
	s.Observe(&ledger.Batch{Samples: []ledger.Sample{{Leg: ledger.Produce, Value: time.Second}, {Leg: ledger.ScheduleLag, Value: time.Second}}})
	state.Bursts.Heavy = true
	text = exposition(t, r)
	for _, want := range [][]string{
		{`outcome="expired"`, "} 1"}, {"records_duplicate_total", "} 1"}, {`reason="other_run"`, "} 2"},
		{"schedule_lag_seconds_count", "} 1"}, {"burst_running", "} 1"},
	} {
		if len(lines(text, want...)) != 1 {
			t.Errorf("no series with %q", want)
		}
	}
}
