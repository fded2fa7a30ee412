package collector

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// Snapshot is what one refresh learnt, as finished metrics. It is filled by one
// Refresh and not changed after.
type Snapshot struct {
	state    []prometheus.Metric // exported while the snapshot is not older than three intervals
	counters []prometheus.Metric // exported until there is a newer snapshot

	limit   int // most series, 0 without a cap
	series  int // so far
	dropped int // left out, for the cap
}

// newSnapshot returns a snapshot that takes at most so many series: those that come first.
func newSnapshot(limit int) *Snapshot { return &Snapshot{limit: limit} }

// Gauge adds a value that holds now and may not hold later.
func (s *Snapshot) Gauge(d *prometheus.Desc, v float64, labels ...string) {
	if s.take(1) {
		s.state = append(s.state, constMetric(d, prometheus.GaugeValue, v, labels))
	}
}

// Counter adds a total since this process started. The caller keeps it.
func (s *Snapshot) Counter(d *prometheus.Desc, v float64, labels ...string) {
	if s.take(1) {
		s.counters = append(s.counters, constMetric(d, prometheus.CounterValue, v, labels))
	}
}

// histogram adds a histogram as it stands. It counts as so many series.
func (s *Snapshot) histogram(m prometheus.Metric, series int) {
	if s.take(series) {
		s.counters = append(s.counters, m)
	}
}

// fits tells whether so many series that belong together fit. If they don't they count as left out.
func (s *Snapshot) fits(n int) bool {
	if s.limit > 0 && s.series+n > s.limit {
		s.dropped += n
		return false
	}
	return true
}

func (s *Snapshot) take(n int) bool {
	if !s.fits(n) {
		return false
	}
	s.series += n
	return true
}

// Total adds a total that somebody else counts, a broker for instance: unlike a Counter it goes when
// nobody knows any more what it is.
func (s *Snapshot) Total(d *prometheus.Desc, v float64, labels ...string) {
	if s.take(1) {
		s.state = append(s.state, constMetric(d, prometheus.CounterValue, v, labels))
	}
}

// constMetric returns a metric, or one that fails the scrape of itself alone. The
// names that Kafka stores need not be UTF-8.
func constMetric(d *prometheus.Desc, t prometheus.ValueType, v float64, labels []string) prometheus.Metric {
	for i, label := range labels {
		if !utf8.ValidString(label) {
			labels = slices.Clone(labels) // it is the caller's
			labels[i] = strings.ToValidUTF8(label, "�")
		}
	}
	m, err := prometheus.NewConstMetric(d, t, v, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(d, err)
	}
	return m
}
