package engine

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestPartitionOnAShard adds a partition, led by a broker that had none, whose records go through a client that has
// been there for long. They are delivered from the first on.
func TestPartitionOnAShard(t *testing.T) {
	for _, test := range []struct {
		name    string
		lagging time.Duration // how long brokers say nothing of the partition
		missed  uint64        // records that may not be delivered for that
	}{{"known to all", 0, 0}, {"known to some", 3 * time.Second, 12}} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				book := new(notebook)
				cfg := b.config(t, book)
				cfg.Interval, cfg.Producers = 100*time.Millisecond, 1
				e, stop := start(t, cfg)
				l := layoutOf(b.Cluster)
				l.Partitions = l.Partitions[:2]
				if err := e.SetLayout(l); err != nil {
					t.Fatal(err)
				}
				pass(6 * time.Second)
				client, err := b.client("admin")
				if err != nil {
					t.Fatal(err)
				}
				req := kmsg.NewPtrCreatePartitionsRequest()
				topic := kmsg.NewCreatePartitionsRequestTopic()
				topic.Topic, topic.Count = testTopic, 4
				req.Topics = append(req.Topics, topic)
				if resp, err := req.RequestWith(context.Background(), client); err != nil || resp.Topics[0].ErrorCode != 0 {
					t.Fatalf("add a partition: %v, %+v", err, resp)
				}
				client.Close()
				caughtUp := func() {}
				if test.lagging > 0 {
					caughtUp = b.lag(t, l.TopicID)
				}
				if err := b.MoveTopicPartition(testTopic, 3, 2); err != nil {
					t.Fatal(err)
				}
				l = layoutOf(b.Cluster)
				l.Partitions = append(l.Partitions[:2], l.Partitions[3])
				if err := e.SetLayout(l); err != nil {
					t.Fatal(err)
				}
				pass(test.lagging)
				caughtUp()
				pass(10 * time.Second)
				stop()
				sum := book.total()
				checkInvariant(t, sum)
				if missed := sum.Due - sum.Outcomes[ledger.Delivered] - sum.Outcomes[ledger.Skipped]; missed > test.missed {
					t.Errorf("%d records not delivered, want at most %d: %+v", missed, test.missed, sum)
				}
			})
		})
	}
}
