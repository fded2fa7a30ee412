package collector

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/collector/jmxpage"
)

// jmxPlain are the series that are one number of a page each.
var jmxPlain = []struct {
	metric        jmxpage.Metric
	name, help    string
	counter       bool
	label, label2 string // for Key.Label and Key.Second, "" for none
	ratio         bool   // clamped to 1: combined nodes of Kafka 4.1 count some threads twice
}{
	{metric: jmxpage.UnderReplicated, name: "under_replicated_partitions", help: "Partitions that the broker leads and that have a replica out of sync; those being reassigned do not count."},
	{metric: jmxpage.UnderMinISR, name: "under_min_isr_partitions", help: "Partitions that the broker leads with fewer replicas in sync than min.insync.replicas."},
	{metric: jmxpage.OfflineReplicas, name: "offline_replicas", help: "Replicas that the broker can't serve, as their log directory is offline."},
	{metric: jmxpage.OfflineLogDirs, name: "offline_log_dirs", help: "Log directories that the broker has taken offline after a storage error."},
	{metric: jmxpage.ISRShrinks, name: "isr_shrinks_total", help: "Times that the broker took a replica out of an in-sync set.", counter: true},
	{metric: jmxpage.ISRExpands, name: "isr_expands_total", help: "Times that the broker took a replica into an in-sync set.", counter: true},
	{metric: jmxpage.ActiveController, name: "active_controller", help: "Whether the node is the active controller; of all nodes together, one should be."},
	{metric: jmxpage.OfflinePartitions, name: "controller_offline_partitions", help: "Partitions without a leader, as this controller sees them."},
	{metric: jmxpage.UncleanElections, name: "unclean_leader_elections_total", help: "Elections, by this controller, of a leader that was not in sync: records may be lost.", counter: true},
	{metric: jmxpage.RequestErrors, name: "request_errors_total", help: "Errors that the broker answered, by request and Kafka's name of the error.", counter: true, label: "request", label2: "error"},
	{metric: jmxpage.BytesIn, name: "bytes_in_total", help: "Bytes that clients wrote, as compressed.", counter: true},
	{metric: jmxpage.BytesOut, name: "bytes_out_total", help: "Bytes that clients read, as compressed.", counter: true},
	{metric: jmxpage.MessagesIn, name: "messages_in_total", help: "Records that clients wrote.", counter: true},
	{metric: jmxpage.ReplicationBytesIn, name: "replication_bytes_in_total", help: "Bytes that the broker read from leaders as a follower.", counter: true},
	{metric: jmxpage.ReplicationBytesOut, name: "replication_bytes_out_total", help: "Bytes that followers read from the broker.", counter: true},
	{metric: jmxpage.ReassignmentBytesIn, name: "reassignment_bytes_in_total", help: "Bytes that the broker read from leaders for replicas on their way to it.", counter: true},
	{metric: jmxpage.ReassignmentBytesOut, name: "reassignment_bytes_out_total", help: "Bytes that others read from the broker for replicas on their way to them.", counter: true},
	{metric: jmxpage.RequestQueue, name: "request_queue_size", help: "Requests that wait for a request handler; queued.max.requests is the most there can be."},
	{metric: jmxpage.NetworkIdle, name: "network_processor_idle_ratio", help: "Part of the time that the network threads are idle.", ratio: true},
	{metric: jmxpage.Purgatory, name: "purgatory_size", help: "Requests that wait for something: produce for replication, fetch for records.", label: "operation"},
	{metric: jmxpage.ProcessCPU, name: "process_cpu_seconds_total", help: "CPU time of the broker's process.", counter: true},
	{metric: jmxpage.HeapUsed, name: "heap_used_bytes", help: "Java heap in use, what can be collected included."},
	{metric: jmxpage.HeapMax, name: "heap_max_bytes", help: "Largest size that the Java heap may grow to."},
	{metric: jmxpage.GCTime, name: "gc_seconds_total", help: "Time that garbage collections took, by collector.", counter: true, label: "gc"},
	{metric: jmxpage.GCCount, name: "gc_collections_total", help: "Garbage collections, by collector.", counter: true, label: "gc"},
	{metric: jmxpage.OpenFiles, name: "open_files", help: "File descriptors that the broker's process has open."},
	{metric: jmxpage.MaxOpenFiles, name: "max_open_files", help: "File descriptors that the broker's process may open."},
}

// jmxPlainRows are the rows of jmxPlain by their metric.
var jmxPlainRows = func() map[jmxpage.Metric]int {
	rows := make(map[jmxpage.Metric]int, len(jmxPlain))
	for i, p := range jmxPlain {
		rows[p.metric] = i
	}
	return rows
}()

// jmxSeries makes series of pages.
type jmxSeries struct {
	up, dialect, took, size, signal, idle *prometheus.Desc

	plain                 []*prometheus.Desc // as jmxPlain
	flush, request, phase jmxTimer
	descs                 []*prometheus.Desc
}

