//go:build kafka || faults

package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// chronicle is a notebook that also notes when, by its engine's clock, it was told of each thing.
type chronicle struct {
	notebook
	engine *Engine

	mu      sync.Mutex
	judged  []judgement
	sampled []stamped
}

// judgement is a judged record.
type judgement struct {
	ledger.Result
	broker  int32
	due, at time.Duration // by the engine's clock; at is when the sink was told
}

// stamped is a sample of a leg.
type stamped struct {
	ledger.Sample
	broker int32
	at     time.Duration
}

// scribe writes one broker's records into its chronicle.
type scribe struct {
	ledger.Series
	chronicle *chronicle
	broker    int32
}

var _ ledger.Sink = (*chronicle)(nil)

// Series implements ledger.Sink.
func (c *chronicle) Series(topic string, broker int32) ledger.Series {
	return scribe{c.notebook.Series(topic, broker), c, broker}
}

// Observe implements ledger.Series.
func (s scribe) Observe(b *ledger.Batch) {
	s.Series.Observe(b)
	c := s.chronicle
	at := c.engine.clock.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range b.Results {
		c.judged = append(c.judged, judgement{Result: r, broker: s.broker, at: at})
	}
	for _, v := range b.Samples {
		c.sampled = append(c.sampled, stamped{v, s.broker, at})
	}
}

// judgements returns what was judged of a partition's records that were due in [from, to), by sequence.
func (c *chronicle) judgements(partition int32, from, to time.Duration) []judgement {
	c.mu.Lock()
	all := slices.Clone(c.judged)
	c.mu.Unlock()
	p := find(*c.engine.parts.Load(), partition)
	var kept []judgement
	p.mu.Lock()
	for _, j := range all {
		if j.Partition != partition {
			continue
		}
		if j.due = p.ledger.Due(j.Sequence); j.due >= from && j.due < to {
			kept = append(kept, j)
		}
	}
	p.mu.Unlock()
	slices.SortFunc(kept, func(a, b judgement) int { return int(a.Sequence) - int(b.Sequence) })
	return kept
}

// legs returns the samples of a leg that became known in [from, to), of brokers that match.
func (c *chronicle) legs(leg ledger.Leg, from, to time.Duration, match func(broker int32) bool) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []time.Duration
	for _, s := range c.sampled {
		if s.Leg == leg && s.at >= from && s.at < to && match(s.broker) {
			all = append(all, s.Value)
		}
	}
	return all
}

// oldest returns the age of the oldest record that is outstanding.
func (c *chronicle) oldest() time.Duration {
	var oldest time.Duration
	for _, b := range c.engine.state().Brokers {
		oldest = max(oldest, b.Oldest)
	}
	return oldest
}

// position returns how far a partition has been read.
func (c *chronicle) position(partition int32) int64 {
	p := find(*c.engine.parts.Load(), partition)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.Position()
}

// begin starts an engine that probes a site, and returns when it has delivered for a while: the JVMs
// compile what they run first.
func begin(t *testing.T, s *site, cfg Config, book *chronicle) (stop func()) {
	t.Helper()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	book.engine = e
	stop = run(t, e)
	if err := e.SetLayout(s.layout); err != nil {
		t.Fatal(err)
	}
	const warm = 100 // records per partition
	await(t, fmt.Sprintf("%d records per partition", warm), func() bool {
		return book.total().Outcomes[ledger.Delivered] >= warm*uint64(len(s.layout.Partitions))
	})
	return stop
}

// hold lets d pass and checks the invariant meanwhile.
func hold(t *testing.T, d time.Duration, books ...*chronicle) {
	t.Helper()
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, b := range books {
			checkInvariant(t, b.total())
		}
		select {
		case <-tick.C:
		case <-end.C:
			return
		}
	}
}

// awaitCalm waits until nothing is outstanding for longer than a moment.
func awaitCalm(t *testing.T, limit time.Duration, books ...*chronicle) {
	t.Helper()
	awaitFor(t, limit, "nothing outstanding for half a second", func() bool {
		for _, b := range books {
			checkInvariant(t, b.total())
			if b.oldest() > 500*time.Millisecond {
				return false
			}
		}
		return true
	})
}

// place creates a topic whose partitions have these replicas, and returns when they are all in sync and led by
// the first of them.
func place(t *testing.T, c *kafkatest.Cluster, name string, replicas [][]int32, settings map[string]string) *site {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s := &site{topic: name, admin: kadm.NewClient(client), client: client}
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = s.topic, -1, -1
	for i, r := range replicas {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(i), r
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, a)
	}
	for k, v := range settings {
		cfg := kmsg.NewCreateTopicsRequestTopicConfig()
		cfg.Name, cfg.Value = k, &v
		topic.Configs = append(topic.Configs, cfg)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), s.client)
	if err != nil {
		t.Fatal(err)
	}
	if failed := resp.Topics[0]; failed.ErrorCode != 0 {
		t.Fatalf("create topic %s: error code %d: %v", s.topic, failed.ErrorCode, failed.ErrorMessage)
	}
	t.Cleanup(func() {
		if _, err := s.admin.DeleteTopic(context.Background(), s.topic); err != nil {
			t.Errorf("delete topic: %v", err)
		}
	})
	await(t, "leaders of the new topic", func() bool {
		l, err := s.look(t.Context())
		s.layout = l
		return err == nil && len(l.Partitions) == len(replicas) &&
			!slices.ContainsFunc(l.Partitions, func(a Assignment) bool { return a.Leader != a.Preferred })
	})
	return s
}

// everywhere is three replicas of three partitions, each led by another broker.
func everywhere() [][]int32 { return [][]int32{{1, 2, 3}, {2, 3, 1}, {3, 1, 2}} }

// isr returns the in-sync replicas of a partition.
func (s *site) isr(t *testing.T, partition int32) []int32 {
	t.Helper()
	md, err := s.admin.Metadata(t.Context(), s.topic)
	if err != nil {
		return nil // the broker that was asked is down: the next look asks another
	}
	return md.Topics[s.topic].Partitions[partition].ISR
}
