//go:build kafka || faults

package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestMain gives a broker's session the length that Kafka ships: one that is frozen for five seconds keeps
// its place.
func TestMain(m *testing.M) {
	kafkatest.Main(m,
		kafkatest.BrokerConfig("broker.session.timeout.ms", "9000"),
		kafkatest.BrokerConfig("broker.heartbeat.interval.ms", "2000"))
}

// site is a topic of a test's own on a real cluster.
type site struct {
	topic  string
	admin  *kadm.Client
	client *kgo.Client // the admin's
	layout Layout
}

// newSite creates a topic of three partitions, each led by another broker, and three replicas, named for
// the test; settings are the topic's. It is deleted when the test ends.
func newSite(t *testing.T, c *kafkatest.Cluster, settings map[string]string) *site {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s := &site{topic: strings.ReplaceAll(t.Name(), "/", "-"), admin: kadm.NewClient(client), client: client}
	configs := map[string]*string{}
	for k, v := range settings {
		configs[k] = &v
	}
	if _, err := s.admin.CreateTopic(t.Context(), 3, 3, configs, s.topic); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.admin.DeleteTopic(context.Background(), s.topic); err != nil {
			t.Errorf("delete topic: %v", err)
		}
	})
	await(t, "leaders of the new topic", func() bool {
		l, err := s.look(t.Context())
		s.layout = l
		return err == nil
	})
	return s
}

// look returns the topic's layout as it is. It is an error if a partition has no leader.
func (s *site) look(ctx context.Context) (Layout, error) {
	md, err := s.admin.Metadata(ctx, s.topic)
	if err != nil {
		return Layout{}, err
	}
	topic := md.Topics[s.topic]
	l := Layout{TopicID: topic.ID}
	for _, b := range md.Brokers {
		l.Brokers = append(l.Brokers, b.NodeID)
	}
	for _, p := range topic.Partitions.Sorted() {
		if p.Err != nil || p.Leader < 0 {
			return Layout{}, fmt.Errorf("partition %d has no leader: %v", p.Partition, p.Err)
		}
		l.Partitions = append(l.Partitions, Assignment{Partition: p.Partition, Leader: p.Leader, Preferred: p.Replicas[0]})
	}
	if len(l.Partitions) == 0 {
		return Layout{}, fmt.Errorf("topic %s has no partitions: %v", s.topic, topic.Err)
	}
	return l, nil
}

// siteConfig returns the configuration of an engine on the topic with the clients that the daemon has.
func siteConfig(c *kafkatest.Cluster, s *site, sink ledger.Sink, dial kafka.DialFunc) Config {
	log := slog.New(slog.DiscardHandler)
	factory := kafka.NewFactory(kafka.Settings{Cluster: "test", BootstrapServers: c.Bootstrap(), Dialer: dial}, log, nil)
	return Config{
		Topic: s.topic, Interval: 100 * time.Millisecond, Timeout: 30 * time.Second, Size: 128,
		RandomShare: 1, Acks: AcksAll, Seed: 1,
		Client: factory.Client,
		Reason: kafka.Reason,
		Trouble: func(broker int32) (string, time.Time, bool) {
			if broker == ledger.UnknownBroker {
				return factory.LastErrors().LastAny()
			}
			return factory.LastErrors().Last(broker)
		},
		Sink: sink, Log: log,
	}
}
