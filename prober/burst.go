package prober

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/engine"
	"github.com/kafka-prober/kafka_prober/prober/record"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// BurstSettings are the settings of the kind "burst".
type BurstSettings struct {
	Interval          kind.Duration `yaml:"interval" help:"one burst to each broker in each interval, at a random instant of its first two fifths, or when the one to another broker is over"`
	Records           int           `yaml:"records" help:"records of a burst, to each broker"`
	Size              kind.Bytes    `yaml:"size" help:"size of a record's value"`
	Rate              float64       `yaml:"rate" help:"records per second and broker during a burst; 0 is as many as max_bytes_per_second allows"`
	Linger            kind.Duration `yaml:"linger" help:"how long a client waits for a batch to fill; it is part of the latencies. 0 sends every record at once, which is felt by others"`
	MaxBytesPerSecond kind.Bytes    `yaml:"max_bytes_per_second" help:"upper bound of what a burst may send to a broker, in bytes of values per second"`
	MaxTimeShare      float64       `yaml:"max_time_share" help:"upper bound of the share of time that bursts to a broker may take"`
	Timeout           kind.Duration `yaml:"timeout" help:"deadline of a record, from the instant it was due; one not delivered by then counts as this late"`
	Acks              string        `yaml:"acks" enum:"all|leader|none" help:"replicas that must have a record before the broker acknowledges it"`
	Retries           bool          `yaml:"retries" help:"true: as a good client, try until it works, idempotent if acks is all; false: one attempt at each record, the error by its name"`
	Topic             string        `yaml:"topic" help:"topic to probe, of its own: bursts would be in the way of another probe; one that exists is used as it is"`
	ReplicationFactor int           `yaml:"replication_factor" default:"3, or the number of brokers if there are fewer" help:"replication factor of the topic when it is created"`
	TopicConfig       TopicConfig   `yaml:"topic_config" default:"the prober's own" help:"settings of the topic when it is created, beside or instead of the prober's own, by Kafka's names"`
}

const (
	minBurstInterval = kind.Duration(time.Second)
	maxBurstRecords  = 1_000_000
	maxBurstLinger   = kind.Duration(time.Second)
	// maxBurstBytes and maxBurstShare are what no configuration may exceed: a daemon's burst is a probe.
	// What measures how much a cluster can take is the command bench.
	maxBurstBytes = kind.Bytes(100 << 20)
	maxBurstShare = 0.5
	// burstRoom is the share of the interval in which a burst and the deadlines of its records have to
	// end, and jitterShare the share in which it may begin: then the last record of a burst is judged
	// before the next one begins.
	burstRoom   = 0.6
	jitterShare = 1 - burstRoom
	// heavy is from how many bytes/s a burst may be felt by others, so that alerts should know of it.
	heavy = 10e6
)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "burst",
		Help:    "A short burst of records now and then: what each broker can take, not only how fast it answers.",
		Default: true,
		New: func() kind.Settings {
			return &BurstSettings{
				Interval:          kind.Duration(time.Minute),
				Records:           100,
				Size:              1 << 10,
				Rate:              1000,
				Linger:            kind.Duration(10 * time.Millisecond),
				MaxBytesPerSecond: 20 << 20,
				MaxTimeShare:      0.1,
				Timeout:           kind.Duration(30 * time.Second),
				Acks:              "all",
				Retries:           true,
				Topic:             "kafka-prober-burst-internal",
			}
		},
	})
}

var _ Settings = (*BurstSettings)(nil)

// Validate implements kind.Settings.
func (s *BurstSettings) Validate() error {
	var errs []error
	if s.Interval < minBurstInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s", minBurstInterval, s.Interval))
	}
	if s.Records < 2 || s.Records > maxBurstRecords {
		errs = append(errs, kind.Errorf("records", "must be from 2 to %d, is %d", maxBurstRecords, s.Records))
	}
	if s.Size < record.HeaderSize || s.Size > maxRecordSize {
		errs = append(errs, kind.Errorf("size", "must be from %s (the header) to %s, is %s", kind.Bytes(record.HeaderSize), maxRecordSize, s.Size))
	}
	if s.MaxBytesPerSecond < 1 || s.MaxBytesPerSecond > maxBurstBytes {
		errs = append(errs, kind.Errorf("max_bytes_per_second", "must be from 1 to %s, is %s: to find out what the cluster can take use the command bench", maxBurstBytes, s.MaxBytesPerSecond))
	}
	if s.MaxTimeShare <= 0 || s.MaxTimeShare > maxBurstShare {
		errs = append(errs, kind.Errorf("max_time_share", "must be above 0 and at most %v, is %v", maxBurstShare, s.MaxTimeShare))
	}
	if s.Rate < 0 || s.Rate > 1e6 {
		errs = append(errs, kind.Errorf("rate", "must be from 0 (as max_bytes_per_second allows) to 1000000 records per second, is %v", s.Rate))
	}
	if s.Linger < 0 || s.Linger > maxBurstLinger {
		errs = append(errs, kind.Errorf("linger", "must be from 0 to %s, is %s", maxBurstLinger, s.Linger))
	}
	if s.Timeout < minSteadyTimeout {
		errs = append(errs, kind.Errorf("timeout", "must be at least %s, is %s", minSteadyTimeout, s.Timeout))
	}
	if err := topics.CheckName(s.Topic); err != nil {
		errs = append(errs, kind.Errorf("topic", "%v", err))
	}
	if s.ReplicationFactor < 0 || s.ReplicationFactor > 1<<15-1 {
		errs = append(errs, kind.Errorf("replication_factor", "must be a number of brokers, is %d", s.ReplicationFactor))
	}
	if len(errs) == 0 {
		errs = append(errs, s.validatePace())
	}
	return errors.Join(errs...)
}

