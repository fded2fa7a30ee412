package collector

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/collector/jmxpage"
)

// jmxMemory is how long a page stays good for comparing the next one with.
const jmxMemory = 10 * time.Minute

// jmxHistory is what is kept of a page to tell what has changed on the next one.
type jmxHistory struct {
	at       time.Time
	timers   map[timerKey]timerState
	idleTime float64 // seconds of one request handler, negative if the page does not say
}

// timerKey names a timer of a page.
type timerKey struct {
	metric         jmxpage.Metric
	request, phase string // "" for none
}

// timerState is what a timer has timed since its broker started.
type timerState struct {
	count float64
	sum   float64 // seconds, negative if the page does not say
}

func newJMXHistory(r jmxReading) *jmxHistory {
	h := &jmxHistory{at: r.at, timers: make(map[timerKey]timerState), idleTime: -1}
	for k, count := range r.page.All() {
		switch {
		case k.Attr != jmxpage.Count:
			continue
		case k.Metric == jmxpage.HandlerIdle:
			h.idleTime = count
		case k.Metric == jmxpage.LogFlush || k.Metric == jmxpage.RequestTime || k.Metric == jmxpage.RequestPhase:
			h.timers[timerKey{k.Metric, k.Label, k.Second}] = timerState{count, timedSum(r.page, k, count)}
		}
	}
	return h
}

// timedSum returns the seconds that a timer has timed in all, negative if the page does not say. A mean
// since the broker started says it too.
func timedSum(page *jmxpage.Page, k jmxpage.Key, count float64) float64 {
	k.Attr = jmxpage.Sum
	if sum, ok := page.Get(k); ok {
		return sum
	}
	k.Attr = jmxpage.Mean
	if mean, ok := page.Get(k); ok {
		return mean * count
	}
	return -1
}

// since returns what a timer has timed since the page before: ok is false if it has timed nothing, or
// nobody knows. A count that fell is that of a broker that has restarted.
func (h *jmxHistory) since(before *jmxHistory, key timerKey) (timed timerState, ok bool) {
	if before == nil || h.at.Sub(before.at) > jmxMemory {
		return timed, false
	}
	old, known := before.timers[key]
	timed = h.timers[key]
	if known && timed.count >= old.count {
		timed.count -= old.count
		switch {
		case timed.sum < 0:
		case old.sum < 0:
			timed.sum = -1
		default:
			timed.sum = max(timed.sum-old.sum, 0)
		}
	}
	return timed, timed.count > 0
}

// idle returns the part of the time that the request handlers were idle, over the last minute, or else
// since the page before. A mean since the broker started, which other dashboards show, would hide an hour
// of overload in a month of idleness.
func (h *jmxHistory) idle(before *jmxHistory, page *jmxpage.Page) (ratio float64, known bool) {
	if rate, ok := page.Get(jmxpage.Key{Metric: jmxpage.HandlerIdle, Attr: jmxpage.OneMinuteRate}); ok {
		return min(rate, 1), true
	}
	if before == nil || h.idleTime < 0 || before.idleTime < 0 || h.idleTime < before.idleTime {
		return 0, false
	}
	elapsed := h.at.Sub(before.at)
	if elapsed <= 0 || elapsed > jmxMemory {
		return 0, false
	}
	return min((h.idleTime-before.idleTime)/elapsed.Seconds(), 1), true
}

// labels returns the values of the labels of a timer's series.
func (k timerKey) labels(broker string) []string {
	labels := []string{broker}
	for _, label := range []string{k.request, k.phase} {
		if label != "" {
			labels = append(labels, label)
		}
	}
	return labels
}

// jmxTimer are the series of a timer.
type jmxTimer struct {
	quantile, mean *prometheus.Desc
	count          *prometheus.Desc // nil if nobody needs it
}

// jmxQuantiles are the quantiles that are exported, of a phase the 95th percentile alone.
var jmxQuantiles = []struct {
	attr  jmxpage.Attr
	label string
}{{jmxpage.P50, "0.5"}, {jmxpage.P95, "0.95"}, {jmxpage.P99, "0.99"}}

// add adds the series of a timer. The reservoir behind its quantiles keeps what it has while nothing is
// timed, for days on a broker that never flushes: they are told only if something was.
func (t jmxTimer) add(s *Snapshot, page *jmxpage.Page, key timerKey, now, before *jmxHistory, labels []string) {
	if t.count != nil {
		s.Total(t.count, now.timers[key].count, labels...)
	}
	timed, grew := now.since(before, key)
	if !grew {
		return
	}
	if timed.sum >= 0 {
		s.Gauge(t.mean, timed.sum/timed.count, labels...)
	}
	for _, q := range jmxQuantiles {
		if key.phase != "" && q.attr != jmxpage.P95 {
			continue
		}
		if v, ok := page.Get(jmxpage.Key{Metric: key.metric, Label: key.request, Second: key.phase, Attr: q.attr}); ok {
			s.Gauge(t.quantile, v, append(slices.Clip(labels), q.label)...)
		}
	}
}
