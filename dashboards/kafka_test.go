//go:build kafka

package dashboards

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestPanelsOnKafka is TestPanels on a real cluster, which says more of itself than the demo's does.
func TestPanelsOnKafka(t *testing.T) {
	c := kafkatest.Start(t)
	trade(t, c.Bootstrap())
	r := run(t, fmt.Sprintf(often, strings.Join(c.Bootstrap(), ", ")), []string{
		"when healthy", "without history", "without JMX pages", "where no flush can be measured", "without TLS", "unless configured",
	})
	for job := range scraping {
		await(t, 30*time.Second, "the size of messages and the groups' lag", func() bool {
			return len(r.query(t, fmt.Sprintf(`kafka_prober_message_size_bytes{job=%[1]q, topic="orders"} and on () kafka_prober_consumer_group_lag_seconds{job=%[1]q, group="fulfilment"}`, job))) > 0
		})
	}
	r.check(t)
}

// trade produces to a topic and reads it in a group until the test ends.
func trade(t *testing.T, bootstrap []string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap...), kgo.DefaultProduceTopic("orders"), kgo.ConsumeTopics("orders"),
		kgo.ConsumerGroup("fulfilment"), kgo.AutoCommitInterval(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 3, 3, nil, "orders"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			client.TryProduce(ctx, kgo.SliceRecord(make([]byte, 300)), nil)
			reading, done := context.WithTimeout(ctx, 10*time.Millisecond)
			client.PollFetches(reading)
			done()
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		client.Close()
	})
}
