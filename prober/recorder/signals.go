package recorder

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Signals is a collector of signal_available for what the probes can and can't measure. It describes
// nothing: package collector exports that name for its own signals, and there the cluster is a constant
// label, which client_golang takes for another description. Label names and help are the same in both.
type Signals struct{ recorder *Recorder }

var _ prometheus.Collector = Signals{}

var signalAvailable = prometheus.NewDesc(namespace+"signal_available",
	"Whether the cluster, or this broker, gives what is asked for; 0 where a right is missing or it does not know it. broker is empty for the cluster as a whole.",
	[]string{"kafka_cluster", "listener", "broker", "signal"}, nil)

// signalLogFlush is the label of signal_available for log_flush_seconds.
const signalLogFlush = "log_flush"

// Signals returns the collector of the recorder's signals.
func (r *Recorder) Signals() Signals { return Signals{r} }

// Describe implements prometheus.Collector.
func (s Signals) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. Of several probes of one way to a cluster one is enough.
func (s Signals) Collect(ch chan<- prometheus.Metric) {
	type way struct{ cluster, listener string }
	available := map[way]int{}
	var ways []way
	for _, sink := range sorted(s.recorder, s.recorder.flushes) {
		sink.mu.Lock()
		w, believed := way{sink.settings.Cluster, sink.settings.Listener}, sink.state.Believed
		sink.mu.Unlock()
		if believed < 0 {
			continue
		}
		if !slices.Contains(ways, w) {
			ways = append(ways, w)
		}
		available[w] = max(available[w], believed)
	}
	for _, w := range ways {
		ch <- prometheus.MustNewConstMetric(signalAvailable, prometheus.GaugeValue, float64(available[w]), w.cluster, w.listener, "", signalLogFlush)
	}
}
