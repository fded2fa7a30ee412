package recorder

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// maxReasons bounds the values of the label reason of one series of failures. Kafka's error names and
// the client's are a closed set and a broker shows a few of them; a text that slipped in must not grow.
const maxReasons = 40

// otherReason is the reason of whatever comes after the first maxReasons.
const otherReason = "OTHER"

// exemplarInterval is how often a series may have an exemplar. One costs as much as 15 observations.
const exemplarInterval = time.Second

// series implements ledger.Series for one broker of a topic.
type series struct {
	probe    *probe
	broker   int32
	labels   []string // values of byBroker
	endToEnd prometheus.ExemplarObserver
	observe  prometheus.Observer                 // endToEnd without exemplar
	legs     [ledger.NumLegs]prometheus.Observer // nil for those that a lean probe does without

	mu           sync.Mutex
	counts       ledger.Tally
	slow         sloCounts
	failures     map[string]uint64
	recent       recent
	lastExemplar time.Time

	lastDelivered time.Time
}

var _ ledger.Series = (*series)(nil)

// sloCounts are the events of the latency objective. Those of availability follow from the tally.
type sloCounts struct{ events, bad uint64 }

// counters is a copy of a series' counters of one moment.
type counters struct {
	tally    ledger.Tally
	slow     sloCounts
	failures map[string]uint64
}

func newSeries(p *probe, t *topic, broker int32) *series {
	s := &series{
		probe:    p,
		broker:   broker,
		labels:   with(t.labels, ledger.BrokerLabel(broker)),
		failures: map[string]uint64{},
	}
	s.observe = t.vecs[endToEnd].WithLabelValues(s.labels...)
	s.endToEnd = s.observe.(prometheus.ExemplarObserver) // client_golang's histograms are
	s.legs = [ledger.NumLegs]prometheus.Observer{
		ledger.ScheduleLag: t.lag,
		ledger.ClientQueue: t.queue,
		ledger.Produce:     t.vecs.observer(produce, s.labels),
		ledger.AckFirst:    t.vecs.observer(ackReadGap, with(s.labels, "ack_first")),
		ledger.ReadFirst:   t.vecs.observer(ackReadGap, with(s.labels, "read_first")),
	}
	return s
}

// Count implements ledger.Series.
func (s *series) Count(t *ledger.Tally) {
	s.mu.Lock()
	s.counts.Add(t)
	s.mu.Unlock()
}

// Observe implements ledger.Series. It allocates only for an exemplar and for a reason not seen before.
func (s *series) Observe(b *ledger.Batch) {
	if len(b.Results) > 0 {
		exemplar := s.account(b.Results)
		for i := range b.Results {
			if r := &b.Results[i]; i == exemplar {
				s.endToEnd.ObserveWithExemplar(seconds(r.Latency), exemplarLabels(r))
			} else {
				s.observe.Observe(seconds(r.Latency))
			}
		}
	}
	for i := range b.Samples {
		if leg := s.legs[b.Samples[i].Leg]; leg != nil {
			leg.Observe(seconds(b.Samples[i].Value))
		}
	}
}

// account adds results to what is counted by result, and returns the index of the one to be observed
// with an exemplar, or -1.
func (s *series) account(results []ledger.Result) int {
	limit := time.Duration(s.probe.sloLatency.Load())
	now := time.Now()
	slowest := 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent.turn(now)
	for i := range results {
		r := &results[i]
		s.recent.add(r.Latency)
		if r.Latency > results[slowest].Latency {
			slowest = i
		}
		switch r.Outcome {
		case ledger.Delivered:
			s.lastDelivered = now
			s.countSLO(limit, r.Latency > limit)
		case ledger.Failed, ledger.Timeout:
			s.countSLO(limit, true)
			s.countFailure(r.Reason)
		case ledger.Lost:
			s.countSLO(limit, true)
		}
	}
	if now.Sub(s.lastExemplar) < exemplarInterval {
		return -1
	}
	s.lastExemplar = now
	return slowest
}

func (s *series) countSLO(limit time.Duration, bad bool) {
	if limit == 0 {
		return
	}
	s.slow.events++
	if bad {
		s.slow.bad++
	}
}

func (s *series) countFailure(reason string) {
	if _, seen := s.failures[reason]; !seen && len(s.failures) >= maxReasons {
		reason = otherReason
	}
	s.failures[reason]++
}

// exemplarLabels say where in Kafka the record is: with them kcat or DumpLogSegments finds it.
func exemplarLabels(r *ledger.Result) prometheus.Labels {
	labels := prometheus.Labels{"partition": strconv.Itoa(int(r.Partition))}
	if r.Offset >= 0 {
		labels["offset"] = strconv.FormatInt(r.Offset, 10)
	}
	return labels
}
