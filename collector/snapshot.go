package collector

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// Snapshot is what one refresh learnt, as finished metrics, so that a scrape
// only has to hand them on. It is filled by one Refresh and not changed after.
type Snapshot struct {
	state    []prometheus.Metric // exported while the snapshot is not older than three intervals
	counters []prometheus.Metric // exported until there is a newer snapshot
}

// Gauge adds a value that holds now and may not hold later.
func (s *Snapshot) Gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.state = append(s.state, constMetric(d, prometheus.GaugeValue, v, labels))
}

// Counter adds a total since this process started. The caller keeps it.
func (s *Snapshot) Counter(d *prometheus.Desc, v float64, labels ...string) {
	s.counters = append(s.counters, constMetric(d, prometheus.CounterValue, v, labels))
}

// Total adds a total that somebody else counts, a broker for instance: unlike a Counter it goes when
// nobody knows any more what it is.
func (s *Snapshot) Total(d *prometheus.Desc, v float64, labels ...string) {
	s.state = append(s.state, constMetric(d, prometheus.CounterValue, v, labels))
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
