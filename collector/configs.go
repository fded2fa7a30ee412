package collector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// ConfigsSettings are the settings of the collector "configs".
type ConfigsSettings struct {
	Interval kind.Duration `yaml:"interval" help:"how often the settings of topics are asked for"`

	TopicFilter `yaml:",inline"`
}

const configsMinInterval = kind.Duration(5 * time.Second)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "configs",
		Help:    "What topics are set to: replication factor, min ISR, retention, largest message, cleanup policy.",
		Default: true,
		New: func() kind.Settings {
			return &ConfigsSettings{Interval: kind.Duration(5 * time.Minute), TopicFilter: detailTopicFilter()}
		},
	})
}

var (
	_ Settings   = (*ConfigsSettings)(nil)
	_ WithRights = (*ConfigsSettings)(nil)
	_ Source     = (*configs)(nil)
)

// Validate implements kind.Settings.
func (s *ConfigsSettings) Validate() error {
	var errs []error
	if s.Interval < configsMinInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s", configsMinInterval, s.Interval))
	}
	return errors.Join(append(errs, s.TopicFilter.Validate())...)
}

// Schedule implements Settings.
func (s *ConfigsSettings) Schedule() Schedule {
	return Schedule{Interval: time.Duration(s.Interval), Budget: min(time.Duration(s.Interval), time.Minute)}
}

var rightConfigs = kind.Right{
	Operation: "DescribeConfigs", ResourceType: "Topic", ResourceName: "*", Purpose: "see the settings of topics", Optional: true,
}

// signalConfigs is the label of signal_available.
const signalConfigs = "topic_configs"

// Rights implements WithRights.
func (s *ConfigsSettings) Rights() []kind.Right { return []kind.Right{rightTopics, rightConfigs} }

// New implements Settings.
func (s *ConfigsSettings) New(env Env) (Source, error) {
	topics, err := s.compile()
	if err != nil {
		return nil, err
	}
	c := &configs{
		settings: *s, topics: topics, client: env.Client, account: env.Account,
		partitions:  env.Desc("topic_partitions", "Partitions of the topic.", "topic"),
		replication: env.Desc("topic_replication_factor", "Replicas of each partition of the topic, the fewest where they differ.", "topic"),
		cleanup:     env.Desc("topic_cleanup_policy_info", "What happens to old records of the topic: cleanup.policy.", "topic", "cleanup_policy"),
		numbers: []topicNumber{
			{keyMinISR, 1, env.Desc("topic_min_isr", "min.insync.replicas of the topic.", "topic")},
			{"retention.ms", 1e-3, env.Desc("topic_retention_seconds", "How long the topic keeps records: retention.ms, +Inf without a limit.", "topic")},
			{"retention.bytes", 1, env.Desc("topic_retention_bytes", "How much each partition of the topic keeps: retention.bytes, +Inf without a limit.", "topic")},
			{"max.message.bytes", 1, env.Desc("topic_max_message_bytes", "Largest record batch that the topic takes: max.message.bytes.", "topic")},
		},
		keys: []string{keyCleanup},
	}
	for _, n := range c.numbers {
		c.keys = append(c.keys, n.key)
	}
	return c, nil
}

// keyCleanup is the topic setting that is a word.
const keyCleanup = "cleanup.policy"

// configs reads the settings of topics.
//
// Budget: a request for 500 topics of 5 settings each is 60 kB, its answer about 150 kB and 1 MB of heap
// while it is decoded; 1,000 topics are 2 requests every 5 minutes, beside the pages of eachTopic. Kept
// are the names of the topics and the series, 7 a topic of 200 bytes: 1.4 MB for 1,000 topics.
type configs struct {
	settings ConfigsSettings
	topics   topicMatcher
	client   *kgo.Client
	account  *Account

	partitions, replication, cleanup *prometheus.Desc
	numbers                          []topicNumber
	keys                             []string // of all settings
}

// topicNumber is a setting that is a number.
type topicNumber struct {
	key  string
	unit float64 // by which the value is multiplied
	desc *prometheus.Desc
}

// configsSeries is how many series a topic has at most.
const configsSeries = 7

// Describe implements Source.
func (c *configs) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.partitions, c.replication, c.cleanup} {
		ch <- d
	}
	for _, n := range c.numbers {
		ch <- n.desc
	}
}

// Close implements Source.
func (c *configs) Close() {}

// Refresh implements Source.
func (c *configs) Refresh(ctx context.Context) (*Snapshot, error) {
	view, err := askCluster(ctx, c.client)
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	broker, err := view.awake(ctx, c.client)
	if err != nil {
		return nil, fmt.Errorf("find a broker that answers: %w", err)
	}
	topics, err := c.list(ctx, broker)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	s := newSnapshot(c.settings.MaxSeries)
	if fit := c.settings.MaxSeries / configsSeries; len(topics) > fit {
		s.dropped = configsSeries * (len(topics) - fit)
		topics = topics[:fit]
	}
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.name
		s.Gauge(c.partitions, float64(t.partitions), t.name)
		s.Gauge(c.replication, float64(t.replicas), t.name)
	}
	return s, c.ask(ctx, s, broker, names)
}

// topicLayout is what the list of topics says of one.
type topicLayout struct {
	name                 string
	partitions, replicas int
}

// list lists the topics that get series.
func (c *configs) list(ctx context.Context, broker *kgo.Broker) (topics []topicLayout, err error) {
	err = eachTopic(ctx, broker, c.account, func(t topic) {
		if t.internal || t.err != nil || len(t.partitions) == 0 || !c.topics.match(t.name) {
			return
		}
		layout := topicLayout{t.name, len(t.partitions), math.MaxInt}
		for i := range t.partitions {
			layout.replicas = min(layout.replicas, len(t.partitions[i].replicas))
		}
		topics = append(topics, layout)
	})
	return topics, err
}

// ask adds the settings of the topics.
func (c *configs) ask(ctx context.Context, s *Snapshot, broker *kgo.Broker, names []string) error {
	var refusal error
	told := false
	err := eachTopicConfig(ctx, broker, names, c.keys, func(topic string, values map[string]string, err error) {
		switch {
		case refused(err):
			refusal = err
		case err != nil: // such as a topic deleted a moment ago
			c.account.Failed(-1, fmt.Errorf("describe configs of topic %q: %w", topic, err))
		default:
			told = true
			c.add(s, topic, values)
		}
	})
	switch {
	case told:
		c.account.Available(signalConfigs)
	case refusal != nil:
		c.account.Unavailable(signalConfigs, rightConfigs, refusal)
	case unsupported(err):
		c.account.Unavailable(signalConfigs, rightConfigs, err)
		return nil
	}
	return err
}

// add adds the settings of one topic, those that the cluster tells.
func (c *configs) add(s *Snapshot, topic string, values map[string]string) {
	if policy, ok := values[keyCleanup]; ok {
		s.Gauge(c.cleanup, 1, topic, policy)
	}
	for _, n := range c.numbers {
		value, err := strconv.ParseFloat(values[n.key], 64)
		switch {
		case err != nil: // not told, or no number
			continue
		case value < 0: // Kafka's -1
			value = math.Inf(1)
		}
		s.Gauge(n.desc, value*n.unit, topic)
	}
}
