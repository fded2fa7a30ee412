//go:build faults

package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// recording is a chronicle whose records also go to a recorder, as the daemon's do.
type recording struct {
	chronicle
	sink *recorder.Sink
}

var _ ledger.Sink = (*recording)(nil)

// Series implements ledger.Sink.
func (r *recording) Series(topic string, broker int32) ledger.Series {
	return paired{r.chronicle.Series(topic, broker), r.sink.Series(topic, broker)}
}

// paired is two series in one.
type paired struct{ first, second ledger.Series }

// Count implements ledger.Series.
func (d paired) Count(t *ledger.Tally) {
	d.first.Count(t)
	d.second.Count(t)
}

// Observe implements ledger.Series.
func (d paired) Observe(b *ledger.Batch) {
	d.first.Observe(b)
	d.second.Observe(b)
}

// buckets returns the cumulative counts of a broker's end-to-end histogram by bound, and the number of all.
func buckets(t *testing.T, registry *prometheus.Registry, broker string) (atMost map[float64]uint64, all uint64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	atMost = map[float64]uint64{}
	for _, f := range families {
		if f.GetName() != "kafka_prober_end_to_end_latency_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() != "broker" || l.GetValue() != broker {
					continue
				}
				all += m.GetHistogram().GetSampleCount()
				for _, b := range m.GetHistogram().GetBucket() {
					atMost[b.GetUpperBound()] += b.GetCumulativeCount()
				}
			}
		}
	}
	return atMost, all
}

// TestFreezeBeyondTimeout freezes a broker for longer than the records' timeout. Each that meets its deadline is
// a timeout at exactly two seconds, and none before; so the 95th percentile of the outage is the timeout, the
// excess is r tau (T - tau/2), and what arrives in the end counts as late.
func TestFreezeBeyondTimeout(t *testing.T) {
	c := kafkatest.Shared(t)
	const timeout = 2 * time.Second
	for _, form := range []struct {
		name string
		acks Acks
	}{{"acks-all", AcksAll}, {"acks-leader", AcksLeader}} {
		t.Run(form.name, func(t *testing.T) {
			s := place(t, c, "freeze-beyond-"+form.name, everywhere(), nil)
			rec := recorder.New(recorder.Options{})
			registry := prometheus.NewRegistry()
			registry.MustRegister(rec)
			book := &recording{sink: rec.Probe(recorder.Probe{Cluster: "test", Listener: "default", Name: "steady", Timeout: timeout})}
			cfg := siteConfig(c, s, book, nil)
			cfg.Acks, cfg.Timeout = form.acks, timeout
			stop := begin(t, s, cfg, &book.chronicle)
			before := book.total()
			if n := before.Outcomes[ledger.Timeout]; n > 0 {
				t.Fatalf("%d timeouts before the fault", n)
			}
			f := freezeBroker(t, c.Broker(int(frozenBroker)), &book.chronicle)[0]
			awaitCalm(t, 20*time.Second, &book.chronicle)
			hold(t, time.Second, &book.chronicle) // for what is late
			stop()
			checkInvariant(t, book.total())

			const partition = 1 // led by the frozen broker
			rate, tau := 1/cfg.Interval.Seconds(), timeout.Seconds()
			checkExcess(t, form.name, &book.chronicle, partition, f, rate*tau*(f.length().Seconds()-tau/2))
			checkTimeouts(t, book, partition, timeout)
			checkPercentile(t, book, partition, f)
			checkBuckets(t, book, registry)
			sum := book.total()
			late, timeouts := sum.Anomalies[ledger.Late], sum.Outcomes[ledger.Timeout]
			t.Logf("%d timeouts in all, %d late, lost %d, duplicates %d", timeouts, late,
				sum.Anomalies[ledger.AcknowledgedLost], sum.Anomalies[ledger.Duplicate])
			if late != timeouts || sum.Anomalies[ledger.AcknowledgedLost] != 0 || sum.Outcomes[ledger.Lost] != 0 {
				t.Errorf("%d timeouts, of which %d late; counts %+v, want all late and none lost", timeouts, late, sum)
			}
		})
	}
}

