package recorder_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

func flushProbe(cluster, name string) recorder.Probe {
	return recorder.Probe{Cluster: cluster, Listener: "default", Name: name, Topic: "plain", Interval: 10 * time.Second, Timeout: 10 * time.Second}
}

// flushValues returns the lines of the series of these names without buckets and labels that are always the same.
func flushValues(t *testing.T, r *recorder.Recorder, names ...string) []string {
	t.Helper()
	clean := strings.NewReplacer(`kafka_cluster="prod",listener="default",`, "", `,probe="flush"`, "", `probe="flush",`, "", `probe="flush"`, "")
	var found []string
	for _, line := range lines(exposition(t, r)) {
		if name, _, _ := strings.Cut(line, "{"); slices.ContainsFunc(names, func(n string) bool { return name == n }) {
			found = append(found, strings.ReplaceAll(clean.Replace(line), ",}", "}"))
		}
	}
	return found
}

func wantInOrder(t *testing.T, when string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFlushSeries(t *testing.T) {
	r := recorder.New(recorder.Options{})
	sink := r.Flush(flushProbe("prod", "flush"))
	appends := []string{"log_append_seconds_count", "log_append_flushed_seconds_count", "log_flush_seconds_count", "log_flush_seconds_sum", "log_append_failures_total"}

	wantInOrder(t, "before anything is known", flushValues(t, r, append(appends, "probe_interval_seconds", "probe_timeout_seconds")...),
		`probe_interval_seconds{} 10`, `probe_timeout_seconds{} 10`)

	believed := flush.State{Brokers: []int32{1, 2}, Believed: 1, Thresholds: []flush.Threshold{
		{Broker: 1, Topic: flush.AnyTopic, Severity: "warning", Value: 100 * time.Millisecond},
		{Broker: 2, Topic: "raw", Severity: "critical", Value: 50 * time.Millisecond},
	}, Refusals: []flush.Refusal{{Action: "elect_leaders", Reason: "X"}, {Action: "elect_leaders", Reason: "X"}}}
	sink.State(believed)
	wantInOrder(t, "two brokers known", flushValues(t, r, append(appends, "log_flush_threshold_seconds", "topic_management_refused")...),
		`log_append_flushed_seconds_count{broker="1"} 0`, `log_append_flushed_seconds_count{broker="2"} 0`,
		`log_append_seconds_count{broker="1"} 0`, `log_append_seconds_count{broker="2"} 0`,
		`log_flush_threshold_seconds{broker="1",severity="warning",topic="*"} 0.1`,
		`log_flush_threshold_seconds{broker="2",severity="critical",topic="raw"} 0.05`,
		`topic_management_refused{action="elect_leaders",reason="X"} 1`)

	pair := flush.Pair{Broker: 1, Plain: flush.Append{Topic: "plain", Took: 2 * time.Millisecond},
		Flushed: &flush.Append{Topic: "flushed", Took: 32 * time.Millisecond}, LogDir: "/a", Flush: 30 * time.Millisecond, Known: true}
	sink.Pair(&pair)
	sink.Pair(&flush.Pair{Broker: 2, Plain: flush.Append{Topic: "plain", Took: 10 * time.Second, Reason: "NO_RESPONSE"}})
	sink.Pair(&flush.Pair{Broker: 2, Plain: flush.Append{Topic: "plain", Reason: "NOT_LEADER_OR_FOLLOWER"}})
	wantInOrder(t, "measured", flushValues(t, r, appends...),
		`log_append_failures_total{broker="2",reason="NOT_LEADER_OR_FOLLOWER",topic="plain"} 1`,
		`log_append_failures_total{broker="2",reason="NO_RESPONSE",topic="plain"} 1`,
		`log_append_flushed_seconds_count{broker="1"} 1`, `log_append_flushed_seconds_count{broker="2"} 0`,
		`log_append_seconds_count{broker="1"} 1`, `log_append_seconds_count{broker="2"} 1`,
		`log_flush_seconds_sum{broker="1",log_dir="/a"} 0.03`, `log_flush_seconds_count{broker="1",log_dir="/a"} 1`)

	pair.LogDir = "/b"
	sink.Pair(&pair)
	wantInOrder(t, "in another log dir", flushValues(t, r, "log_flush_seconds_count"), `log_flush_seconds_count{broker="1",log_dir="/b"} 1`)

	r.Flush(flushProbe("prod", "flush")) // a reload
	wantInOrder(t, "reloaded", flushValues(t, r, "log_flush_seconds_count"), `log_flush_seconds_count{broker="1",log_dir="/b"} 1`)

	sink.State(flush.State{Brokers: []int32{1}, Believed: 0})
	wantInOrder(t, "not believed any more, and a broker gone", flushValues(t, r, appends...), `log_append_seconds_count{broker="1"} 2`)

	r.Remove("prod", "default", "flush")
	wantInOrder(t, "removed", flushValues(t, r, append(appends, "probe_interval_seconds")...))
}

func TestFlushSignal(t *testing.T) {
	r := recorder.New(recorder.Options{})
	signals := func() []string { return lines(exposition(t, r.Signals()), "signal_available{") }
	one, other := r.Flush(flushProbe("prod", "flush")), r.Flush(flushProbe("prod", "another"))
	elsewhere := r.Flush(flushProbe("test", "flush"))
	wantInOrder(t, "not known yet", signals())
	one.State(flush.State{Believed: 0})
	elsewhere.State(flush.State{Believed: 0})
	wantInOrder(t, "not believed", signals(),
		`signal_available{broker="",kafka_cluster="prod",listener="default",signal="log_flush"} 0`,
		`signal_available{broker="",kafka_cluster="test",listener="default",signal="log_flush"} 0`)
	other.State(flush.State{Believed: 1})
	wantInOrder(t, "one of two believed", signals(),
		`signal_available{broker="",kafka_cluster="prod",listener="default",signal="log_flush"} 1`,
		`signal_available{broker="",kafka_cluster="test",listener="default",signal="log_flush"} 0`)
}

// TestFlushBudget counts what the flush probe costs per broker.
func TestFlushBudget(t *testing.T) {
	for classic, want := range map[string]int{recorder.ClassicNone: 9 + 2, recorder.ClassicMain: 9 + 2 + 18, recorder.ClassicAll: 9 + 2 + 18 + 2*21} {
		r := recorder.New(recorder.Options{Classic: classic})
		sink := r.Flush(flushProbe("prod", "flush"))
		count := func(brokers int32) int {
			s := flush.State{Believed: 1}
			for id := range brokers {
				s.Brokers = append(s.Brokers, id)
				s.Thresholds = append(s.Thresholds, flush.Threshold{Broker: id, Topic: flush.AnyTopic, Severity: "warning"},
					flush.Threshold{Broker: id, Topic: flush.AnyTopic, Severity: "critical"})
			}
			sink.State(s)
			for id := range brokers {
				sink.Pair(&flush.Pair{Broker: id, Flushed: new(flush.Append), LogDir: "/d", Known: true})
			}
			return len(lines(exposition(t, r)))
		}
		if got := count(3) - count(2); got != want {
			t.Errorf("classic %s: %d series per broker, want %d", classic, got, want)
		}
	}
}