// validatePace refuses settings that are good one by one and not together.
func (s *BurstSettings) validatePace() error {
	burst := s.burst()
	length := burst.Length()
	interval := time.Duration(s.Interval)
	switch {
	case s.Rate*float64(s.Size) > float64(s.MaxBytesPerSecond):
		return kind.Errorf("rate", "%v records of %s are more than max_bytes_per_second, %s: lower the rate, or leave it to the limit with 0",
			s.Rate, s.Size, s.MaxBytesPerSecond)
	case length.Seconds() > s.MaxTimeShare*interval.Seconds():
		return kind.Errorf("records", "a burst would take %v of each %v, above max_time_share, %v: send fewer records, faster or less often",
			length.Round(time.Millisecond), interval, s.MaxTimeShare)
	case (length + time.Duration(s.Timeout)).Seconds() > burstRoom*interval.Seconds():
		return kind.Errorf("timeout", "a burst of %v and a timeout of %v do not end before the next burst may begin, %v later: shorten the timeout or lengthen the interval",
			length.Round(time.Millisecond), time.Duration(s.Timeout), time.Duration(burstRoom*float64(interval)))
	}
	return nil
}

// burst is one burst to each broker.
func (s *BurstSettings) burst() schedule.Burst {
	return schedule.Burst{
		Slots:   uint64(s.Records),
		Spacing: s.spacing(),
		Jitter:  time.Duration(jitterShare * float64(s.Interval)),
		Rest:    time.Duration(s.Timeout),
	}
}

// spacing is the time between two records of a burst.
func (s *BurstSettings) spacing() time.Duration {
	if s.Rate > 0 {
		return time.Duration(float64(time.Second) / s.Rate)
	}
	return max(time.Microsecond, time.Duration(float64(time.Second)*float64(s.Size)/float64(s.MaxBytesPerSecond)))
}

// Promise implements Settings.
func (s *BurstSettings) Promise() Promise {
	return Promise{
		Topic:      s.Topic,
		Interval:   time.Duration(s.Interval),
		Timeout:    time.Duration(s.Timeout),
		RecordSize: int(s.Size),
		Lean:       true,
	}
}

// Topics implements Settings.
func (s *BurstSettings) Topics() []topics.Spec {
	return []topics.Spec{{
		Topic:             s.Topic,
		ReplicationFactor: int16(s.ReplicationFactor),
		Config:            s.TopicConfig,
		MaxMessageBytes:   int(s.Size) + batchOverhead,
	}}
}

// Rights implements Settings.
func (s *BurstSettings) Rights(mode topics.Mode) []kind.Right {
	return topicRights(s.Topic, mode)
}

// Run implements Settings.
func (s *BurstSettings) Run(ctx context.Context, env Env) error {
	burst := s.burst()
	meter := newBurstMeter(env.Sink, burst, int(s.Size))
	env.Sink = meter
	return runEngine(ctx, env, s.Topics()[0], engine.Config{
		Interval: time.Duration(s.Interval), Timeout: time.Duration(s.Timeout), Burst: burst,
		Size: int(s.Size), Acks: acks[s.Acks], Strict: !s.Retries, Options: s.options,
		// A burst is not slowed down for its own size, only for other probers'.
		MaxTopicRate: max(env.MaxTopicRate, float64(s.Records)/time.Duration(s.Interval).Seconds()),
	}, meter.add)
}

// options are what the clients have beside the engine's own. Requests are what a broker works for, more than
// records: batches of some milliseconds leave the steady probe where it is.
func (s *BurstSettings) options(role string) []kgo.Opt {
	if role != "producer" {
		return nil
	}
	return []kgo.Opt{kgo.ProducerLinger(time.Duration(s.Linger))}
}
