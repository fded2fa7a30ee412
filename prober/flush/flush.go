// Package flush says how long appends to a log took, with a forced flush in them and without, and what
// follows for the flush itself. Plain values go one way, from the flush probe into a Sink. It knows neither
// Kafka's protocol nor Prometheus.
//
// Two records go to the same broker, one after the other, in random order: one to a topic whose every
// append is flushed (flush.messages=1), one to a plain twin of it. Both are acknowledged by the leader
// alone. What the first takes longer than the second is the flush:
//
//	flush = max(0, flushed append - median of the last 60 plain appends)
//
// Only means subtract exactly. The difference of quantiles reads low, because the slow appends of one topic
// are not those of the other; the estimate above shifts with the flush as it should, and reads high in
// the tail, because there a slow append without any flush counts as one. It is an upper bound there.
package flush

import "time"

// Append is one record's way into a log.
type Append struct {
	Topic string
	// Took is the time from the start of the write to the broker to the leader's acknowledgement, monotonic;
	// exactly the timeout if there was none by then. 0: nothing was sent, or it failed before the timeout.
	Took   time.Duration
	Reason string // why it was not acknowledged: Kafka's error name or one of the client's; empty if it was
}

// Acked returns whether the leader acknowledged the record in time.
func (a *Append) Acked() bool { return a.Took > 0 && a.Reason == "" }

// Pair is what one round at a broker gave.
type Pair struct {
	Broker  int32 // node id of the leader of both
	Plain   Append
	Flushed *Append // nil if none was sent: it was too soon after the last flush, or is not believed
	LogDir  string  // of the flushed record's partition; only with Flushed

	Flush time.Duration // estimate, may be 0; only if Known
	Known bool
}

// Threshold is a limit of a broker's flushes, because of a topic that it leads.
type Threshold struct {
	Broker   int32
	Topic    string // AnyTopic for the limit that holds for the broker as a whole
	Severity string // warning or critical
	Value    time.Duration
}

// AnyTopic is the topic of thresholds that hold whatever a broker leads. No topic can have this name.
const AnyTopic = "*"

// Refusal is a thing that the cluster does not let us do to a topic of the probe.
type Refusal struct{ Action, Reason string }

// State is what holds until the next State.
type State struct {
	Brokers    []int32 // those that are probed, and those that are away; series of others end
	Thresholds []Threshold
	Refusals   []Refusal
	// Believed says whether the estimate can be made: 1 that a flush is forced where it is asked for, 0 that
	// it is not or that nobody can tell, -1 not known yet.
	Believed int
}

// Sink takes what the probe measures. Its methods are called from several goroutines at once.
type Sink interface {
	// Pair takes a round that has ended. It is not kept.
	Pair(p *Pair)
	// State takes the state from now on. It is kept and must not be changed any more.
	State(s State)
}

// Bounds are the upper bounds, in seconds, of the classic buckets of the estimate: fine from 1 to 500 ms,
// where disks are, with every threshold that makes sense on a bound.
var Bounds = [...]float64{.001, .002, .003, .005, .0075, .01, .015, .02, .03, .05, .075, .1, .15, .2, .3, .5, 1, 5}
