package recorder

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// emitter sends metrics of the table's rows to a scrape.
type emitter chan<- prometheus.Metric

// send sends one value. A label value that is not UTF-8 makes this one metric invalid, not the scrape.
func (e emitter) send(id seriesID, value float64, labels ...string) {
	kind := prometheus.GaugeValue
	if table[id].Type == counter {
		kind = prometheus.CounterValue
	}
	metric, err := prometheus.NewConstMetric(descs[id], kind, value, labels...)
	if err != nil {
		metric = prometheus.NewInvalidMetric(descs[id], err)
	}
	e <- metric
}

func (e emitter) count(id seriesID, value uint64, labels ...string) {
	e.send(id, float64(value), labels...)
}

func (e emitter) flag(id seriesID, on bool, labels ...string) {
	value := 0.0
	if on {
		value = 1
	}
	e.send(id, value, labels...)
}

// collect sends all series of the probe.
func (p *probe) collect(e emitter) {
	v := p.view()
	v.collectSettings(e)
	for _, t := range v.topics {
		t.collect(e, &v.settings)
	}
	e.count(clockSteps, v.clockSteps, v.labels...)
	if v.running {
		v.collectState(e)
	}
}

// collectSettings sends what the configuration says.
func (v *view) collectSettings(e emitter) {
	e.send(interval, seconds(v.state.Interval), v.labels...)
	e.send(timeout, seconds(v.settings.Timeout), v.labels...)
	e.send(recordSize, float64(v.settings.RecordSize), v.labels...)
	if v.settings.Objective > 0 {
		e.send(sloObjective, v.settings.Objective, with(v.labels, "availability")...)
		if v.settings.SLOLatency > 0 {
			e.send(sloObjective, v.settings.Objective, with(v.labels, "latency")...)
		}
	}
	for _, t := range v.settings.Thresholds {
		e.send(threshold, seconds(t.Value), with(v.labels, v.state.Topic, t.Signal, t.Severity)...)
	}
}

// collect sends the series of one topic: by broker, and what is summed over them.
func (t topicView) collect(e emitter, settings *Probe) {
	var sum ledger.Tally
	for _, s := range t.brokers {
		c := s.copy()
		if settings.Lean && s.broker == ledger.UnknownBroker && c.tally.Due == 0 {
			continue
		}
		sum.Add(&c.tally)
		c.collect(e, s.labels, settings)
	}
	for i, n := range sum.Skips {
		if !settings.Lean || n > 0 {
			e.count(recordsSkipped, n, with(t.labels, ledger.Skip(i).String())...)
		}
	}
	for i, n := range sum.Foreign {
		if !settings.Lean || n > 0 {
			e.count(recordsForeign, n, with(t.labels, ledger.Foreign(i).String())...)
		}
	}
	for _, vec := range t.vecs {
		if vec != nil {
			vec.Collect(e)
		}
	}
}

// copy returns the counters, all of the same moment.
func (s *series) copy() counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := counters{tally: s.counts, slow: s.slow, failures: make(map[string]uint64, len(s.failures))}
	for reason, n := range s.failures {
		c.failures[reason] = n
	}
	return c
}

// collect sends the counters of one broker.
func (c *counters) collect(e emitter, labels []string, settings *Probe) {
	e.count(recordsDue, c.tally.Due, labels...)
	e.send(recordsInFlight, float64(c.tally.InFlight), labels...)
	for i, n := range c.tally.Outcomes {
		if !settings.Lean || n > 0 || leanOutcomes[i] {
			e.count(records, n, with(labels, ledger.Outcome(i).String())...)
		}
	}
	for i, n := range c.tally.Anomalies {
		if !settings.Lean || n > 0 || leanAnomalies[i] {
			e.count(anomalySeries[i], n, labels...)
		}
	}
	for reason, n := range c.failures {
		e.count(failures, n, with(labels, reason)...)
	}
	if settings.Lean && settings.Objective == 0 {
		return
	}
	available := c.availability()
	e.count(sloEvents, available.events, with(labels, "availability")...)
	e.count(sloBadEvents, available.bad, with(labels, "availability")...)
	if settings.SLOLatency > 0 {
		e.count(sloEvents, c.slow.events, with(labels, "latency")...)
		e.count(sloBadEvents, c.slow.bad, with(labels, "latency")...)
	}
}

// availability returns the events of the availability objective. Expired, topic_recreated and skipped
// are in neither: nobody's client would have got those records, for a reason that is no outage.
func (c *counters) availability() sloCounts {
	n := &c.tally.Outcomes
	bad := n[ledger.Failed] + n[ledger.Timeout] + n[ledger.Lost]
	return sloCounts{events: n[ledger.Delivered] + bad, bad: bad}
}

// collectState sends what holds only now. What the engine names twice is sent once: two metrics with
// the same labels would be an error of the scrape.
func (v *view) collectState(e emitter) {
	e.flag(selfOverloaded, v.state.Overloaded, v.labels...)
	for i, b := range v.state.Brokers {
		if slices.ContainsFunc(v.state.Brokers[:i], func(o ledger.BrokerState) bool { return o.Broker == b.Broker }) {
			continue
		}
		if v.settings.Lean && b.Broker == ledger.UnknownBroker && b.Outstanding == 0 {
			continue
		}
		labels := with(v.labels, v.state.Topic, ledger.BrokerLabel(b.Broker))
		e.send(oldestOutstanding, seconds(b.Oldest), labels...)
		if b.Known && !v.settings.Lean {
			e.flag(brokerCovered, b.Covered, labels...)
		}
		if c := b.ClockAhead; c != nil && !v.settings.Lean {
			e.send(brokerClock, seconds(c.Lower), with(labels, "lower")...)
			e.send(brokerClock, seconds(c.Upper), with(labels, "upper")...)
		}
	}
	if v.state.Bursts != nil {
		v.collectBursts(e)
	}
	for i, l := range v.state.Loops {
		if slices.ContainsFunc(v.state.Loops[:i], func(o ledger.Loop) bool { return o.Name == l.Name }) {
			continue
		}
		e.send(loopProgress, float64(l.Progress.UnixNano())/1e9, with(v.labels, l.Name)...)
	}
	for i, r := range v.state.Refusals {
		if !slices.Contains(v.state.Refusals[:i], r) {
			e.flag(topicRefused, true, with(v.labels, r.Action, r.Reason)...)
		}
	}
}

// collectBursts sends how the last bursts went.
func (v *view) collectBursts(e emitter) {
	e.flag(burstRunning, v.state.Bursts.Heavy, v.labels...)
	for _, b := range v.state.Bursts.Last {
		labels := with(v.labels, ledger.BrokerLabel(b.Broker))
		if b.Took > 0 {
			e.send(burstRecords, float64(b.Delivered)/seconds(b.Took), labels...)
			e.send(burstBytes, float64(b.Bytes)/seconds(b.Took), labels...)
		}
		e.send(burstSeconds, seconds(b.Took), labels...)
		e.flag(burstSuccess, b.Success, labels...)
		e.send(burstEnded, float64(b.Ended.UnixNano())/1e9, labels...)
	}
}
