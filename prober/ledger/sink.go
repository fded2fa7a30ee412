package ledger

import (
	"strconv"
	"time"
)

// UnknownBroker is the broker of records that were due before any leader was known.
const UnknownBroker = int32(-1)

// BrokerLabel returns a broker as the label broker has it.
func BrokerLabel(broker int32) string {
	if broker == UnknownBroker {
		return "unknown"
	}
	return strconv.Itoa(int(broker))
}

// Sink takes what a probe measures. The daemon, the bench and the tests run the same engine with
// other sinks. Its methods are called from several goroutines at once.
type Sink interface {
	// Series returns where records go that are due while broker leads their partition of topic.
	// The same arguments return the same Series; the engine keeps it, so this may be slow.
	Series(topic string, broker int32) Series

	// Watch names the function that answers what the probe is doing right now. The sink calls it
	// when it is asked for its own contents (a scrape); before it returns, the probe has handed
	// over all that it has measured. nil ends it.
	Watch(state func() State)
}

// Series takes the records of one topic and broker.
type Series interface {
	// Count adds to the counters, all at once: a reader of the counters sees all of t or nothing.
	// It is called with the partition locked, so it must neither block nor call back.
	Count(t *Tally)

	// Observe takes results and samples. b is reused as soon as Observe returns.
	Observe(b *Batch)
}

// Tally is a change of counters. Added up over any stretch of time,
// Due = the sum of Outcomes + InFlight.
type Tally struct {
	Due       uint64
	InFlight  int64 // due and not yet judged: grows with Due, shrinks with each outcome
	Outcomes  [NumOutcomes]uint64
	Skips     [NumSkips]uint64 // by reason; their sum is Outcomes[Skipped]
	Anomalies [NumAnomalies]uint64
	Foreign   [NumForeign]uint64
}

// Add adds o to t.
func (t *Tally) Add(o *Tally) {
	t.Due += o.Due
	t.InFlight += o.InFlight
	for i, n := range o.Outcomes {
		t.Outcomes[i] += n
	}
	for i, n := range o.Skips {
		t.Skips[i] += n
	}
	for i, n := range o.Anomalies {
		t.Anomalies[i] += n
	}
	for i, n := range o.Foreign {
		t.Foreign[i] += n
	}
}

// Batch is what was measured since the last one.
type Batch struct {
	Results []Result
	Samples []Sample
}

// Result is a judged record. Skipped records have none.
type Result struct {
	Outcome   Outcome
	Latency   time.Duration // from due to read for a delivered record, else exactly the timeout
	Reason    string        // why, for failed and timeout: Kafka's error name or one of the client's
	Partition int32         // the partition of the topic
	Sequence  uint64        // the slot in the partition's schedule
	Offset    int64         // where in the log, if known; else -1
}

// Leg is a part of a record's way. Each is a histogram of its own.
type Leg uint8

// The legs. AckFirst and ReadFirst are one measure with its sign: a sum that can fall would break rate().
const (
	ScheduleLag Leg = iota // from due to handed over to the client library: the prober's own lateness
	ClientQueue            // from handed over to the start of the write to the broker
	Produce                // from the start of the write to the broker's acknowledgement
	AckFirst               // from acknowledged to read
	ReadFirst              // from read to acknowledged, where the reader was faster
	Acknowledge            // from handed over to acknowledged, where the two above it are not asked for
	NumLegs     int = iota
)

// Sample is how long one record took for one leg.
type Sample struct {
	Leg   Leg
	Value time.Duration
}

// State is what a probe is doing at this moment, for the gauges of a scrape and the landing page.
type State struct {
	Topic       string        // the topic that is probed
	Interval    time.Duration // between two records of a partition, as stretched by the rate limit
	Brokers     []BrokerState // every broker that is known or has records outstanding
	Overloaded  bool          // this process is late by more than it may be: its figures are not Kafka's
	Loops       []Loop        // when each loop last got round
	ClockSteps  uint64        // jumps of the wall clock that were seen
	Refusals    []Refusal     // topic care that the cluster refuses
	LastProblem string        // in words, for the landing page; empty when all is well
	Bursts      *Bursts       // nil for a probe that sends one record at a time
}

// Bursts is how the bursts of a probe went.
type Bursts struct {
	Heavy bool       // one runs that is more than a few records: it may be felt
	Last  []BurstRun // the last one that ended, of each broker that had one
}

// BurstRun is a burst that ended: each of its records was judged.
type BurstRun struct {
	Broker    int32
	Delivered uint64        // records
	Bytes     uint64        // of their values
	Took      time.Duration // from the first record handed over to the last one judged
	Success   bool          // every record was delivered
	Ended     time.Time     // wall clock
}

// BrokerState is a probe's view of one broker.
type BrokerState struct {
	Broker      int32         // node id, or UnknownBroker
	Known       bool          // a broker of the cluster, so that Covered means something
	Covered     bool          // it leads a partition that is probed
	Partitions  []int32       // those that it leads and that are probed
	Outstanding int           // records that are due and not judged
	Oldest      time.Duration // age of the oldest of them, 0 if none

	// ClockAhead bounds how far the broker's clock is ahead of this host's; nil while that is not known.
	ClockAhead *ClockBounds
}

// ClockBounds is an interval that holds the difference of two clocks.
type ClockBounds struct{ Lower, Upper time.Duration }

// Loop says that a goroutine still gets round.
type Loop struct {
	Name     string
	Progress time.Time // wall clock, because that is what Prometheus compares it with

	// Independent loops get round within seconds whatever Kafka does: one that does not is hung.
	Independent bool
}

// Refusal is a thing that the cluster does not let us do to a topic.
type Refusal struct {
	Action string // create_topic, create_partitions, elect_leaders, ...
	Reason string // Kafka's error name
}