// checkTimeouts fails the test unless each timeout was judged at its own deadline: not before it, and not when
// its neighbours' was.
func checkTimeouts(t *testing.T, book *recording, partition int32, timeout time.Duration) {
	t.Helper()
	const most = 250 * time.Millisecond // after the deadline, on a busy machine
	var n int
	var latest time.Duration
	for _, j := range book.judgements(partition, 0, never) {
		if j.Outcome != ledger.Timeout {
			continue
		}
		n++
		age := j.at - j.due
		latest = max(latest, age-timeout)
		if age < timeout || age > timeout+most || j.Latency != timeout {
			t.Errorf("record %d was judged %v after it was due and observed at %v, want %v", j.Sequence, age, j.Latency, timeout)
		}
	}
	t.Logf("%d timeouts of the partition, each judged at most %v after its deadline", n, latest)
	if n == 0 {
		t.Error("no timeout, want some")
	}
}

// checkPercentile fails the test unless the outage is in the 95th percentile of what was due in it.
func checkPercentile(t *testing.T, book *recording, partition int32, f freeze) {
	t.Helper()
	var during []time.Duration
	for _, j := range book.judgements(partition, f.from, f.to) {
		during = append(during, j.Latency)
	}
	slices.Sort(during)
	p95 := during[len(during)*95/100]
	t.Logf("p95 of the %d records due in the outage: %v", len(during), p95)
	if p95 < 1900*time.Millisecond {
		t.Errorf("p95 = %v, want at least 1.9 s", p95)
	}
}

// checkBuckets compares the recorder's classic buckets with the results, record by record.
func checkBuckets(t *testing.T, book *recording, registry *prometheus.Registry) {
	t.Helper()
	atMost, all := buckets(t, registry, "2")
	var quick, timeouts, within uint64
	for _, r := range book.results(frozenBroker) {
		switch {
		case r.Outcome == ledger.Timeout:
			timeouts++
			within++
		case r.Latency <= time.Second:
			quick++
			within++
		case r.Latency <= 2*time.Second:
			within++
		}
	}
	t.Logf("broker %d: le=1 %d, le=2 %d of %d records; %d timeouts", frozenBroker, atMost[1], atMost[2], all, timeouts)
	if atMost[1] != quick || atMost[2] != within || all != within || timeouts == 0 {
		t.Errorf("le=1 %d, le=2 %d of %d; want %d without a timeout, %d and all: a timeout of 2 s is in le=2 and not below",
			atMost[1], atMost[2], all, quick, within)
	}
}

// TestFrozenFollower freezes broker 2. The partition on brokers 1 and 2 waits for it; the one on 1 and 3, with the
// same leader, does not: each has a producing client of its own.
func TestFrozenFollower(t *testing.T) {
	c := kafkatest.Shared(t)
	var book chronicle
	s := place(t, c, "frozen-follower", [][]int32{{1, 2}, {1, 3}}, map[string]string{"min.insync.replicas": "2"})
	stop := begin(t, s, siteConfig(c, s, &book, nil), &book)
	f := freezeBroker(t, c.Broker(2), &book)[0]
	awaitCalm(t, 20*time.Second, &book)
	stop()
	// What was acknowledged while broker 2 was frozen can only be the other partition's.
	const grace = 200 * time.Millisecond // what was under way when it froze, and had its answer
	during := book.legs(ledger.Produce, f.from+grace, f.to, func(int32) bool { return true })
	waited := book.judgements(0, f.from, f.to)
	free := book.judgements(1, f.from, f.to)
	var slowest time.Duration
	for _, j := range free {
		slowest = max(slowest, j.Latency)
	}
	lag := book.legs(ledger.ScheduleLag, f.from, f.to, func(int32) bool { return true })
	t.Logf("partition on 1 and 3: %d acknowledged while 2 was frozen, maximum %v, end to end maximum %v; partition on 1 and 2: first waited %v; schedule lag at most %v",
		len(during), slices.Max(during), slowest, waited[0].Latency, slices.Max(lag))
	if most := slices.Max(during); most >= 100*time.Millisecond {
		t.Errorf("produce leg of the partition that needs no frozen broker: maximum %v, want below 100 ms", most)
	}
	if want := f.length().Seconds() / book.engine.cfg.Interval.Seconds(); float64(len(during)) < 0.9*want || float64(len(during)) > 1.05*want {
		t.Errorf("%d records acknowledged while broker 2 was frozen, want about %.0f: one partition's", len(during), want)
	}
	if waited[0].Latency < f.length()-time.Second {
		t.Errorf("the partition on the frozen broker waited %v, want about %v: min ISR is 2", waited[0].Latency, f.length())
	}
	if sum := book.total(); sum.Anomalies != [ledger.NumAnomalies]uint64{} {
		t.Errorf("anomalies %v, want none", sum.Anomalies)
	}
}
