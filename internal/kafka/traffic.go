package kafka

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Traffic is what this process's own clients do on the wire, per broker: eight
// series for each and one for every rarer reason of a failed connection. There
// is no label for the client's role: five roles would multiply them all.
//
// The counts of a cluster and listener go on when its clients are closed and
// new ones made, and end with Forget. Connections made before a broker's id is
// known carry broker="seed". Two more series, without a broker, say how the
// files of the credentials are; they exist only where there are such files. Collect takes no longer than reading the counts.
// Safe for concurrent use.
type Traffic struct {
	connections   *prometheus.Desc
	connects      *prometheus.Desc
	connectErrors *prometheus.Desc
	written       *prometheus.Desc
	read          *prometheus.Desc
	throttled     *prometheus.Desc
	reloaded      *prometheus.Desc
	expires       *prometheus.Desc

	mu        sync.Mutex
	listeners map[listenerKey]*listenerCounts
}

var byListener = []string{"kafka_cluster", "listener"}

// listenerKey names what a Factory belongs to.
type listenerKey struct{ cluster, listener string }

var _ prometheus.Collector = (*Traffic)(nil)

// NewTraffic returns a Traffic without any cluster; factories add theirs.
func NewTraffic() *Traffic {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("kafka_prober_client_"+name, help,
			append([]string{"kafka_cluster", "listener", "broker"}, more...), nil)
	}
	return &Traffic{
		connections:   desc("connections", "Open connections of the prober's Kafka clients."),
		connects:      desc("connects_total", "Connections of the prober's Kafka clients that were opened and that the broker answered on."),
		connectErrors: desc("connect_errors_total", "Connections of the prober's Kafka clients that could not be opened or failed their first exchange.", "reason"),
		written:       desc("written_bytes_total", "Bytes that the prober's Kafka clients sent, without TLS."),
		read:          desc("read_bytes_total", "Bytes that the prober's Kafka clients received, without TLS."),
		throttled:     desc("throttled_seconds_total", "Time for which the broker throttled the prober's Kafka clients."),
		reloaded: prometheus.NewDesc("kafka_prober_credential_reload_success",
			"Whether the files of the credentials, as they are now, can be used; if not, those read before stay in force.", byListener, nil),
		expires: prometheus.NewDesc("kafka_prober_client_certificate_expiry_timestamp_seconds",
			"When the prober's own client certificate ends, in Unix time.", byListener, nil),
		listeners: make(map[listenerKey]*listenerCounts),
	}
}

// Forget drops the series of a cluster and listener that is no longer
// configured. Close its clients first, or what they still do is not shown.
func (t *Traffic) Forget(cluster, listener string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.listeners, listenerKey{cluster, listener})
}

// counts returns the counts of a cluster and listener, new or as they are. On a
// nil Traffic they are counts that nobody reads.
func (t *Traffic) counts(cluster, listener string) *listenerCounts {
	if t == nil {
		return newListenerCounts()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := listenerKey{cluster, listener}
	c, ok := t.listeners[key]
	if !ok {
		c = newListenerCounts()
		t.listeners[key] = c
	}
	return c
}

// Describe implements prometheus.Collector.
func (t *Traffic) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{t.connections, t.connects, t.connectErrors, t.written, t.read, t.throttled, t.reloaded, t.expires} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (t *Traffic) Collect(ch chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, listener := range t.listeners {
		t.collectCredentials(ch, listener.credentials.Load(), key.cluster, key.listener)
		for id, counts := range *listener.brokers.Load() {
			t.collectBroker(ch, counts, key.cluster, key.listener, brokerLabel(id))
		}
	}
}

func (t *Traffic) collectBroker(ch chan<- prometheus.Metric, b *brokerCounts, labels ...string) {
	counter := func(d *prometheus.Desc, v float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, append(labels[:len(labels):len(labels)], more...)...)
	}
	ch <- prometheus.MustNewConstMetric(t.connections, prometheus.GaugeValue, float64(max(b.connections.Load(), 0)), labels...)
	counter(t.connects, float64(b.connects.Load()))
	counter(t.written, float64(b.written.Load()))
	counter(t.read, float64(b.read.Load()))
	counter(t.throttled, time.Duration(b.throttled.Load()).Seconds())
	b.eachConnectError(func(reason string, n uint64) { counter(t.connectErrors, float64(n), reason) })
}

func (t *Traffic) collectCredentials(ch chan<- prometheus.Metric, c *credentials, labels ...string) {
	if c == nil || len(c.files()) == 0 {
		return
	}
	good := 1.0
	if c.failure.Load() != nil {
		good = 0
	}
	ch <- prometheus.MustNewConstMetric(t.reloaded, prometheus.GaugeValue, good, labels...)
	if m := c.inForce.Load(); m != nil && !m.expires.IsZero() {
		ch <- prometheus.MustNewConstMetric(t.expires, prometheus.GaugeValue, float64(m.expires.Unix()), labels...)
	}
}

// brokerLabel returns the value of the label `broker`.
func brokerLabel(id int32) string {
	if id == seedID {
		return "seed"
	}
	return strconv.Itoa(int(id))
}
