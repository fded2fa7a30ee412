package collector

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// QuorumSettings are the settings of the collector "quorum".
type QuorumSettings struct {
	Interval kind.Duration `yaml:"interval" help:"how often the active controller is asked how far the others are"`
	Timeout  kind.Duration `yaml:"timeout" help:"time without an answer after which a refresh has failed; at most half the interval"`
}

const (
	quorumMinInterval = kind.Duration(time.Second)
	quorumMinTimeout  = kind.Duration(100 * time.Millisecond)
)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "quorum",
		Help:    "How far the controllers and brokers of a KRaft cluster are in its metadata log.",
		Default: true,
		New: func() kind.Settings {
			return &QuorumSettings{Interval: kind.Duration(15 * time.Second), Timeout: kind.Duration(3 * time.Second)}
		},
	})
}

var (
	_ Settings   = (*QuorumSettings)(nil)
	_ WithRights = (*QuorumSettings)(nil)
	_ Source     = (*quorum)(nil)
)

// Validate implements kind.Settings.
func (s *QuorumSettings) Validate() error {
	errs := checkTimes(s.Interval, quorumMinInterval, s.Timeout, quorumMinTimeout)
	return errors.Join(errs...)
}

// Schedule implements Settings.
func (s *QuorumSettings) Schedule() Schedule { return Schedule{Interval: time.Duration(s.Interval)} }

var rightQuorum = describeCluster("know how far the controllers and brokers are in the metadata log")

// Rights implements WithRights.
func (s *QuorumSettings) Rights() []kind.Right { return []kind.Right{rightQuorum} }

// signalQuorum is the label of signal_available.
const signalQuorum = "quorum"

// New implements Settings. The client is the collector's own, see controllerWatch.
func (s *QuorumSettings) New(env Env) (Source, error) {
	client, err := env.Factory.Client("quorum", kgo.RequestTimeoutOverhead(time.Duration(s.Timeout)))
	if err != nil {
		return nil, err
	}
	return &quorum{
		settings: *s, client: client, account: env.Account,
		leader:    env.Desc("quorum_leader_info", "Which node leads the metadata quorum.", "broker"),
		epoch:     env.Desc("quorum_leader_epoch", "Epoch of the metadata quorum's leader; it grows with every election."),
		watermark: env.Desc("quorum_high_watermark", "Offset up to which a majority of the voters has the metadata log."),
		voters:    env.Desc("quorum_voters", "Nodes that vote in the metadata quorum."),
		observers: env.Desc("quorum_observers", "Nodes that follow the metadata log without a vote: brokers, and controllers that are being added."),
		records:   env.Desc("quorum_lag_records", "Records of the metadata log that the node has not fetched from the leader.", "broker", "role"),
		seconds:   env.Desc("quorum_lag_seconds", "Time since the node last had the whole metadata log, by the leader's clock; absent while it never had.", "broker", "role"),
	}, nil
}

// quorum follows the metadata log of a KRaft cluster. One request and one answer of about 30 bytes a
// node, whatever the number of partitions.
type quorum struct {
	settings QuorumSettings
	client   *kgo.Client
	account  *Account

	leader, epoch, watermark, voters, observers, records, seconds *prometheus.Desc
}

// Describe implements Source.
func (q *quorum) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{q.leader, q.epoch, q.watermark, q.voters, q.observers, q.records, q.seconds} {
		ch <- d
	}
}

// Close implements Source.
func (q *quorum) Close() { q.client.Close() }

// Refresh implements Source. A cluster without a quorum, or one that does not tell, is no failure.
func (q *quorum) Refresh(ctx context.Context) (*Snapshot, error) {
	limit := time.Duration(q.settings.Timeout)
	ctx, cancel := context.WithTimeout(ctx, 2*limit) // to find a broker, and to ask it
	defer cancel()
	view, err := askCluster(ctx, q.client)
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	next := roundRobin(view.ids())
	type answer struct {
		state    quorumState
		withheld error
	}
	got, err := hedge(ctx, func(ctx context.Context) (answer, error) {
		state, err := describeQuorum(ctx, q.client.Broker(int(next())), limit)
		if withheld(err) { // by the others too
			return answer{withheld: err}, nil
		}
		return answer{state: state}, err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask the active controller, through a broker: %w", err)
	case got.withheld != nil:
		q.account.Unavailable(signalQuorum, rightQuorum, got.withheld)
		return new(Snapshot), nil
	}
	q.account.Available(signalQuorum)
	return q.snapshot(got.state), nil
}

func (q *quorum) snapshot(state quorumState) *Snapshot {
	s := new(Snapshot)
	s.Gauge(q.epoch, float64(state.LeaderEpoch))
	s.Gauge(q.watermark, float64(state.HighWatermark))
	s.Gauge(q.voters, float64(len(state.CurrentVoters)))
	s.Gauge(q.observers, float64(len(state.Observers)))
	if state.LeaderID < 0 {
		return s // nobody to lag behind
	}
	s.Gauge(q.leader, 1, strconv.Itoa(int(state.LeaderID)))
	var leader *quorumReplica
	for i := range state.CurrentVoters {
		if state.CurrentVoters[i].ReplicaID == state.LeaderID {
			leader = &state.CurrentVoters[i]
		}
	}
	if leader == nil { // it has just been removed
		return s
	}
	q.lags(s, leader, state.CurrentVoters, "voter")
	q.lags(s, leader, state.Observers, "observer")
	return s
}

// lags adds how far nodes are behind the leader. Both times are by the leader's clock, its own being the
// instant of its answer.
func (q *quorum) lags(s *Snapshot, leader *quorumReplica, replicas []quorumReplica, role string) {
	for _, r := range replicas {
		id := strconv.Itoa(int(r.ReplicaID))
		if r.LogEndOffset >= 0 { // -1 before its first fetch from this leader
			s.Gauge(q.records, float64(max(leader.LogEndOffset-r.LogEndOffset, 0)), id, role)
		}
		if leader.LastCaughtUpTimestamp > 0 && r.LastCaughtUpTimestamp > 0 {
			s.Gauge(q.seconds, float64(max(leader.LastCaughtUpTimestamp-r.LastCaughtUpTimestamp, 0))/1e3, id, role)
		}
	}
}

type (
	quorumState   = kmsg.DescribeQuorumResponseTopicPartition
	quorumReplica = kmsg.DescribeQuorumResponseTopicPartitionReplicaState
)

// describeQuorum asks the active controller through a broker. The error is Kafka's own where there is one.
func describeQuorum(ctx context.Context, broker *kgo.Broker, limit time.Duration) (quorumState, error) {
	req := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic = "__cluster_metadata"
	t.Partitions = append(t.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, t)
	resp, err := request[*kmsg.DescribeQuorumResponse](ctx, broker, req, limit)
	if err != nil {
		return quorumState{}, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return quorumState{}, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return quorumState{}, errors.New("the answer does not hold the metadata log's one partition")
	}
	state := resp.Topics[0].Partitions[0]
	return state, kerr.ErrorForCode(state.ErrorCode)
}