func newJMXSeries(env Env) *jmxSeries {
	j := new(jmxSeries)
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		d := env.Desc("broker_"+name, help, append([]string{"broker"}, labels...)...)
		j.descs = append(j.descs, d)
		return d
	}
	j.up = desc("page_up", "Whether the page of the broker, or of a controller that is none, could be read.", "role")
	j.dialect = desc("page_dialect_info", "Whose rules named the page's metrics, always 1.", "dialect")
	j.took = desc("page_duration_seconds", "How long it took to read the page.")
	j.size = desc("page_size_bytes", "Size of the page, decompressed.")
	j.idle = desc("request_handler_idle_ratio", "Part of the time that the request handlers are idle, over a minute or since the page was last read.")
	for _, p := range jmxPlain {
		var labels []string
		for _, l := range []string{p.label, p.label2} {
			if l != "" {
				labels = append(labels, l)
			}
		}
		j.plain = append(j.plain, desc(p.name, p.help, labels...))
	}
	const reservoir = " Of the broker's reservoir, which favours the last 5 minutes; absent if there was none since the page was last read."
	j.flush = jmxTimer{
		quantile: desc("log_flush_seconds", "How long flushing a log to disk takes."+reservoir, "quantile"),
		mean:     desc("log_flush_mean_seconds", "Mean time to flush a log to disk, since the page was last read."),
		count:    desc("log_flushes_total", "Flushes of logs to disk, those of a controller's metadata log included."),
	}
	j.request = jmxTimer{
		quantile: desc("request_seconds", "How long the broker takes for a request in all."+reservoir, "request", "quantile"),
		mean:     desc("request_mean_seconds", "Mean time that the broker took for a request in all, since the page was last read.", "request"),
		count:    desc("requests_total", "Requests that the broker answered.", "request"),
	}
	j.phase = jmxTimer{
		quantile: desc("request_phase_seconds", "How long one phase of a request takes."+reservoir, "request", "phase", "quantile"),
		mean:     desc("request_phase_mean_seconds", "Mean time that one phase of a request took, since the page was last read: those of all phases add up to the request's.", "request", "phase"),
	}
	j.signal = env.signalDesc()
	j.descs = append(j.descs, j.signal)
	return j
}

// Describe implements Source.
func (j *jmx) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range j.series.descs {
		ch <- d
	}
}

// add adds the series of one page and returns what the next one is to be compared with. before is nil for
// the first page of a node, or what it was when the node's page could last be read.
func (j *jmxSeries) add(s *Snapshot, target jmxTarget, r jmxReading, before *jmxHistory, account *Account, found map[jmxSignal]bool) *jmxHistory {
	broker := target.broker()
	s.Gauge(j.up, boolFloat(r.err == nil), broker, target.role())
	s.Gauge(j.took, r.took.Seconds(), broker)
	if r.err != nil {
		return before
	}
	page := r.page
	s.Gauge(j.size, float64(r.size), broker)
	s.Gauge(j.dialect, 1, broker, page.Dialect.String())
	account.Dropped(page.Dropped)
	if page.Conflict > 0 {
		account.FailedAs(target.id, "PAGE_CONFLICT", fmt.Errorf("page %s gives %d numbers twice with different values, which are left out: is it of more than one broker?", target.url, page.Conflict))
	}
	for k, v := range page.All() {
		j.addPlain(s, broker, k, v)
	}
	now := newJMXHistory(r)
	if idle, known := now.idle(before, page); known {
		s.Gauge(j.idle, idle, broker)
	}
	for key := range now.timers {
		labels := key.labels(broker)
		switch key.metric {
		case jmxpage.LogFlush:
			j.flush.add(s, page, key, now, before, labels)
		case jmxpage.RequestTime:
			j.request.add(s, page, key, now, before, labels)
		case jmxpage.RequestPhase:
			j.phase.add(s, page, key, now, before, labels)
		}
	}
	j.addSignals(s, target, page, found)
	return now
}

// addPlain adds a number of a page that is a series by itself.
func (j *jmxSeries) addPlain(s *Snapshot, broker string, k jmxpage.Key, v float64) {
	i, plain := jmxPlainRows[k.Metric]
	if !plain {
		return
	}
	p, labels := &jmxPlain[i], []string{broker}
	if p.label != "" {
		labels = append(labels, k.Label)
	}
	if p.label2 != "" {
		labels = append(labels, k.Second)
	}
	switch {
	case p.counter && k.Attr == jmxpage.Count:
		s.Total(j.plain[i], v, labels...)
	case !p.counter && k.Attr == jmxpage.Value:
		if p.ratio {
			v = min(v, 1)
		}
		s.Gauge(j.plain[i], v, labels...)
	}
}
