package prober

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// FlushSettings are the settings of the kind "flush".
type FlushSettings struct {
	Interval          kind.Duration   `yaml:"interval" help:"one pair of records, flushed and plain, per broker in each interval, at a random instant of it"`
	PauseFactor       float64         `yaml:"pause_factor" help:"a broker is made to flush again after so many times as long as its last flush took, for each replica of the topic, at the earliest, or after 15m; 0: at the interval alone"`
	Timeout           kind.Duration   `yaml:"timeout" help:"a record that is not acknowledged by then counts as this late"`
	Topic             string          `yaml:"topic" help:"topic whose appends are each flushed to disk; made where that has an effect only"`
	PlainTopic        string          `yaml:"plain_topic" help:"its twin whose appends are not flushed"`
	ReplicationFactor int             `yaml:"replication_factor" default:"3, or the number of brokers if there are fewer" help:"replication factor of both topics when they are created; the followers flush too"`
	Thresholds        FlushThresholds `yaml:"thresholds" help:"limits of the 95th percentile of log_flush_seconds"`
}

// FlushThresholds are the limits of a broker's flushes, in the configuration.
type FlushThresholds struct {
	LogFlush Limits            `yaml:"log_flush" help:"of any broker; 0s: none"`
	Topics   map[string]Limits `yaml:"topics" default:"none" help:"of a broker that leads a partition of the topic, by topic; 0s: none"`
}

const (
	minFlushInterval = kind.Duration(10 * time.Millisecond)
	minFlushTimeout  = kind.Duration(time.Second) // the least that kgo takes
	maxFlushTimeout  = kind.Duration(time.Minute)
)

func init() {
	Kinds.Register(kind.Kind{
		Name:        "flush",
		Help:        "Time that a broker's log takes for an append and for a flush to disk, without JMX: each broker gets one record that it must flush and one that it need not.",
		Default:     true,
		OneListener: true, // another one would flush as often again
		New: func() kind.Settings {
			return &FlushSettings{
				Interval:    kind.Duration(10 * time.Second),
				PauseFactor: 100,
				Timeout:     kind.Duration(10 * time.Second),
				Topic:       "kafka-prober-flush-internal",
				PlainTopic:  "kafka-prober-flush-plain-internal",
				Thresholds: FlushThresholds{LogFlush: Limits{
					Warning:  kind.Duration(100 * time.Millisecond),
					Critical: kind.Duration(500 * time.Millisecond),
				}},
			}
		},
	})
}

var _ Settings = (*FlushSettings)(nil)

// Validate implements kind.Settings.
func (s *FlushSettings) Validate() error {
	var errs []error
	if s.Interval < minFlushInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s: each pair makes a broker and its followers flush", minFlushInterval, s.Interval))
	}
	if !(s.PauseFactor >= 0 && s.PauseFactor <= 1e6) { // NaN neither
		errs = append(errs, kind.Errorf("pause_factor", "must be from 0 to 1000000, is %v", s.PauseFactor))
	}
	if s.Timeout < minFlushTimeout || s.Timeout > maxFlushTimeout {
		errs = append(errs, kind.Errorf("timeout", "must be from %s to %s, is %s", minFlushTimeout, maxFlushTimeout, s.Timeout))
	}
	if err := topics.CheckName(s.Topic); err != nil {
		errs = append(errs, kind.Errorf("topic", "%v", err))
	}
	if err := topics.CheckName(s.PlainTopic); err != nil {
		errs = append(errs, kind.Errorf("plain_topic", "%v", err))
	}
	if s.Topic == s.PlainTopic {
		errs = append(errs, kind.Errorf("plain_topic", "must be another topic than %q: flush.messages belongs to a topic", s.Topic))
	}
	if s.ReplicationFactor < 0 || s.ReplicationFactor > 1<<15-1 {
		errs = append(errs, kind.Errorf("replication_factor", "must be a number of brokers, is %d", s.ReplicationFactor))
	}
	errs = append(errs, kind.Nest("thresholds.log_flush", s.Thresholds.LogFlush.validateFlush()))
	for _, topic := range slices.Sorted(maps.Keys(s.Thresholds.Topics)) {
		errs = append(errs, kind.Nest("thresholds.topics."+topic, s.Thresholds.Topics[topic].validateFlush()))
		if err := topics.CheckName(topic); err != nil {
			errs = append(errs, kind.Errorf("thresholds.topics", "%v", err))
		}
	}
	return errors.Join(errs...)
}

// validateFlush refuses a limit that no quantile of the estimate can be seen to reach.
func (l Limits) validateFlush() error {
	highest := kind.Duration(flush.Bounds[len(flush.Bounds)-1] * float64(time.Second))
	check := func(key string, value kind.Duration) error {
		if value > highest {
			return kind.Errorf(key, "must be at most %s, the largest bound of the classic histogram, is %s", highest, value)
		}
		return nil
	}
	return errors.Join(check("warning", l.Warning), check("critical", l.Critical))
}

// Promise implements Settings.
func (s *FlushSettings) Promise() Promise {
	return Promise{Topic: s.PlainTopic, Interval: time.Duration(s.Interval), Timeout: time.Duration(s.Timeout), Appends: true}
}

// Topics implements Settings.
func (s *FlushSettings) Topics() []topics.Spec { return []topics.Spec{s.flushed(), s.plain()} }

// flushed is the topic whose appends are each flushed. One that does not flush is of no use.
func (s *FlushSettings) flushed() topics.Spec {
	return topics.Spec{
		Topic: s.Topic, ReplicationFactor: int16(s.ReplicationFactor), MaxMessageBytes: flushRecordSize + batchOverhead,
		Config: map[string]string{"flush.messages": "1"},
	}
}

// plain is its twin. Brokers whose default is to flush need the setting; those that don't know it do without.
func (s *FlushSettings) plain() topics.Spec {
	return topics.Spec{
		Topic: s.PlainTopic, ReplicationFactor: int16(s.ReplicationFactor), MaxMessageBytes: flushRecordSize + batchOverhead,
		Optional: map[string]string{"flush.messages": "9223372036854775807"},
	}
}

// Rights implements Settings.
func (s *FlushSettings) Rights(mode topics.Mode) []kind.Right {
	var rights []kind.Right
	for _, topic := range []string{s.PlainTopic, s.Topic} {
		for _, r := range topicRights(topic, mode) {
			switch r.Operation {
			case "Read":
				continue // nobody reads them back
			case "DescribeConfigs":
				r.Purpose = "see whether a flush is forced; without it log_flush_seconds is absent"
			}
			r.Optional = r.Optional || topic == s.Topic
			rights = append(rights, r)
		}
	}
	if mode == topics.ModeNone {
		rights = append(rights, kind.Right{Operation: "Describe", ResourceType: "Cluster", ResourceName: "kafka-cluster",
			Purpose: "see which log dir a flush goes to", Optional: true})
	}
	for _, topic := range slices.Sorted(maps.Keys(s.Thresholds.Topics)) {
		rights = append(rights, kind.Right{Operation: "Describe", ResourceType: "Topic", ResourceName: topic,
			Purpose: "see which brokers its threshold holds for", Optional: true})
	}
	return rights
}
