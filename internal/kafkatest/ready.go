package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	pollInterval   = 100 * time.Millisecond // between questions to brokers that are awaited
	requestTimeout = 2 * time.Second        // for one answer
)

// waitReady waits until every running broker shows every running broker.
func (c *Cluster) waitReady(ctx context.Context) error {
	return c.awaitMetadata(ctx, func(*kmsg.MetadataResponse) error { return nil })
}

// Heal brings the cluster back to what it was at its start: paused nodes resumed, disks fast, the others started,
// every replica in sync, every preferred leader leading. Topics stay.
func (c *Cluster) Heal(ctx context.Context) error {
	for _, n := range c.nodes {
		if err := errors.Join(n.Resume(), n.start()); err != nil {
			return fmt.Errorf("heal cluster: %w", err)
		}
		if n.slow() {
			if err := n.DelayFsync(0); err != nil {
				return fmt.Errorf("heal cluster: %w", err)
			}
		}
	}
	if err := c.awaitMetadata(ctx, inSync); err != nil {
		return fmt.Errorf("heal cluster: wait until all replicas are in sync: %w", err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
	if err != nil {
		return fmt.Errorf("heal cluster: %w", err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).ElectLeaders(ctx, kadm.ElectPreferredReplica, nil); err != nil {
		return fmt.Errorf("heal cluster: elect preferred leaders: %w", err)
	}
	return nil
}

// awaitMetadata waits until the metadata of every running broker shows all running brokers and satisfies
// ok. It gives up at once when a node ends by itself.
func (c *Cluster) awaitMetadata(ctx context.Context, ok func(*kmsg.MetadataResponse) error) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	return poll(ctx, pollInterval, func(ctx context.Context) error {
		var running []*Node
		for _, n := range c.nodes {
			if err := n.failure(); err != nil {
				giveUp(err)
				return err
			}
			if n.ID != ControllerID && n.Running() {
				running = append(running, n)
			}
		}
		for _, n := range running {
			md, err := n.metadata(ctx)
			if err != nil {
				return err
			}
			if err := errors.Join(shows(md, running), ok(md)); err != nil {
				return fmt.Errorf("metadata of %s: %w", n, err)
			}
		}
		return nil
	})
}

// metadata asks this broker, and no other, for the metadata of all topics.
func (n *Node) metadata(ctx context.Context) (*kmsg.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(n.Addr()), kgo.DialTimeout(requestTimeout))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	resp, err := cl.SeedBrokers()[0].Request(ctx, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return nil, fmt.Errorf("ask %s for metadata: %w", n, err)
	}
	return resp.(*kmsg.MetadataResponse), nil
}

// shows says which of the brokers the metadata lacks.
func shows(md *kmsg.MetadataResponse, brokers []*Node) error {
	seen := make(map[int]bool)
	for _, b := range md.Brokers {
		seen[int(b.NodeID)] = true
	}
	for _, b := range brokers {
		if !seen[b.ID] {
			return fmt.Errorf("%s is missing", b)
		}
	}
	return nil
}

// inSync says which partition has no leader or a replica out of sync.
func inSync(md *kmsg.MetadataResponse) error {
	for _, t := range md.Topics {
		for _, p := range t.Partitions {
			if p.Leader < 0 || len(p.ISR) < len(p.Replicas) {
				return fmt.Errorf("partition %s-%d: leader %d, in-sync replicas %v of %v", *t.Topic, p.Partition, p.Leader, p.ISR, p.Replicas)
			}
		}
	}
	return nil
}
