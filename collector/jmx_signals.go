package collector

import "github.com/kafka-prober/kafka_prober/collector/jmxpage"

// jmxSignal is a value of the label signal: what a page may lack, as its dialect leaves it out.
type jmxSignal string

// where tells which nodes can have a signal.
type where uint8

const (
	onBrokers  where = iota // a controller that is no broker has no such thing
	onAll                   // every node
	onSomeNode              // only controllers, and which nodes are is not known: one page is enough
)

// jmxSignals are the signals, with what a page has to have for each.
var jmxSignals = []struct {
	name  jmxSignal
	where where
	needs []jmxpage.Metric
	attrs []jmxpage.Attr // all of them, of each metric
}{
	{"broker_log_flush", onAll, []jmxpage.Metric{jmxpage.LogFlush}, []jmxpage.Attr{jmxpage.Count, jmxpage.P95}},
	{"broker_under_replicated_partitions", onBrokers, []jmxpage.Metric{jmxpage.UnderReplicated}, gaugeAttr},
	{"broker_under_min_isr_partitions", onBrokers, []jmxpage.Metric{jmxpage.UnderMinISR}, gaugeAttr},
	{"broker_offline_replicas", onBrokers, []jmxpage.Metric{jmxpage.OfflineReplicas}, gaugeAttr},
	{"broker_offline_log_dirs", onBrokers, []jmxpage.Metric{jmxpage.OfflineLogDirs}, gaugeAttr},
	{"broker_isr_changes", onBrokers, []jmxpage.Metric{jmxpage.ISRShrinks, jmxpage.ISRExpands}, counterAttr},
	{"broker_request_time", onBrokers, []jmxpage.Metric{jmxpage.RequestTime}, counterAttr},
	{"broker_request_quantiles", onBrokers, []jmxpage.Metric{jmxpage.RequestTime}, []jmxpage.Attr{jmxpage.Count, jmxpage.P50, jmxpage.P95, jmxpage.P99}},
	{"broker_request_phases", onBrokers, []jmxpage.Metric{jmxpage.RequestPhase}, []jmxpage.Attr{jmxpage.Count, jmxpage.P95}},
	{"broker_request_errors", onBrokers, []jmxpage.Metric{jmxpage.RequestErrors}, counterAttr},
	{"broker_traffic", onBrokers, []jmxpage.Metric{jmxpage.BytesIn, jmxpage.BytesOut, jmxpage.MessagesIn}, counterAttr},
	{"broker_replication_traffic", onBrokers, []jmxpage.Metric{jmxpage.ReplicationBytesIn, jmxpage.ReplicationBytesOut}, counterAttr},
	{"broker_reassignment_traffic", onBrokers, []jmxpage.Metric{jmxpage.ReassignmentBytesIn, jmxpage.ReassignmentBytesOut}, counterAttr},
	{"broker_request_queue", onBrokers, []jmxpage.Metric{jmxpage.RequestQueue}, gaugeAttr},
	{"broker_request_handler_idle", onBrokers, []jmxpage.Metric{jmxpage.HandlerIdle}, nil},
	{"broker_network_processor_idle", onBrokers, []jmxpage.Metric{jmxpage.NetworkIdle}, gaugeAttr},
	{"broker_purgatory", onBrokers, []jmxpage.Metric{jmxpage.Purgatory}, gaugeAttr},
	{"broker_process_cpu", onAll, []jmxpage.Metric{jmxpage.ProcessCPU}, counterAttr},
	{"broker_heap", onAll, []jmxpage.Metric{jmxpage.HeapUsed}, gaugeAttr},
	{"broker_gc", onAll, []jmxpage.Metric{jmxpage.GCTime}, counterAttr},
	{"broker_open_files", onAll, []jmxpage.Metric{jmxpage.OpenFiles}, gaugeAttr},

	{"broker_active_controller", onSomeNode, []jmxpage.Metric{jmxpage.ActiveController}, gaugeAttr},
	{"broker_controller_offline_partitions", onSomeNode, []jmxpage.Metric{jmxpage.OfflinePartitions}, gaugeAttr},
	{"broker_unclean_leader_elections", onSomeNode, []jmxpage.Metric{jmxpage.UncleanElections}, counterAttr},
}

var (
	gaugeAttr   = []jmxpage.Attr{jmxpage.Value}
	counterAttr = []jmxpage.Attr{jmxpage.Count}
)

// addSignals says what the page of a node lacks, and notes in found what only some node has.
func (j *jmxSeries) addSignals(s *Snapshot, target jmxTarget, page *jmxpage.Page, found map[jmxSignal]bool) {
	for _, signal := range jmxSignals {
		has := true
		for _, metric := range signal.needs {
			if len(signal.attrs) == 0 {
				has = page.Has(metric, jmxpage.OneMinuteRate) || page.Has(metric, jmxpage.Count)
			}
			for _, attr := range signal.attrs {
				has = has && page.Has(metric, attr)
			}
		}
		switch {
		case signal.where == onSomeNode:
			found[signal.name] = found[signal.name] || has
		case signal.where == onAll || !target.controller:
			s.Gauge(j.signal, boolFloat(has), target.broker(), string(signal.name))
		}
	}
}

// addClusterSignals says which signals no node's page has. complete tells whether every page could be
// read: a signal that is missing while one could not may be on that one.
func (j *jmxSeries) addClusterSignals(s *Snapshot, found map[jmxSignal]bool, complete bool) {
	for _, signal := range jmxSignals {
		if signal.where == onSomeNode && (complete || found[signal.name]) {
			s.Gauge(j.signal, boolFloat(found[signal.name]), "", string(signal.name))
		}
	}
}
