package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// ReplicationSettings are the settings of the collector "replication".
type ReplicationSettings struct {
	Interval           kind.Duration `yaml:"interval" help:"how often every partition's leader and in-sync replicas are asked for"`
	Timeout            kind.Duration `yaml:"timeout" help:"how long the controller may take to answer through a broker; at most a third of the interval"`
	MinISRInterval     kind.Duration `yaml:"min_isr_interval" help:"how often min.insync.replicas of a topic is asked for again"`
	MaxPartitionSeries int           `yaml:"max_partition_series" help:"most partitions in trouble that get a series of their own, the worst first; 0 for none"`

	TopicFilter `yaml:",inline"`
}

const (
	replicationMinInterval = kind.Duration(time.Second)
	replicationMinTimeout  = kind.Duration(100 * time.Millisecond)
)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "replication",
		Help:    "Partitions without a leader or with too few in-sync replicas, internal topics included, and what each broker leads and holds.",
		Default: true,
		New: func() kind.Settings {
			return &ReplicationSettings{
				Interval:           kind.Duration(15 * time.Second),
				Timeout:            kind.Duration(5 * time.Second),
				MinISRInterval:     kind.Duration(time.Minute),
				MaxPartitionSeries: 200,
				TopicFilter:        defaultTopicFilter(),
			}
		},
	})
}

var (
	_ Settings   = (*ReplicationSettings)(nil)
	_ WithRights = (*ReplicationSettings)(nil)
	_ Source     = (*replication)(nil)
)

// Validate implements kind.Settings.
func (s *ReplicationSettings) Validate() error {
	var errs []error
	if s.Interval < replicationMinInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s", replicationMinInterval, s.Interval))
	}
	if s.Timeout < replicationMinTimeout {
		errs = append(errs, kind.Errorf("timeout", "must be at least %s, is %s", replicationMinTimeout, s.Timeout))
	}
	if s.Timeout > s.Interval/3 {
		errs = append(errs, kind.Errorf("timeout", "must be at most a third of the interval of %s, is %s", s.Interval, s.Timeout))
	}
	if s.MinISRInterval < 0 {
		errs = append(errs, kind.Errorf("min_isr_interval", "must not be negative, is %s", s.MinISRInterval))
	}
	if s.MaxPartitionSeries < 0 {
		errs = append(errs, kind.Errorf("max_partition_series", "must not be negative, is %d", s.MaxPartitionSeries))
	}
	return errors.Join(append(errs, s.TopicFilter.Validate())...)
}

// Schedule implements Settings.
func (s *ReplicationSettings) Schedule() Schedule {
	return Schedule{Interval: time.Duration(s.Interval)}
}

// Labels of signal_available, and the rights they take.
const (
	signalReassignments = "reassignments"
	signalMinISR        = "min_isr"
)

var (
	rightTopics        = kind.Right{Operation: "Describe", ResourceType: "Topic", ResourceName: "*", Purpose: "see the partitions of topics: one that it may not describe does not exist for the prober"}
	rightReassignments = describeCluster("tell reassignments from under-replicated partitions")
	rightMinISR        = kind.Right{Operation: "DescribeConfigs", ResourceType: "Topic", ResourceName: "*", Purpose: "know which partitions are at or below min.insync.replicas", Optional: true}
)

// Rights implements WithRights.
func (s *ReplicationSettings) Rights() []kind.Right {
	return []kind.Right{rightTopics, rightReassignments, rightMinISR}
}

// New implements Settings.
func (s *ReplicationSettings) New(env Env) (Source, error) {
	topics, err := s.compile()
	if err != nil {
		return nil, err
	}
	return &replication{
		settings: *s, topics: topics, client: env.Client, account: env.Account, assigned: env.assigned,
		descs: newReplicationDescs(env), minISRs: make(map[string]minISR),
	}, nil
}

// replication counts the partitions of a cluster by their state.
//
// Metadata is what a broker has heard, and a broker without a controller goes on telling what it heard
// last: all healthy. So each refresh first asks a broker for the reassignments, which only the
// controller can answer, and then the same broker for the partitions. Without a controller the state is
// unknown, never healthy.
//
// Budget for 100,000 partitions in 1,000 topics: see eachTopic for what is decoded; kept is a topicCount
// of 150 bytes a topic, 40 bytes a partition in trouble, and the series: 5 a topic of 200 bytes, 1 MB.
type replication struct {
	settings ReplicationSettings
	topics   topicMatcher
	client   *kgo.Client
	account  *Account
	assigned *assignedBrokers
	descs    replicationDescs

	minISRs  map[string]minISR // by topic; belongs to Refresh, as does what follows
	uncapped struct {          // whether min.insync.replicas above the number of replicas is meant
		is    bool
		asked time.Time
	}
}

// Describe implements Source.
func (r *replication) Describe(ch chan<- *prometheus.Desc) { r.descs.describe(ch) }

// Close implements Source.
func (r *replication) Close() {}

// brokersTried is how many brokers a refresh asks for all partitions, one after the other, before it
// gives up: one may freeze or restart on the way.
const brokersTried = 3

// Refresh implements Source.
func (r *replication) Refresh(ctx context.Context) (*Snapshot, error) {
	view, err := askCluster(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	if len(view.brokers) == 0 {
		return nil, errors.New("list brokers: the cluster's metadata names none")
	}
	next := roundRobin(view.ids())
	for range min(brokersTried, len(view.brokers)) {
		var count *replicationCount
		if count, err = r.count(ctx, view, next); err != nil {
			continue
		}
		if err = r.learnMinISRs(ctx, count); err != nil { // of some topics
			err = fmt.Errorf("learn min.insync.replicas: %w", err)
		}
		r.assigned.set(count.assigned(), keepIntervals*time.Duration(r.settings.Interval))
		return r.snapshot(count), err
	}
	return nil, err
}

// count asks one broker for the state of all partitions.
func (r *replication) count(ctx context.Context, view clusterView, next func() int32) (*replicationCount, error) {
	moving, err := r.askReassignments(ctx, next)
	if err != nil {
		return nil, fmt.Errorf("ask the active controller, through a broker: %w", err)
	}
	count := newReplicationCount(view, moving)
	err = eachTopic(ctx, r.client.Broker(int(moving.via)), r.account, func(t topic) {
		if t.err != nil {
			r.account.Failed(-1, fmt.Errorf("describe topic %q: %w", t.name, t.err))
		}
		count.add(t)
	})
	if err != nil {
		r.account.Failed(moving.via, err)
		return nil, err
	}
	return count, nil
}
