//go:build kafka

package dashboards

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestPanelsOnKafka is TestPanels on a real cluster, which says more of itself than the demo's does.
func TestPanelsOnKafka(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.JMXPages())
	rules, err := os.ReadFile("../deploy/jmx_exporter/kafka.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetJMXRules(rules); err != nil {
		t.Fatal(err)
	}
	trade(t, c.Bootstrap())
	jmx := "      jmx:\n        interval: 5s\n        timeout: 2s\n        targets:\n"
	for i, b := range c.Brokers() {
		jmx += fmt.Sprintf("          - {broker: %d, url: %q}\n", i+1, b.JMXURL())
	}
	jmx += fmt.Sprintf("        controllers: [{broker: %d, url: %q}]\n", kafkatest.ControllerID, c.Controller().JMXURL())
	r := run(t, fmt.Sprintf(often, strings.Join(c.Bootstrap(), ", "), jmx), []string{
		"when healthy", "without history", "without TLS", "unless configured",
	})
	for job := range scraping {
		await(t, 30*time.Second, "the size of messages and the groups' lag", func() bool {
			return len(r.query(t, fmt.Sprintf(`kafka_prober_message_size_bytes{job=%[1]q, topic="orders"} and on () kafka_prober_consumer_group_lag_seconds{job=%[1]q, group="fulfilment"}`, job))) > 0
		})
	}
	for job := range scraping {
		await(t, 30*time.Second, "two pages of each broker, between which it flushed and served requests of all kinds", func() bool {
			return len(r.query(t, fmt.Sprintf(`count(kafka_prober_broker_request_seconds{job=%[1]q, quantile="0.99"}) >= 9 and on () kafka_prober_broker_log_flush_seconds{job=%[1]q}`, job))) > 0
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
