package collector_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The series of a broker that is down stay, those of one that left for good end.
func TestDepartedBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3, kfake.SeedTopics(6, "orders"))
		defer cluster.Close()
		if err := cluster.MoveTopicPartition("orders", 0, 2); err != nil { // leaders are drawn, and it may have none
			t.Fatal(err)
		}
		brokers := brokersMember(t)
		brokers.Settings.(*collector.BrokersSettings).ForgetAfter = kind.Duration(time.Minute)
		set := newSet(t, nw, trafficMember(t, nil), brokers)
		defer set.Close()
		time.Sleep(started)
		of := func() string {
			var lines []string
			for line := range strings.Lines(series(t, set, "leader_messages_total", "leader_bytes_total", "collector_partial_errors_total", "broker_up")) {
				if strings.Contains(line, `broker="2"`) {
					name, _, _ := strings.Cut(line, "{")
					lines = append(lines, name)
				}
			}
			return strings.Join(lines, " ")
		}
		if got, want := of(), "broker_up leader_bytes_total leader_messages_total"; got != want {
			t.Errorf("at work: %s, want %s", got, want)
		}
		nw.set(dead, 2)
		time.Sleep(2 * slowInterval)
		if got, want := of(), "broker_up collector_partial_errors_total leader_bytes_total leader_messages_total"; got != want {
			t.Errorf("down: %s, want %s", got, want)
		}
		if err := cluster.RemoveNode(2); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Minute + slowInterval)
		if got := of(); got != "" {
			t.Errorf("gone: %s, want nothing", got)
		}
	})
}

// A topic that is made anew is sampled from its beginning, whatever was read of the one before.
func TestRecordSizesOfTopicMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders"))
		defer cluster.Close()
		client := newClient(t, nw)
		produce(t, client, "orders", 0, 20, 1000)
		client.Close()
		set := newSet(t, nw, trafficMember(t, func(s *collector.TrafficSettings) { s.RecordSizes.Topics = "orders" }))
		defer set.Close()
		time.Sleep(started)
		if err := cluster.DeleteTopic("orders"); err != nil {
			t.Fatal(err)
		}
		if err := cluster.CreateTopic("orders", 1, nil); err != nil {
			t.Fatal(err)
		}
		client = newClient(t, nw, kgo.ClientID("again"))
		defer client.Close()
		produce(t, client, "orders", 0, 3, 1000)
		time.Sleep(slowInterval)
		wantSeries(t, set, "made anew", `sampled_batches_total{compression="none",topic="orders"} 23`, "sampled_batches_total")
	})
}

// The cap counts all series of a collector: those of brokers come first, then topics with all that they cost.
func TestTrafficCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "bills", "orders", "returns"))
		defer cluster.Close()
		set := newSet(t, nw, trafficMember(t, func(s *collector.TrafficSettings) {
			s.RecordSizes.Topics, s.MaxSeries = "orders", 2+2*5 // a sampled topic has up to 36
		}))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "capped", lines(
			`leader_bytes_total{broker="0"} 0`, `leader_messages_total{broker="0"} 0`,
			`series_dropped_total{collector="traffic"} 36`,
			`topic_messages_total{topic="bills"} 0`, `topic_messages_total{topic="returns"} 0`,
		), "leader_", "series_dropped", "topic_messages")
	})
}
