package recorder_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestStateGaugesExistOnlyWhileKnown(t *testing.T) {
	r := recorder.New(recorder.Options{})
	sink := r.Probe(steady("prod", "steady"))
	state := ledger.State{Brokers: []ledger.BrokerState{{Broker: 1, Known: true}}, ClockSteps: 2, Interval: time.Second}
	gauges := func() []string {
		text := exposition(t, r)
		return slices.Concat(lines(text, "broker_covered{"), lines(text, "self_overloaded{"),
			lines(text, "wall_clock_steps_total{"), lines(text, "probe_interval_seconds{"))
	}
	const probe = `{kafka_cluster="prod",listener="default",probe="steady"}`
	covered := func(broker, value string) string {
		return `broker_covered{broker="` + broker + `",kafka_cluster="prod",listener="default",probe="steady",topic="` + topic + `"} ` + value
	}

	wantLines(t, gauges(), `wall_clock_steps_total`+probe+` 0`, `probe_interval_seconds`+probe+` 0.1`)
	sink.Watch(func() ledger.State { return state })
	wantLines(t, gauges(), covered("1", "0"), `self_overloaded`+probe+` 0`, `wall_clock_steps_total`+probe+` 2`, `probe_interval_seconds`+probe+` 1`)
	state.Brokers = []ledger.BrokerState{{Broker: 2, Known: true, Covered: true}, {Broker: 3, Oldest: time.Second}}
	wantLines(t, gauges(), covered("2", "1"), `self_overloaded`+probe+` 0`, `wall_clock_steps_total`+probe+` 2`, `probe_interval_seconds`+probe+` 1`)
	sink.Watch(nil)
	wantLines(t, gauges(), `wall_clock_steps_total`+probe+` 2`, `probe_interval_seconds`+probe+` 0.1`)
}

func TestReloadGoesOn(t *testing.T) {
	r := recorder.New(recorder.Options{})
	before := r.Probe(steady("prod", "steady"))
	before.Watch(func() ledger.State { return ledger.State{Interval: time.Second, ClockSteps: 2} })
	exposition(t, r)
	s := before.Series(topic, 1)
	due(s)
	judge(s, ledger.Result{Outcome: ledger.Delivered, Latency: 300 * time.Millisecond})

	changed := steady("prod", "steady")
	changed.SLOLatency, changed.Objective = time.Second, 0.99
	changed.Thresholds = changed.Thresholds[:1]
	changed.Thresholds[0].Value = 150 * time.Millisecond
	after := r.Probe(changed)
	after.Watch(func() ledger.State { return ledger.State{Interval: 2 * time.Second, ClockSteps: 1} })
	wantLines(t, lines(exposition(t, r), "wall_clock_steps_total{"), `wall_clock_steps_total{kafka_cluster="prod",listener="default",probe="steady"} 3`)
	before.Watch(nil) // the old engine ends after the new one has begun
	if after.Series(topic, 1) != s {
		t.Error("another series for the same topic and broker after a reload")
	}
	due(s)
	judge(s, ledger.Result{Outcome: ledger.Delivered, Latency: 300 * time.Millisecond})

	text := exposition(t, r)
	const labels = `kafka_cluster="prod",listener="default",probe="steady"`
	const broker = `{broker="1",` + labels + `,`
	wantLines(t, lines(text, "threshold_seconds{"), `threshold_seconds{`+labels+`,severity="warning",signal="end_to_end",topic="`+topic+`"} 0.15`)
	wantLines(t, lines(text, "slo_objective_ratio{"),
		`slo_objective_ratio{`+labels+`,slo="availability"} 0.99`, `slo_objective_ratio{`+labels+`,slo="latency"} 0.99`)
	wantLines(t, lines(text, "slo_", "events_total{", `"latency"`),
		`slo_bad_events_total`+broker+`slo="latency",topic="`+topic+`"} 1`, `slo_events_total`+broker+`slo="latency",topic="`+topic+`"} 2`)
	wantLines(t, lines(text, "probe_interval_seconds{"), `probe_interval_seconds{`+labels+`} 2`)
	wantLines(t, lines(text, "end_to_end_latency_seconds_count{"), `end_to_end_latency_seconds_count`+broker+`topic="`+topic+`"} 2`)
}

func TestNoObjective(t *testing.T) {
	r := recorder.New(recorder.Options{})
	p := steady("prod", "steady")
	p.Objective, p.SLOLatency, p.Thresholds = 0, 0, nil
	r.Probe(p).Series(topic, 1)
	text := exposition(t, r)
	for _, part := range []string{"slo_objective_ratio", `slo="latency"`, "threshold_seconds"} {
		if got := lines(text, part); len(got) > 0 {
			t.Errorf("without objective: %q", got)
		}
	}
	if got := lines(text, `slo="availability"`); len(got) != 2 {
		t.Errorf("availability events: %q, want events and bad events", got)
	}
}

func TestLeftTopicAndRemovedProbeEnd(t *testing.T) {
	r := recorder.New(recorder.Options{})
	sink := r.Probe(steady("prod", "steady"))
	s := sink.Series(topic, 1)
	r.Probe(steady("prod", "flush")).Series(topic, 1)

	moved := steady("prod", "steady")
	moved.Topic = "another-topic"
	r.Probe(moved)
	due(s) // the old engine, which still holds its series
	text := exposition(t, r)
	if got := lines(text, `probe="steady"`, `topic="`+topic+`"`); len(got) > 0 {
		t.Errorf("series of a topic that the probe has left: %q", got)
	}
	if got := lines(text, `probe="steady"`, `topic="another-topic"`, "schedule_lag_seconds_count"); len(got) != 1 {
		t.Errorf("series of the new topic: %q", got)
	}

	r.Remove("prod", "default", "steady")
	r.Remove("prod", "default", "never there")
	sink.Series(topic, 2).Observe(&ledger.Batch{Results: []ledger.Result{{Latency: time.Second}}})
	text = exposition(t, r)
	if got := lines(text, `probe="steady"`); len(got) > 0 {
		t.Errorf("series of a removed probe: %q", got)
	}
	if got := lines(text, `probe="flush"`, "records_due_total"); len(got) != 1 {
		t.Errorf("series of the other probe: %q", got)
	}
}

// A reason that is not from the closed set must not grow the exposition without end.
func TestReasonsAreBounded(t *testing.T) {
	r := recorder.New(recorder.Options{})
	s := r.Probe(steady("prod", "steady")).Series(topic, 1)
	for i := range 100 {
		due(s)
		judge(s, ledger.Result{Outcome: ledger.Timeout, Latency: time.Second, Reason: fmt.Sprintf("dial tcp: attempt %d", i)})
	}
	found := values(gather(t, r), "failures_total")
	sum := 0.0
	for _, n := range found {
		sum += n
	}
	if len(found) != 41 || sum != 100 {
		t.Errorf("%d reasons with %v failures in all, want 41 (the last one OTHER) with 100", len(found), sum)
	}
}

func TestNewRefusesUnknownClassic(t *testing.T) {
	defer func() {
		if got, want := recover(), `recorder: classic histograms "some": want all, main or none`; got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	recorder.New(recorder.Options{Classic: "some"})
}
