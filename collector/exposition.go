package collector

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// exposition is what a snapshot holds as a scrape hands it on: checked and sorted once, by the refresh, as
// there may be ten thousands of series and a scrape a second. Neither is changed after.
type exposition struct {
	state, counters []*dto.MetricFamily
	err             error // names series that are left out for what is wrong with them
}

func newExposition(source Source, s *Snapshot) exposition {
	state, err1 := gather(source.Describe, s.state)
	counters, err2 := gather(source.Describe, s.counters)
	return exposition{state, counters, cmp.Or(err1, err2)}
}

// gather checks and sorts metrics as a registry does. With an error, the others are valid.
func gather(describe func(chan<- *prometheus.Desc), metrics []prometheus.Metric) ([]*dto.MetricFamily, error) {
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(described{describe, metrics}); err != nil {
		return nil, err
	}
	return registry.Gather()
}

// described is metrics for a registry.
type described struct {
	describe func(chan<- *prometheus.Desc)
	metrics  []prometheus.Metric
}

// Describe implements prometheus.Collector.
func (d described) Describe(ch chan<- *prometheus.Desc) { d.describe(ch) }

// Collect implements prometheus.Collector.
func (d described) Collect(ch chan<- prometheus.Metric) {
	for _, m := range d.metrics {
		ch <- m
	}
}

// Gatherer adds the series of Sets to those of another gatherer. A registry would check and sort them
// again at each scrape. Safe for concurrent use.
type Gatherer struct {
	base prometheus.Gatherer

	mu   sync.Mutex
	sets []*Set
}

var _ prometheus.Gatherer = (*Gatherer)(nil)

// NewGatherer returns a gatherer without Sets. base has no series of the names of theirs.
func NewGatherer(base prometheus.Gatherer) *Gatherer { return &Gatherer{base: base} }

// Add adds a Set. Two of them differ in their cluster or their listener.
func (g *Gatherer) Add(s *Set) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sets = append(g.sets, s)
}

// Remove ends the series of a Set.
func (g *Gatherer) Remove(s *Set) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sets = slices.DeleteFunc(g.sets, func(other *Set) bool { return other == s })
}

// Gather implements prometheus.Gatherer. What it returns is not to be changed.
func (g *Gatherer) Gather() ([]*dto.MetricFamily, error) {
	g.mu.Lock()
	sets := slices.Clone(g.sets)
	g.mu.Unlock()
	var errs prometheus.MultiError
	all, err := g.base.Gather()
	errs.Append(err)
	for _, s := range sets {
		families, err := s.Gather()
		errs.Append(err)
		all = append(all, families...)
	}
	return merge(all), errs.MaybeUnwrap()
}

// merge sorts families by name and makes one of those that share one.
func merge(all []*dto.MetricFamily) []*dto.MetricFamily {
	slices.SortStableFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	merged := all[:0]
	for _, f := range all {
		last := len(merged) - 1
		if last < 0 || merged[last].GetName() != f.GetName() {
			merged = append(merged, f)
			continue
		}
		merged[last] = &dto.MetricFamily{
			Name: f.Name, Help: f.Help, Type: f.Type, Unit: f.Unit,
			Metric: slices.Concat(merged[last].GetMetric(), f.GetMetric()),
		}
	}
	return merged
}
