package recorder

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/internal/seriesdoc"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

const namespace = "kafka_prober_"

// seriesID names a row of the table.
type seriesID int

// The series, in the order of a record's life.
const (
	endToEnd seriesID = iota
	scheduleLag
	clientQueue
	produce
	ackReadGap

	recordsDue
	records
	recordsInFlight
	recordsSkipped
	recordsForeign
	failures

	acknowledgedLost
	duplicate
	reordered
	corrupt
	late
	ghost
	rewinds
	unreadable

	sloEvents
	sloBadEvents
	sloObjective
	threshold

	interval
	timeout
	recordSize

	oldestOutstanding
	brokerCovered
	brokerClock
	selfOverloaded
	loopProgress
	clockSteps
	topicRefused

	burstRecords
	burstBytes
	burstSeconds
	burstSuccess
	burstEnded
	burstRunning

	connectPhase
	connectAttempts
	connectFailures
	connectSuccess
	connectCertificate
	connectSecurity

	logAppend
	logAppendFlushed
	logFlush
	appendFailures
	flushThreshold

	numSeries int = iota
)

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

var (
	byProbe  = []string{"kafka_cluster", "listener", "probe"}
	byTopic  = with(byProbe, "topic")
	byBroker = with(byTopic, "broker")
	// What is of a burst or a connection has no topic.
	byReached = with(byProbe, "broker")
)

