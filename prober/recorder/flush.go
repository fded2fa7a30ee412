package recorder

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// FlushSink holds the series of one probe of appends and flushes. A reload goes on with the same one. It is
// safe for concurrent use.
type FlushSink struct {
	labels  []string                 // values of byProbe
	plain   *prometheus.HistogramVec // log_append_seconds
	flushed *prometheus.HistogramVec // log_append_flushed_seconds
	flush   *prometheus.HistogramVec // log_flush_seconds

	mu       sync.Mutex
	settings Probe
	brokers  map[int32]*flushBroker
	state    flush.State
}

var _ flush.Sink = (*FlushSink)(nil)

// flushBroker is what is known of the appends of one broker.
type flushBroker struct {
	labels   []string // values of byReached
	logDir   string   // of the estimate's series; empty if there is none yet
	failures map[topicReason]uint64
}

type topicReason struct{ topic, reason string }

// Flush returns the sink for p, whose records are not read back. For a probe that is there already (a
// reload) it is the same sink, under the new settings.
func (r *Recorder) Flush(p Probe) *FlushSink {
	id := identity{p.Cluster, p.Listener, p.Name}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id, r.flushes[id])
	s := r.flushes[id]
	if s == nil {
		s = &FlushSink{
			labels:  []string{p.Cluster, p.Listener, p.Name},
			plain:   prometheus.V2.NewHistogramVec(r.appends[0]),
			flushed: prometheus.V2.NewHistogramVec(r.appends[1]),
			flush:   prometheus.V2.NewHistogramVec(r.appends[2]),
			brokers: map[int32]*flushBroker{},
			state:   flush.State{Believed: -1},
		}
		r.flushes[id] = s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = p
	return s
}

// Pair implements flush.Sink.
func (s *FlushSink) Pair(p *flush.Pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.broker(p.Broker)
	b.take(&p.Plain, s.plain)
	if p.Flushed == nil {
		return
	}
	b.take(p.Flushed, s.flushed)
	if !p.Known {
		return
	}
	if b.logDir != p.LogDir {
		b.leaveLogDir(s.flush)
		b.logDir = p.LogDir
	}
	s.flush.WithLabelValues(with(b.labels, p.LogDir)...).Observe(seconds(p.Flush))
}

// take counts one record.
func (b *flushBroker) take(a *flush.Append, into *prometheus.HistogramVec) {
	if a.Took > 0 {
		into.WithLabelValues(b.labels...).Observe(seconds(a.Took))
	}
	if a.Reason == "" {
		return
	}
	key := topicReason{a.Topic, a.Reason}
	if _, seen := b.failures[key]; !seen && len(b.failures) >= maxReasons {
		key.reason = otherReason
	}
	b.failures[key]++
}

func (b *flushBroker) leaveLogDir(vec *prometheus.HistogramVec) {
	if b.logDir != "" {
		vec.DeleteLabelValues(with(b.labels, b.logDir)...)
		b.logDir = ""
	}
}

// State implements flush.Sink. What is not believed (any more) has no series.
func (s *FlushSink) State(state flush.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
	for id, b := range s.brokers {
		gone := !slices.Contains(state.Brokers, id)
		if gone || state.Believed != 1 {
			b.leaveLogDir(s.flush)
			s.flushed.DeleteLabelValues(b.labels...)
		}
		if gone {
			s.plain.DeleteLabelValues(b.labels...)
			delete(s.brokers, id)
		}
	}
	for _, id := range state.Brokers {
		b := s.broker(id)
		s.plain.WithLabelValues(b.labels...)
		if state.Believed == 1 {
			s.flushed.WithLabelValues(b.labels...)
		}
	}
}

// broker returns what is known of a broker. s.mu is held.
func (s *FlushSink) broker(id int32) *flushBroker {
	b := s.brokers[id]
	if b == nil {
		b = &flushBroker{labels: with(s.labels, ledger.BrokerLabel(id)), failures: map[topicReason]uint64{}}
		s.brokers[id] = b
	}
	return b
}

// collect sends all series of the probe.
func (s *FlushSink) collect(e emitter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.send(interval, seconds(s.settings.Interval), s.labels...)
	e.send(timeout, seconds(s.settings.Timeout), s.labels...)
	s.plain.Collect(e)
	s.flushed.Collect(e)
	s.flush.Collect(e)
	for _, id := range slices.Sorted(maps.Keys(s.brokers)) {
		b := s.brokers[id]
		for _, key := range slices.SortedFunc(maps.Keys(b.failures), func(x, y topicReason) int {
			return cmp.Or(cmp.Compare(x.topic, y.topic), cmp.Compare(x.reason, y.reason))
		}) {
			e.count(appendFailures, b.failures[key], with(b.labels, key.topic, key.reason)...)
		}
	}
	for _, t := range s.state.Thresholds {
		e.send(flushThreshold, seconds(t.Value), with(s.labels, ledger.BrokerLabel(t.Broker), t.Topic, t.Severity)...)
	}
	for i, r := range s.state.Refusals {
		if !slices.Contains(s.state.Refusals[:i], r) {
			e.flag(topicRefused, true, with(s.labels, r.Action, r.Reason)...)
		}
	}
}
