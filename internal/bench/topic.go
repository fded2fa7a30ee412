package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/engine"
)

// topicTimeout is how long the cluster may take to make a topic and give it leaders, or to delete it.
const topicTimeout = 30 * time.Second

// benchTopic is the topic of a run.
type benchTopic struct {
	name   string
	id     kadm.TopicID // of what was made; zero if it was there or brokers have none
	layout engine.Layout
	admin  *kgo.Client
	remove bool // it was made for the run, and goes with it
}

// index returns a partition's place in the layout.
func (t *benchTopic) index(partition int32) int {
	return slices.IndexFunc(t.layout.Partitions, func(a engine.Assignment) bool { return a.Partition == partition })
}

// newTopic returns a topic that is not looked for yet. It is to be closed.
func newTopic(env Env, name string) (*benchTopic, error) {
	client, err := env.Client("admin", kgo.RequestRetries(3))
	if err != nil {
		return nil, err
	}
	return &benchTopic{name: name, admin: client}, nil
}

// prepare makes the topic of a run, or finds the one that the plan names, and waits for its leaders. The
// note is of parameters that the topic does not have.
func (t *benchTopic) prepare(ctx context.Context, p *Plan, c *PlannedCase) (note string, err error) {
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	admin := kadm.NewClient(t.admin)
	found := false
	if p.Options.Topic != "" && !p.remade { // asked for first: who may use it need not have the right to make it
		if found, err = t.exists(ctx, admin); err != nil {
			return "", err
		}
	}
	if !found {
		if err := t.create(ctx, admin, p, c); err != nil {
			return "", err
		}
	}
	replicas, err := t.awaitLeaders(ctx, admin)
	if err != nil {
		return "", err
	}
	partitions := len(t.layout.Partitions)
	if partitions < c.Producers {
		return "", fmt.Errorf("topic %s has %d partition(s), too few for --producers %d: each sender needs one of its own", t.name, partitions, c.Producers)
	}
	if found && (c.Partitions > 0 && c.Partitions != partitions || c.ReplicationFactor > 0 && c.ReplicationFactor != replicas) {
		note = fmt.Sprintf("topic %s was there, with %d partition(s) and replication factor %d: it was used as it is", t.name, partitions, replicas)
	}
	c.Partitions, c.ReplicationFactor = partitions, replicas
	return note, nil
}

// exists returns whether the topic is there.
func (t *benchTopic) exists(ctx context.Context, admin *kadm.Client) (bool, error) {
	seen, err := admin.Metadata(ctx, t.name)
	if err == nil {
		err = seen.Topics[t.name].Err
	}
	switch {
	case err == nil, errors.Is(err, kerr.LeaderNotAvailable):
		return true, nil
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return false, nil
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return false, fmt.Errorf("ask for topic %s: %w: this principal needs the rights Describe, Write and Read on it", t.name, err)
	}
	return false, fmt.Errorf("ask for topic %s: %w", t.name, err)
}

// create makes the topic. That is not cut short: what is half made could not be deleted.
func (t *benchTopic) create(ctx context.Context, admin *kadm.Client, p *Plan, c *PlannedCase) error {
	seen, err := admin.ListBrokers(ctx)
	if err != nil {
		return fmt.Errorf("ask for the brokers: %w", err)
	}
	brokers := len(seen)
	partitions, rf := c.Partitions, c.ReplicationFactor
	if partitions == 0 {
		partitions = max(brokers, c.Producers)
	}
	if rf == 0 {
		rf = min(3, brokers)
	}
	config := map[string]*string{}
	for key, value := range p.config {
		config[key] = kadm.StringPtr(value)
	}
	if _, given := config["max.message.bytes"]; !given && max(c.BatchSize, c.Size+1024) > 1<<20-4096 {
		config["max.message.bytes"] = kadm.StringPtr(fmt.Sprint(max(c.BatchSize, c.Size+1024) + 4096))
	}
	ours := p.Options.Topic == "" // of a random name
	t.remove = ours && !p.Options.KeepTopic
	making, cancel := context.WithTimeout(context.WithoutCancel(ctx), topicTimeout)
	defer cancel()
	answer, err := admin.CreateTopic(making, int32(partitions), int16(rf), config, t.name)
	var refused *kerr.Error
	if err == nil {
		t.id, t.remove = answer.ID, !p.Options.KeepTopic
		p.remade = t.remove
		return nil
	}
	if errors.Is(err, kerr.TopicAlreadyExists) { // another's; or ours, and an answer was lost
		return nil
	}
	if errors.As(err, &refused) && !refused.Retriable {
		t.remove = false
	}
	switch {
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return fmt.Errorf("create topic %s with replication factor %d on %d brokers: %w: give --replication-factor", t.name, rf, brokers, err)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("create topic %s: %w: this principal needs the right Create on it or on the cluster; or name a topic that is there with --topic", t.name, err)
	case answer.ErrMessage != "":
		return fmt.Errorf("create topic %s: %w: %s", t.name, err, answer.ErrMessage)
	}
	return fmt.Errorf("create topic %s: %w", t.name, err)
}

// awaitLeaders waits until each partition has a leader that answers for it, and returns the replicas of one.
func (t *benchTopic) awaitLeaders(ctx context.Context, admin *kadm.Client) (replicas int, err error) {
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		seen, asked := admin.Metadata(ctx, t.name)
		if asked == nil {
			if replicas, err = t.adopt(seen); err == nil {
				return replicas, nil
			}
		} else if err == nil || ctx.Err() == nil { // at the end of the time the last answer tells more
			err = asked
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("topic %s can't be used after %v: %w: see `kafka_prober check` for what is in the way", t.name, topicTimeout, err)
		case <-poll.C:
		}
	}
}

// adopt takes the layout over if every partition has a leader.
func (t *benchTopic) adopt(seen kadm.Metadata) (replicas int, err error) {
	topic, found := seen.Topics[t.name]
	switch {
	case topic.Err != nil:
		return 0, topic.Err
	case !found || len(topic.Partitions) == 0, t.id != kadm.TopicID{} && topic.ID != t.id: // or what was there before
		return 0, errors.New("the brokers do not know it yet")
	}
	l := engine.Layout{TopicID: topic.ID, Brokers: seen.Brokers.NodeIDs()}
	for _, p := range topic.Partitions.Sorted() {
		if p.Leader < 0 || len(p.Replicas) == 0 {
			return 0, errors.Join(fmt.Errorf("partition %d has no leader", p.Partition), p.Err)
		}
		if p.Err != nil {
			return 0, fmt.Errorf("partition %d: %w", p.Partition, p.Err)
		}
		l.Partitions = append(l.Partitions, engine.Assignment{Partition: p.Partition, Leader: p.Leader, Preferred: p.Replicas[0]})
		replicas = len(p.Replicas)
	}
	t.layout = l
	return replicas, nil
}

// close deletes the topic if it was made for the run. It does so also when the run was interrupted.
func (t *benchTopic) close() error {
	defer t.admin.Close()
	if !t.remove {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), topicTimeout)
	defer cancel()
	if _, err := kadm.NewClient(t.admin).DeleteTopic(ctx, t.name); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("topic %s could not be deleted: %w: delete it by hand", t.name, err)
	}
	return nil
}
