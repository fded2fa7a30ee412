package collector

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// signals is which signals the cluster gives, as all collectors of a Set found: some ask for the same.
// Safe for concurrent use.
type signals struct {
	available *prometheus.Desc

	mu    sync.Mutex
	given map[string]bool // absent while nobody knows
}

func newSignals(env Env) *signals {
	return &signals{
		available: env.signalDesc(),
		given:     make(map[string]bool),
	}
}

// set notes whether the cluster gives a signal and returns what was known before.
func (s *signals) set(signal string, given bool) (was, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, known = s.given[signal]
	s.given[signal] = given
	return was, known
}

func (s *signals) metrics() (all []prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for signal, given := range s.given {
		all = append(all, constMetric(s.available, prometheus.GaugeValue, boolFloat(given), []string{"", signal}))
	}
	return all
}
