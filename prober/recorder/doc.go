// Package recorder turns judged records into Prometheus series. It is the daemon's ledger.Sink; it knows
// nothing of Kafka, and nothing in the hot path looks up a label.
//
// The order of things, from the outside in:
//
//	Recorder   one per process, a prometheus.Collector for everything below
//	  probe    one per (kafka_cluster, listener, probe): settings and the function that says its state
//	    topic  the histograms, and the series that carry no broker
//	      series   one per broker: a ledger.Tally and what results add to it, under one lock
//	  ReachSink, FlushSink   the same for probes of connections and of flushes, which have no such records
//
// Two rules hold in every single exposition, however busy the probes are:
//
//	records_due_total = sum of records_total + records_in_flight   per broker, and so in sum
//	slo_bad_events_total <= slo_events_total                       a record enters both at once
//
// They hold because counters are not prometheus.Counter values that move one after another: they are
// copied out together when scraped. Before that the probe's state function is called, so that the engine
// has handed over all it knows. What comes from results (histograms, failures_total, the latency
// objective) is handed over after the counts of the same records: while records are being judged it may
// differ from records_total by those that are just under way, and catches up by the next scrape.
//
// A reload goes on with the same counters. A probe that is removed, or a topic that a probe has left,
// takes its series along; an engine that still holds them writes to what nobody reads.
package recorder