// table is the one place where a series has its name, type, labels and meaning. The broker is always
// the one that led the record's partition when the record was due.
var table = [numSeries]seriesdoc.Series{
	endToEnd: {Name: "end_to_end_latency_seconds", Type: histogram, Labels: byBroker,
		Help: "From the instant a record was due to reading it back; a record that was not delivered counts with the timeout."},
	scheduleLag: {Name: "schedule_lag_seconds", Type: histogram, Labels: byTopic,
		Help: "From due to handed over to the client library: the prober's own lateness."},
	clientQueue: {Name: "client_queue_seconds", Type: histogram, Labels: byTopic,
		Help: "From handed over to the client library to the start of the write to the broker."},
	produce: {Name: "produce_latency_seconds", Type: histogram, Labels: byBroker,
		Help: "From the start of the write to the broker to its acknowledgement."},
	ackReadGap: {Name: "ack_read_gap_seconds", Type: histogram, Labels: with(byBroker, "order"),
		Help: "Between acknowledged and read back, by which of the two came first."},

	recordsDue: {Name: "records_due_total", Type: counter, Labels: byBroker,
		Help: "Records that were due: the sum of all outcomes and of those in flight."},
	records: {Name: "records_total", Type: counter, Labels: with(byBroker, "outcome"),
		Help: "Records judged, each exactly once, at its deadline at the latest."},
	recordsInFlight: {Name: "records_in_flight", Type: gauge, Labels: byBroker,
		Help: "Records that are due and not yet judged."},
	recordsSkipped: {Name: "records_skipped_total", Type: counter, Labels: with(byTopic, "reason"),
		Help: "Records of outcome skipped: the prober was absent, so nothing is said about Kafka."},
	recordsForeign: {Name: "records_foreign_total", Type: counter, Labels: with(byTopic, "reason"),
		Help: "Records in the probe's topic that are not of this process, ignored."},
	failures: {Name: "failures_total", Type: counter, Labels: with(byBroker, "reason"),
		Help: "Records of outcome failed or timeout by the last error named; a series exists once its reason was seen."},

	acknowledgedLost: {Name: "acknowledged_lost_total", Type: counter, Labels: byBroker,
		Help: "Records that Kafka acknowledged and that the reader's position went past without them: data loss."},
	duplicate: {Name: "records_duplicate_total", Type: counter, Labels: byBroker,
		Help: "Records read again at another offset."},
	reordered: {Name: "records_reordered_total", Type: counter, Labels: byBroker,
		Help: "Records read after a later one of the same producer epoch, both acknowledged."},
	corrupt: {Name: "records_corrupt_total", Type: counter, Labels: byBroker,
		Help: "Records read back with changed bytes."},
	late: {Name: "records_late_total", Type: counter, Labels: byBroker,
		Help: "Records read after their deadline, which were judged before."},
	ghost: {Name: "records_ghost_total", Type: counter, Labels: byBroker,
		Help: "Records read although Kafka had refused them."},
	rewinds: {Name: "log_rewinds_total", Type: counter, Labels: byBroker,
		Help: "Truncations of a log below what had been read from it."},
	unreadable: {Name: "log_unreadable_total", Type: counter, Labels: byBroker,
		Help: "Stretches of a log that no client can read and that were stepped over."},

	sloEvents: {Name: "slo_events_total", Type: counter, Labels: with(byBroker, "slo"),
		Help: "Records that count for the objective: delivered, failed, timeout or lost."},
	sloBadEvents: {Name: "slo_bad_events_total", Type: counter, Labels: with(byBroker, "slo"),
		Help: "Those of slo_events_total that were not delivered or, for latency, were delivered too slowly."},
	sloObjective: {Name: "slo_objective_ratio", Type: gauge, Labels: with(byProbe, "slo"),
		Help: "Share of events that are to be good, from the configuration."},
	threshold: {Name: "threshold_seconds", Type: gauge, Labels: with(byTopic, "signal", "severity"),
		Help: "Limit that alerts compare the p95 of the signal with, from the configuration."},

	interval: {Name: "probe_interval_seconds", Type: gauge, Labels: byProbe,
		Help: "Time between two records of a partition, as stretched by the rate limit."},
	timeout: {Name: "probe_timeout_seconds", Type: gauge, Labels: byProbe,
		Help: "Time after which a record counts as not delivered, from the configuration."},
	recordSize: {Name: "record_size_bytes", Type: gauge, Labels: byProbe,
		Help: "Size of a record's value, from the configuration."},

	oldestOutstanding: {Name: "oldest_outstanding_seconds", Type: gauge, Labels: byBroker,
		Help: "Age of the oldest record that is due and not judged, worked out when scraped; 0 if there is none."},
	brokerCovered: {Name: "broker_covered", Type: gauge, Labels: byBroker,
		Help: "Whether this broker of the cluster leads a partition that is probed."},
	brokerClock: {Name: "broker_clock_offset_seconds", Type: gauge, Labels: with(byBroker, "bound"),
		Help: "Bounds of how far the broker's clock is ahead of this host's; only where the topic's timestamps are LogAppendTime."},
	selfOverloaded: {Name: "self_overloaded", Type: gauge, Labels: byProbe,
		Help: "Whether the prober itself is late by more than it may be: its latencies are not Kafka's then."},
	loopProgress: {Name: "loop_last_progress_timestamp_seconds", Type: gauge, Labels: with(byProbe, "loop"),
		Help: "Wall clock time at which a loop of the probe last got round."},
	clockSteps: {Name: "wall_clock_steps_total", Type: counter, Labels: byProbe,
		Help: "Jumps of the wall clock; they do not enter any latency."},
	topicRefused: {Name: "topic_management_refused", Type: gauge, Labels: with(byProbe, "action", "reason"),
		Help: "1 for each thing that the cluster does not let the prober do to the probe's topic."},

	burstRecords: {Name: "burst_last_run_records_per_second", Type: gauge, Labels: byReached,
		Help: "Records of the last burst to the broker that were delivered, by the seconds it took."},
	burstBytes: {Name: "burst_last_run_bytes_per_second", Type: gauge, Labels: byReached,
		Help: "Bytes of values of the last burst to the broker that were delivered, by the seconds it took."},
	burstSeconds: {Name: "burst_last_run_seconds", Type: gauge, Labels: byReached,
		Help: "Time of the last burst to the broker, from its first record sent to its last one judged."},
	burstSuccess: {Name: "burst_last_run_success", Type: gauge, Labels: byReached,
		Help: "Whether every record of the last burst to the broker was delivered."},
	burstEnded: {Name: "burst_last_run_timestamp_seconds", Type: gauge, Labels: byReached,
		Help: "When the last burst to the broker ended, in Unix time."},
	burstRunning: {Name: "burst_running", Type: gauge, Labels: byProbe,
		Help: "Whether a burst of more than 10 MB/s runs; smaller ones do not count, so that they never mute an alert."},

	connectPhase: {Name: "connect_phase_seconds", Type: histogram, Labels: with(byReached, "phase"),
		Help: "Time of one phase of a new connection to the broker: resolve, dial, tls, api_versions, sasl or metadata; phases that failed are not in it."},
	connectAttempts: {Name: "connect_attempts_total", Type: counter, Labels: with(byReached, "outcome"),
		Help: "Attempts to connect to the broker and to be answered, ok or failed."},
	connectFailures: {Name: "connect_failures_total", Type: counter, Labels: with(byReached, "phase", "reason"),
		Help: "Failed attempts by the phase that failed and why; a series exists once its reason was seen."},
	connectSuccess: {Name: "connect_success", Type: gauge, Labels: byReached,
		Help: "Whether the last attempt to connect to the broker went all the way."},
	connectCertificate: {Name: "connect_certificate_expiry_timestamp_seconds", Type: gauge, Labels: byReached,
		Help: "Earliest end of the certificates that the broker sent last, in Unix time."},
	connectSecurity: {Name: "connect_security_info", Type: gauge, Labels: with(byReached, "tls_version", "sasl_mechanism"),
		Help: "What was agreed on with the broker last; always 1."},

	logAppend: {Name: "log_append_seconds", Type: histogram, Labels: byReached,
		Help: "From the start of the write to the leader's acknowledgement of a record that no follower and no flush is waited for; the timeout if there was none by then."},
	logAppendFlushed: {Name: "log_append_flushed_seconds", Type: histogram, Labels: byReached,
		Help: "Likewise of a record that the leader flushes to disk before it acknowledges it; absent where nothing forces that."},
	logFlush: {Name: "log_flush_seconds", Type: histogram, Labels: with(byReached, "log_dir"),
		Help: "Estimate of a flush of the broker's log to disk: a flushed append less the median of the plain ones before it; an upper bound in the tail."},
	appendFailures: {Name: "log_append_failures_total", Type: counter, Labels: with(byReached, "topic", "reason"),
		Help: "Records of the flush probe that the leader did not acknowledge in time, by why; a series exists once its reason was seen."},
	flushThreshold: {Name: "log_flush_threshold_seconds", Type: gauge, Labels: with(byReached, "topic", "severity"),
		Help: "Limit of the p95 of the broker's log flushes, from the configuration, for each configured topic that it leads; topic * holds for any broker."},
}

// anomalySeries gives each anomaly its series.
var anomalySeries = [ledger.NumAnomalies]seriesID{
	ledger.AcknowledgedLost: acknowledgedLost,
	ledger.Duplicate:        duplicate,
	ledger.Reordered:        reordered,
	ledger.Corrupt:          corrupt,
	ledger.Late:             late,
	ledger.Ghost:            ghost,
	ledger.Rewind:           rewinds,
	ledger.Unreadable:       unreadable,
}

// Reference describes every series of a Recorder, also those that exist only once something happened.
func Reference() []seriesdoc.Series {
	all := make([]seriesdoc.Series, numSeries)
	for i, s := range table {
		s.Name = namespace + s.Name
		all[i] = s
	}
	return all
}

// descs are the table's rows for client_golang.
var descs = func() (all [numSeries]*prometheus.Desc) {
	for i, s := range table {
		all[i] = prometheus.NewDesc(namespace+s.Name, s.Help, s.Labels, nil)
	}
	return all
}()

// with returns labels and more in memory of its own.
func with(labels []string, more ...string) []string {
	return append(labels[:len(labels):len(labels)], more...)
}
