package recorder_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// A record that is not delivered is observed at exactly the timeout. A timeout on a bound must count
// in that bound's bucket and in none below.
func TestTimeoutStaysOnItsBound(t *testing.T) {
	bounds := []string{"500us", "1ms", "2ms", "3ms", "5ms", "7500us", "10ms", "15ms", "20ms", "30ms", "50ms", "75ms",
		"100ms", "200ms", "500ms", "1s", "2s", "5s", "10s", "30s", "60s"}
	for i, text := range bounds {
		timeout, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		r := recorder.New(recorder.Options{})
		s := r.Probe(steady("prod", "steady")).Series(topic, 1)
		due(s)
		judge(s, ledger.Result{Outcome: ledger.Timeout, Latency: timeout, Reason: "REQUEST_TIMED_OUT"})
		buckets := histogram(t, r, "end_to_end_latency_seconds").GetBucket()
		if len(buckets) != len(bounds) {
			t.Fatalf("%d classic buckets, want %d", len(buckets), len(bounds))
		}
		for j, b := range buckets {
			want := uint64(0)
			if j >= i {
				want = 1
			}
			if b.GetCumulativeCount() != want {
				t.Errorf("timeout %s: bucket le=%v has %d, want %d", text, b.GetUpperBound(), b.GetCumulativeCount(), want)
			}
		}
	}
}

func TestTwoSeconds(t *testing.T) {
	r := recorder.New(recorder.Options{})
	s := r.Probe(steady("prod", "steady")).Series(topic, 1)
	due(s)
	judge(s, ledger.Result{Outcome: ledger.Lost, Latency: 2 * time.Second})
	text := exposition(t, r)
	for le, want := range map[string]string{"1": "0", "2": "1"} {
		got := lines(text, "end_to_end_latency_seconds_bucket", `le="`+le+`"`)
		if len(got) != 1 || !strings.HasSuffix(got[0], "} "+want) {
			t.Errorf("le=%s: %q, want the value %s", le, got, want)
		}
	}
}

func TestClassicAndNative(t *testing.T) {
	names := []string{"end_to_end_latency_seconds", "produce_latency_seconds", "schedule_lag_seconds", "client_queue_seconds", "ack_read_gap_seconds"}
	tests := map[string][]int{ // classic buckets by name, in that order
		recorder.ClassicAll:  {21, 21, 21, 21, 21},
		recorder.ClassicMain: {21, 21, 0, 0, 0},
		recorder.ClassicNone: {0, 0, 0, 0, 0},
	}
	for classic, want := range tests {
		r := life(classic)
		for i, name := range names {
			h := histogram(t, r, name)
			got := len(h.GetBucket())
			if got == 1 && math.IsInf(h.GetBucket()[0].GetUpperBound(), 1) {
				got = 0 // only there to hold an exemplar
			}
			if got != want[i] {
				t.Errorf("classic %s: %s has %d classic buckets, want %d", classic, name, got, want[i])
			}
			if h.GetSchema() != 4 || h.GetZeroThreshold() != 1e-6 {
				t.Errorf("classic %s: %s has schema %d and zero threshold %v, want 4 and 1e-06", classic, name, h.GetSchema(), h.GetZeroThreshold())
			}
		}
	}
}

func TestExemplarOncePerSecond(t *testing.T) {
	r := recorder.New(recorder.Options{})
	s := r.Probe(steady("prod", "steady")).Series(topic, 1)
	// Of the first batch the slowest; the second batch comes within the same second.
	judge(s, ledger.Result{Latency: time.Millisecond, Partition: 4, Offset: 7},
		ledger.Result{Latency: 4 * time.Millisecond, Partition: 4, Offset: 8})
	judge(s, ledger.Result{Latency: 9 * time.Millisecond, Partition: 4, Offset: 9})
	var found []string
	for _, b := range histogram(t, r, "end_to_end_latency_seconds").GetBucket() {
		if e := b.GetExemplar(); e != nil {
			labels := map[string]string{}
			for _, l := range e.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			found = append(found, fmt.Sprint(e.GetValue(), labels))
		}
	}
	wantLines(t, found, "0.004 map[offset:8 partition:4]")
}

// histogram returns the first histogram of that name.
func histogram(t *testing.T, r *recorder.Recorder, name string) *dto.Histogram {
	t.Helper()
	for _, family := range gather(t, r) {
		if family.GetName() == "kafka_prober_"+name {
			return family.GetMetric()[0].GetHistogram()
		}
	}
	t.Fatalf("no series %s", name)
	return nil
}
