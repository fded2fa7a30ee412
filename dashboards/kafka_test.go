//go:build kafka

package dashboards

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
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
	kafkatest.OpenShop(t, c, "orders", "fulfilment", 300)
	jmx := "      jmx:\n        interval: 5s\n        timeout: 2s\n        targets:\n"
	for i, b := range c.Brokers() {
		jmx += fmt.Sprintf("          - {broker: %d, url: %q}\n", i+1, b.JMXURL())
	}
	jmx += fmt.Sprintf("        controllers: [{broker: %d, url: %q}]\n", kafkatest.ControllerID, c.Controller().JMXURL())
	r := run(t, fmt.Sprintf(often, strings.Join(c.Bootstrap(), ", "), jmx), []string{
		"when healthy", "without history", "without TLS", "unless configured",
	})
	for job := range scraping {
		promtest.Await(t, 30*time.Second, "the size of messages and the groups' lag", func() bool {
			return len(r.Query(t, fmt.Sprintf(`kafka_prober_message_size_bytes{job=%[1]q, topic="orders"} and on () kafka_prober_consumer_group_lag_seconds{job=%[1]q, group="fulfilment"}`, job))) > 0
		})
	}
	for job := range scraping {
		promtest.Await(t, 30*time.Second, "two pages of each broker, between which it flushed and served requests of all kinds", func() bool {
			return len(r.Query(t, fmt.Sprintf(`count(kafka_prober_broker_request_seconds{job=%[1]q, quantile="0.99"}) >= 9 and on () kafka_prober_broker_log_flush_seconds{job=%[1]q}`, job))) > 0
		})
	}
	r.check(t)
}
