package kafkatest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Shop is an application on a cluster: it produces some records a second to a topic of its own and reads
// them in a consumer group.
type Shop struct {
	Size atomic.Int64 // of its records from now on, in bytes
}

// OpenShop creates the topic, with a partition for each broker and a replica on each of three, and lets the
// shop trade until the test ends.
func OpenShop(t testing.TB, c *Cluster, topic, group string, size int64) *Shop {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.DefaultProduceTopic(topic), kgo.ConsumeTopics(topic),
		kgo.ConsumerGroup(group), kgo.AutoCommitInterval(time.Second), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	brokers := len(c.Brokers())
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), int32(brokers), int16(min(3, brokers)), nil, topic); err != nil {
		t.Fatal(err)
	}
	s := new(Shop)
	s.Size.Store(size)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.trade(ctx, client)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		client.Close()
	})
	return s
}

func (s *Shop) trade(ctx context.Context, client *kgo.Client) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		client.TryProduce(ctx, kgo.SliceRecord(make([]byte, s.Size.Load())), nil)
		reading, done := context.WithTimeout(ctx, 10*time.Millisecond)
		client.PollFetches(reading)
		done()
	}
}
