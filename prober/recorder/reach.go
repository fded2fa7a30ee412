package recorder

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/reach"
)

// ReachSink holds the series of one probe that makes connections. A reload goes on with the same one. It
// is safe for concurrent use.
type ReachSink struct {
	labels []string // values of byProbe
	phases *prometheus.HistogramVec

	mu      sync.Mutex
	brokers map[int32]*reachBroker
}

var _ reach.Sink = (*ReachSink)(nil)

// reachBroker is what is known of the way to one broker.
type reachBroker struct {
	labels   []string // values of byReached
	ok       uint64
	failed   uint64
	failures map[phaseReason]uint64
	last     reach.Attempt
}

type phaseReason struct {
	phase  reach.Phase
	reason string
}

// Reach returns the sink for p, which sends no records: of p only its identity
// counts. For a probe that is there already (a reload) it is the same sink.
func (r *Recorder) Reach(p Probe) *ReachSink {
	id := identity{p.Cluster, p.Listener, p.Name}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id, r.reached[id])
	s := r.reached[id]
	if s == nil {
		s = &ReachSink{
			labels:  []string{p.Cluster, p.Listener, p.Name},
			phases:  prometheus.V2.NewHistogramVec(r.phases),
			brokers: map[int32]*reachBroker{},
		}
		r.reached[id] = s
	}
	return s
}

// Attempt implements reach.Sink.
func (s *ReachSink) Attempt(a *reach.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.broker(a.Broker)
	for i, taken := range a.Taken {
		if taken {
			s.phases.WithLabelValues(with(b.labels, reach.Phase(i).String())...).Observe(seconds(a.Took[i]))
		}
	}
	previous := b.last
	b.last = *a
	if a.OK() {
		b.ok++
		return
	}
	b.failed++
	key := phaseReason{a.Failed, a.Reason}
	if _, seen := b.failures[key]; !seen && len(b.failures) >= maxReasons {
		key.reason = otherReason
	}
	b.failures[key]++
	if b.last.CertificateEnds.IsZero() { // it did not get that far: what was seen last still holds
		b.last.CertificateEnds, b.last.TLSVersion, b.last.Mechanism = previous.CertificateEnds, previous.TLSVersion, previous.Mechanism
	}
}

// Brokers implements reach.Sink.
func (s *ReachSink) Brokers(ids []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, b := range s.brokers {
		if slices.Contains(ids, id) {
			continue
		}
		for i := range reach.NumPhases {
			s.phases.DeleteLabelValues(with(b.labels, reach.Phase(i).String())...)
		}
		delete(s.brokers, id)
	}
	for _, id := range ids {
		s.broker(id)
	}
}

// broker returns what is known of a broker. s.mu is held.
func (s *ReachSink) broker(id int32) *reachBroker {
	b := s.brokers[id]
	if b == nil {
		b = &reachBroker{labels: with(s.labels, ledger.BrokerLabel(id)), failures: map[phaseReason]uint64{}}
		s.brokers[id] = b
	}
	return b
}

// collect sends all series of the probe.
func (s *ReachSink) collect(e emitter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phases.Collect(e)
	for _, id := range slices.Sorted(maps.Keys(s.brokers)) {
		s.brokers[id].collect(e)
	}
}

func (b *reachBroker) collect(e emitter) {
	e.count(connectAttempts, b.ok, with(b.labels, "ok")...)
	e.count(connectAttempts, b.failed, with(b.labels, "failed")...)
	for _, key := range slices.SortedFunc(maps.Keys(b.failures), func(x, y phaseReason) int {
		return cmp.Or(cmp.Compare(x.phase, y.phase), cmp.Compare(x.reason, y.reason))
	}) {
		e.count(connectFailures, b.failures[key], with(b.labels, key.phase.String(), key.reason)...)
	}
	if b.ok+b.failed == 0 {
		return // nothing is known yet
	}
	e.flag(connectSuccess, b.last.OK(), b.labels...)
	if !b.last.CertificateEnds.IsZero() {
		e.send(connectCertificate, float64(b.last.CertificateEnds.Unix()), b.labels...)
	}
	if b.last.TLSVersion != "" || b.last.Mechanism != "" {
		e.send(connectSecurity, 1, with(b.labels, b.last.TLSVersion, b.last.Mechanism)...)
	}
}
