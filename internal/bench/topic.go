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
	layout engine.Layout
	admin  *kgo.Client
	remove bool // it was made for the run, and goes with it
}

// index returns a partition's place in the layout.
func (t *benchTopic) index(partition int32) int {
	return slices.IndexFunc(t.layout.Partitions, func(a engine.Assignment) bool { return a.Partition == partition })
}

// prepare makes the topic of a run, or finds the one that the plan names, and waits for its leaders.
func prepare(ctx context.Context, p *Plan, c *PlannedCase, env Env, name string) (*benchTopic, error) {
	client, err := env.Client("admin", kgo.RequestRetries(3))
	if err != nil {
		return nil, err
	}
	t := &benchTopic{name: name, admin: client}
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	admin := kadm.NewClient(client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("ask for the brokers: %w", err)
	}
	if err := t.create(ctx, admin, p, c, len(brokers)); err != nil {
		client.Close()
		return nil, err
	}
	if err := t.awaitLeaders(ctx, admin, c.Producers); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// create makes the topic unless it is there and named by the caller.
func (t *benchTopic) create(ctx context.Context, admin *kadm.Client, p *Plan, c *PlannedCase, brokers int) error {
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
	answer, err := admin.CreateTopic(ctx, int32(partitions), int16(rf), config, t.name)
	switch {
	case err == nil:
		t.remove = !p.Options.KeepTopic
		return nil
	case errors.Is(err, kerr.TopicAlreadyExists) && p.Options.Topic != "":
		return nil // used as it is, and left
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return fmt.Errorf("create topic %s with replication factor %d on %d brokers: %w: give --replication-factor", t.name, rf, brokers, err)
	case answer.ErrMessage != "":
		return fmt.Errorf("create topic %s: %w: %s", t.name, err, answer.ErrMessage)
	}
	return fmt.Errorf("create topic %s: %w", t.name, err)
}

// awaitLeaders waits until each partition has a leader that answers for it.
func (t *benchTopic) awaitLeaders(ctx context.Context, admin *kadm.Client, producers int) error {
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		seen, err := admin.Metadata(ctx, t.name)
		if err == nil && t.adopt(seen) {
			if n := len(t.layout.Partitions); n < producers {
				return fmt.Errorf("topic %s has %d partition(s), too few for --producers %d: each sender needs one of its own", t.name, n, producers)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("topic %s has no leaders after %v (last error: %w)", t.name, topicTimeout, errors.Join(err, seen.Topics[t.name].Err))
		case <-poll.C:
		}
	}
}

// adopt takes the layout over if every partition has a leader.
func (t *benchTopic) adopt(seen kadm.Metadata) bool {
	topic, found := seen.Topics[t.name]
	if !found || topic.Err != nil || len(topic.Partitions) == 0 {
		return false
	}
	l := engine.Layout{TopicID: topic.ID, Brokers: seen.Brokers.NodeIDs()}
	for _, p := range topic.Partitions.Sorted() {
		if p.Err != nil || p.Leader < 0 || len(p.Replicas) == 0 {
			return false
		}
		l.Partitions = append(l.Partitions, engine.Assignment{Partition: p.Partition, Leader: p.Leader, Preferred: p.Replicas[0]})
	}
	t.layout = l
	return true
}

// close deletes the topic if it was made for the run. It does so also when the run was interrupted.
func (t *benchTopic) close() error {
	defer t.admin.Close()
	if !t.remove {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), topicTimeout)
	defer cancel()
	if _, err := kadm.NewClient(t.admin).DeleteTopic(ctx, t.name); err != nil {
		return fmt.Errorf("topic %s could not be deleted: %w: delete it by hand", t.name, err)
	}
	return nil
}
