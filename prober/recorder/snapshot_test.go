package recorder_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// ledgerState is the state of an engine that knows some brokers.
type ledgerState struct{ state ledger.State }

func (s *ledgerState) add(broker int32) {
	s.state.Brokers = append(s.state.Brokers, ledger.BrokerState{Broker: broker, Known: true, Covered: true})
}

func (s *ledgerState) get() ledger.State { return s.state }

func TestSnapshot(t *testing.T) {
	all := life(recorder.ClassicMain).Snapshot()
	if len(all) != 1 {
		t.Fatalf("%d probes, want 1", len(all))
	}
	got := all[0]
	if got.Name != "steady" || !got.Running || got.State.LastProblem != "broker 1: NOT_ENOUGH_REPLICAS" {
		t.Errorf("probe %q, running %v, problem %q", got.Name, got.Running, got.State.LastProblem)
	}
	var brokers []int32
	for _, b := range got.Brokers {
		brokers = append(brokers, b.Broker)
	}
	if want := []int32{ledger.UnknownBroker, 1, 2}; !reflect.DeepEqual(brokers, want) {
		t.Fatalf("brokers %v, want %v", brokers, want)
	}
	one := got.Brokers[1]
	if one.Counts.Due != 10 || one.Counts.InFlight != 1 || one.Counts.Outcomes[ledger.Delivered] != 3 {
		t.Errorf("broker 1: %+v", one.Counts)
	}
	if one.Recent != 9 || one.P50 != 30*time.Second || one.P95 != 30*time.Second || one.State.Oldest != 1250*time.Millisecond {
		t.Errorf("broker 1: %d recent, p50 %v, p95 %v, oldest %v", one.Recent, one.P50, one.P95, one.State.Oldest)
	}
	if two := got.Brokers[2]; two.Topic != topic || two.State.Covered || !two.State.Known {
		t.Errorf("broker 2, which has no records: %+v", two)
	}
}

func TestSnapshotOrderAndNoEngine(t *testing.T) {
	r := recorder.New(recorder.Options{})
	for _, id := range [][2]string{{"b", "x"}, {"a", "y"}, {"a", "x"}} {
		r.Probe(steady(id[0], id[1]))
	}
	var got [][2]string
	for _, p := range r.Snapshot() {
		got = append(got, [2]string{p.Cluster, p.Name})
		if p.Running || p.State.Interval != 100*time.Millisecond || p.State.Topic != topic || len(p.Brokers) != 0 {
			t.Errorf("probe without engine: %+v", p)
		}
	}
	if want := [][2]string{{"a", "x"}, {"a", "y"}, {"b", "x"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("probes %v, want %v", got, want)
	}
}

// The quantiles are of the last minutes: what was slow an hour ago must not stay on the page.
func TestRecentQuantiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder.New(recorder.Options{})
		s := r.Probe(steady("prod", "steady")).Series(topic, 1)
		observe := func(n int, d time.Duration) {
			for range n {
				s.Observe(&ledger.Batch{Results: []ledger.Result{{Latency: d}}})
			}
		}
		check := func(when string, count uint64, p50, p95 time.Duration) {
			t.Helper()
			b := r.Snapshot()[0].Brokers[0]
			if b.Recent != count || !near(b.P50, p50) || !near(b.P95, p95) {
				t.Errorf("%s: %d records, p50 %v, p95 %v; want %d, %v, %v", when, b.Recent, b.P50, b.P95, count, p50, p95)
			}
		}
		check("at start", 0, 0, 0)
		observe(90, 3*time.Millisecond)
		observe(10, 700*time.Millisecond)
		check("first window", 100, 3*time.Millisecond, 700*time.Millisecond)
		time.Sleep(2 * time.Minute)
		observe(100, 8*time.Millisecond)
		check("second window", 200, 8*time.Millisecond, 8*time.Millisecond)
		time.Sleep(2 * time.Minute)
		check("first window gone", 100, 8*time.Millisecond, 8*time.Millisecond)
		observe(10, time.Second)
		time.Sleep(time.Hour)
		check("an hour later", 0, 0, 0)
	})
}

// near allows the width of a bucket.
func near(got, want time.Duration) bool { return (got - want).Abs() <= want/32 }
