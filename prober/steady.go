package prober

import (
	"context"
	"errors"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/engine"
	"github.com/kafka-prober/kafka_prober/prober/record"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// TopicConfig is settings of a topic by Kafka's names, as in retention.ms.
type TopicConfig map[string]string

// SteadySettings are the settings of the kind "steady".
type SteadySettings struct {
	Interval          kind.Duration `yaml:"interval" help:"one record per probed partition in each interval, at a random instant of it"`
	Timeout           kind.Duration `yaml:"timeout" help:"deadline of a record, from the instant it was due; one not delivered by then counts as this late"`
	Size              kind.Bytes    `yaml:"size" help:"size of a record's value"`
	Acks              string        `yaml:"acks" enum:"all|leader|none" help:"replicas that must have a record before the broker acknowledges it"`
	Retries           bool          `yaml:"retries" help:"true: as a good client, try until it works, idempotent if acks is all; false: one attempt at each record, the error by its name"`
	Topic             string        `yaml:"topic" help:"topic to probe; one that exists is used as it is"`
	ReplicationFactor int           `yaml:"replication_factor" default:"3, or the number of brokers if there are fewer" help:"replication factor of the topic when it is created"`
	TopicConfig       TopicConfig   `yaml:"topic_config" default:"the prober's own" help:"settings of the topic when it is created, beside or instead of the prober's own, by Kafka's names"`
	SLO               SLO           `yaml:"slo" help:"what the records are to achieve"`
	Thresholds        Thresholds    `yaml:"thresholds" help:"limits of the 95th percentile; each below the timeout"`
}

const (
	minSteadyInterval = kind.Duration(time.Millisecond)
	minSteadyTimeout  = kind.Duration(100 * time.Millisecond)
	maxSteadyTimeout  = kind.Duration(10 * time.Minute)
	maxRecordSize     = kind.Bytes(64 << 20)
	// batchOverhead is what a batch of one record adds to its value, and some.
	batchOverhead = 256
)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "steady",
		Help:    "Continuous low-rate produce-to-consume latency, per broker.",
		Default: true,
		New: func() kind.Settings {
			return &SteadySettings{
				Interval:   kind.Duration(100 * time.Millisecond),
				Timeout:    kind.Duration(30 * time.Second),
				Size:       128,
				Acks:       "all",
				Retries:    true,
				Topic:      "kafka-prober-steady-internal",
				SLO:        defaultSLO,
				Thresholds: defaultThresholds,
			}
		},
	})
}

var _ Settings = (*SteadySettings)(nil)

// Validate implements kind.Settings.
func (s *SteadySettings) Validate() error {
	var errs []error
	if s.Interval < minSteadyInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s", minSteadyInterval, s.Interval))
	}
	if s.Timeout < minSteadyTimeout || s.Timeout > maxSteadyTimeout {
		errs = append(errs, kind.Errorf("timeout", "must be from %s to %s, is %s", minSteadyTimeout, maxSteadyTimeout, s.Timeout))
	}
	if s.Size < record.HeaderSize || s.Size > maxRecordSize {
		errs = append(errs, kind.Errorf("size", "must be from %s (the header) to %s, is %s",
			kind.Bytes(record.HeaderSize), maxRecordSize, s.Size))
	}
	if err := topics.CheckName(s.Topic); err != nil {
		errs = append(errs, kind.Errorf("topic", "%v", err))
	}
	if s.ReplicationFactor < 0 || s.ReplicationFactor > 1<<15-1 {
		errs = append(errs, kind.Errorf("replication_factor", "must be a number of brokers, is %d", s.ReplicationFactor))
	}
	errs = append(errs,
		kind.Nest("slo", s.SLO.validate(s.Timeout)),
		kind.Nest("thresholds.end_to_end", s.Thresholds.EndToEnd.validate(s.Timeout)))
	return errors.Join(errs...)
}

// Promise implements Settings.
func (s *SteadySettings) Promise() Promise {
	return Promise{
		Topic:      s.Topic,
		Interval:   time.Duration(s.Interval),
		Timeout:    time.Duration(s.Timeout),
		RecordSize: int(s.Size),
		Objective:  s.SLO.Objective,
		SLOLatency: time.Duration(s.SLO.Latency),
		Thresholds: s.Thresholds.EndToEnd.list("end_to_end"),
	}
}

// Topics implements Settings.
func (s *SteadySettings) Topics() []topics.Spec {
	return []topics.Spec{{
		Topic:             s.Topic,
		ReplicationFactor: int16(s.ReplicationFactor),
		Config:            s.TopicConfig,
		MaxMessageBytes:   int(s.Size) + batchOverhead,
	}}
}

// Rights implements Settings.
func (s *SteadySettings) Rights(mode topics.Mode) []kind.Right {
	return topicRights(s.Topic, mode)
}

// topicRights returns what a probe needs to send to a topic, read it back and take care of it.
func topicRights(topic string, mode topics.Mode) []kind.Right {
	on := func(operation, purpose string, optional bool) kind.Right {
		return kind.Right{Operation: operation, ResourceType: "Topic", ResourceName: topic, Purpose: purpose, Optional: optional}
	}
	rights := []kind.Right{
		on("Write", "send probe records", false),
		on("Read", "read them back", false),
		on("Describe", "find the topic's leaders and offsets", false),
		on("DescribeConfigs", "see whether the topic's settings can serve", true),
	}
	if mode >= topics.ModeCreate {
		rights = append(rights,
			on("Create", "create the topic when it is missing", true),
			on("Alter", "add partitions for new brokers", true),
			kind.Right{Operation: "Alter", ResourceType: "Cluster", ResourceName: "kafka-cluster", Purpose: "elect preferred leaders after a restart", Optional: true},
			kind.Right{Operation: "Describe", ResourceType: "Cluster", ResourceName: "kafka-cluster", Purpose: "see brokers that are registered but away", Optional: true})
	}
	if mode >= topics.ModeFull {
		rights = append(rights, on("AlterConfigs", "repair the topic's settings", true))
	}
	return rights
}

// Run implements Settings.
func (s *SteadySettings) Run(ctx context.Context, env Env) error {
	return runEngine(ctx, env, s.Topics()[0], engine.Config{
		Interval: time.Duration(s.Interval), Timeout: time.Duration(s.Timeout),
		Size: int(s.Size), Acks: acks[s.Acks], Strict: !s.Retries,
		MaxTopicRate: env.MaxTopicRate,
	}, nil)
}
