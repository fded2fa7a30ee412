// Package prober is the active half: it sends records when they are due, reads them back and judges
// each exactly once. It has one file per probe kind; what the kinds share is in the packages below.
//
// A kind registers itself as data (package kind) and its settings are the probe: they say what it
// promises, which topics and rights it needs, and they start it. What it measures goes one way, into
// the sink of its Env: a ledger.Sink for records, a reach.Sink for connections. Nothing here knows Prometheus or HTTP.
package prober

import (
	"context"
	"log/slog"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/reach"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// Kinds are the registered kinds of probes.
var Kinds = new(kind.Registry)

// Settings are the settings of a probe, and the probe itself.
type Settings interface {
	kind.Settings

	// Promise says what alerts and objectives need to know of the probe.
	Promise() Promise
	// Topics returns the topics that the probe needs.
	Topics() []topics.Spec
	// Rights returns the Kafka rights that it needs, given how much topic care it is to take.
	Rights(topics.Mode) []kind.Right
	// Run probes until ctx is done and then drains, within DrainTime. It returns an error only
	// for what waiting can't mend; an unreachable cluster is a measurement.
	Run(ctx context.Context, env Env) error
}

// Env is what a probe is handed.
type Env struct {
	Factory      *kafka.Factory // of the cluster and listener
	Mode         topics.Mode    // how much topic care the probe may take
	MaxTopicRate float64        // records/s and partition, of all probers together
	Sink         ledger.Sink    // of probes whose promise has a topic, and no Appends
	Reach        reach.Sink     // of those that send no records
	Flush        flush.Sink     // of those whose promise has Appends
	Log          *slog.Logger
}

// DrainTime is how long a probe may take to end: what is outstanding then is skipped.
const DrainTime = 3 * time.Second

// Promise is what a probe's configuration promises.
type Promise struct {
	Topic      string        // what records are sent to; empty for a probe that sends none
	Interval   time.Duration // between two records of a partition
	Timeout    time.Duration // the deadline of a record, from due
	RecordSize int           // bytes of a record's value
	Objective  float64       // share of good events; 0: no objective
	SLOLatency time.Duration // up to which a delivered record is good
	Thresholds []Threshold
	Lean       bool // beside another probe that has all series: only what that one does not tell
	Appends    bool // only how long brokers take to append records is measured: they are not read back
}

// Threshold is a limit of a signal's 95th percentile, with the severity of being over it.
type Threshold struct {
	Signal   string // end_to_end
	Severity string // warning or critical
	Value    time.Duration
}
