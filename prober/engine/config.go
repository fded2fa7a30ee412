package engine

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// Acks is how many replicas have to have a record before the broker acknowledges it.
type Acks int

// The values of acks, as Kafka has them.
const (
	AcksAll    Acks = -1
	AcksNone   Acks = 0
	AcksLeader Acks = 1
)

// Config is what an engine runs with. It does not change while the engine runs.
type Config struct {
	Topic        string        // must exist before a partition of it is laid out
	Interval     time.Duration // between two records of a partition
	Timeout      time.Duration // from due to the deadline
	Size         int           // of a record's value in bytes, at least record.HeaderSize
	RandomShare  float64       // of the padding; 1 does not compress
	Acks         Acks
	Strict       bool    // one attempt at each record, the error by name; else a good client's retries
	MaxTopicRate float64 // records/s that all probers together may send to a partition; 0: no limit
	Seed         uint64  // of the schedule; 0: random

	// What follows is for loads; a probe leaves it at zero.

	Granted   bool                   // nothing is due but what Grant lets be
	Unpaced   bool                   // as fast as the cluster takes it: a record is due when it is handed over
	Lingers   bool                   // Options let the producers linger
	Unread    bool                   // nothing is read back: what is acknowledged is delivered
	OneLeg    bool                   // see ledger.Options
	Buffer    int                    // records of a partition that may wait in the client; 0: what is due within a timeout
	Producers int                    // producing clients at most; 0: maxProducers
	Padding   *record.Pool           // instead of RandomShare
	Key       func(uint64) []byte    // of the record of a slot; nil: none
	Options   func(string) []kgo.Opt // beside and instead of the engine's own, by a client's role; may be nil

	// Burst is what a partition gets in each interval instead of a single record; the zero value is one.
	Burst schedule.Burst

	// Client makes a client of the cluster; role says in logs and series what it is for.
	Client func(role string, opts ...kgo.Opt) (*kgo.Client, error)
	// Trouble names the last error of connections and requests to a broker, or to any for
	// ledger.UnknownBroker. It may be nil.
	Trouble func(broker int32) (reason string, at time.Time, ok bool)
	// Reason names an error by the closed set of the label "reason".
	Reason func(error) string
	// Missing is called when the topic seems to be gone or another. It must not block. It may be nil.
	Missing func()

	Sink ledger.Sink
	Log  *slog.Logger

	// GoTimers waits on Go's own timers, which a synctest bubble can see, instead of the kernel's.
	GoTimers bool
}

// Layout is which partitions are probed and who leads them, as last seen.
type Layout struct {
	TopicID    [16]byte
	Partitions []Assignment // those to probe; others stay idle
	Brokers    []int32      // every broker that is known
}

// Assignment is a partition to probe.
type Assignment struct {
	Partition int32
	Leader    int32 // -1 while there is none
	Preferred int32 // its preferred leader
}

const (
	// maxProducers is how many producing clients an engine has at most, unless told otherwise. Up to
	// it each partition has one of its own.
	maxProducers = 32
	// maxPause is the longest that the sender sleeps, so that a stop of the process is noticed.
	maxPause = 500 * time.Millisecond
	// absence is how late a wake-up must be to say that the process did not run.
	absence = time.Second
	// startGrace is how long the prober's own start may take. What is due before is not held
	// against Kafka; after it, it is.
	startGrace = 5 * time.Second
	// sendBatch is how many slots of a partition are taken before the others get their turn.
	sendBatch = 1024
	// loadInterval is the interval from which on a probe is a load. Woken for each record, the sender
	// and the smaller requests that follow would cost 40 % more CPU than a loop on Go's own timers; so
	// it rests between two wake-ups, for a quarter millisecond of lag on the average.
	loadInterval = 2 * time.Millisecond
	loadRest     = 500 * time.Microsecond
	// lingerRest is loadRest of a load whose clients linger: its requests are as large, however often it is woken.
	lingerRest = 100 * time.Microsecond
	// maxLate is how late an alarm may be for the sender to make up for it.
	maxLate = 200 * time.Microsecond
	// flushAt is how many results may wait before a promise hands them on itself.
	flushAt = 256
)

// bufferLimit is how many records of one partition may wait in the client: what is due within a
// timeout, and a little. A slot beyond it is due, and not sent.
func (c *Config) bufferLimit() int {
	const most = 100_000
	if c.Buffer > 0 {
		return c.Buffer
	}
	if n := c.Burst.Slots; n > 0 {
		return int(min(n*uint64(c.Timeout/c.Interval+1)+64, most))
	}
	return min(int(c.Timeout/c.Interval)+64, most)
}

// nominal is the average time between two records of a partition.
func (c *Config) nominal() time.Duration {
	return c.Interval / time.Duration(max(1, c.Burst.Slots))
}

// spacing is the least time between two records of a partition, but for chance.
func (c *Config) spacing() time.Duration {
	if c.Burst.Slots > 0 {
		return c.Burst.Spacing
	}
	return c.Interval
}

// producers is how many producing clients there are at most.
func (c *Config) producers() int {
	if c.Producers > 0 {
		return c.Producers
	}
	return maxProducers
}

// options returns what c sets beside the engine's own options.
func (c *Config) options(role string, own ...kgo.Opt) []kgo.Opt {
	if c.Options == nil {
		return own
	}
	return append(own, c.Options(role)...)
}
