package collector_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestConfigsExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		for name, configs := range map[string]map[string]string{
			"__internal": {"kfake.is_internal": "true"},
			"_orders":    {"min.insync.replicas": "2", "retention.ms": "3600000", "retention.bytes": "1000", "cleanup.policy": "compact,delete"},
			"payments":   {"retention.ms": "-1", "max.message.bytes": "5000"},
		} {
			if err := cluster.CreateTopic(name, 2, configs); err != nil {
				t.Fatal(err)
			}
		}
		set := newSet(t, nw, member(t, "configs"))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "two topics", lines(
			`collector_success{collector="configs"} 1`,
			`signal_available{broker="",signal="topic_configs"} 1`,
			`signal_available{broker="",signal="topics"} 1`,
			`topic_cleanup_policy_info{cleanup_policy="compact,delete",topic="_orders"} 1`,
			`topic_cleanup_policy_info{cleanup_policy="delete",topic="payments"} 1`,
			`topic_max_message_bytes{topic="_orders"} 1.048588e+06`,
			`topic_max_message_bytes{topic="payments"} 5000`,
			`topic_min_isr{topic="_orders"} 2`,
			`topic_min_isr{topic="payments"} 1`,
			`topic_partitions{topic="_orders"} 2`,
			`topic_partitions{topic="payments"} 2`,
			`topic_replication_factor{topic="_orders"} 3`,
			`topic_replication_factor{topic="payments"} 3`,
			`topic_retention_bytes{topic="_orders"} 1000`,
			`topic_retention_bytes{topic="payments"} +Inf`,
			`topic_retention_seconds{topic="_orders"} 3600`,
			`topic_retention_seconds{topic="payments"} +Inf`,
		), "topic", "signal", "collector_success")
	})
}

// Without the right, what metadata tells stays.
func TestConfigsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		speakLiterally(cluster, &literal{
			topics: []literalTopic{{name: "orders", partitions: []literalPartition{{leader: 0, replicas: all, isr: all}}}},
			refuse: map[kmsg.Key]int16{kmsg.DescribeConfigs: kerr.TopicAuthorizationFailed.Code},
		})
		set := newSet(t, nw, member(t, "configs"))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "refused", lines(
			`collector_success{collector="configs"} 1`,
			`signal_available{broker="",signal="topic_configs"} 0`,
			`signal_available{broker="",signal="topics"} 1`,
			`topic_partitions{topic="orders"} 1`,
			`topic_replication_factor{topic="orders"} 3`,
		), "topic", "signal", "collector_success")
	})
}

func TestConfigsSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*collector.ConfigsSettings)
		want   string
	}{
		{func(*collector.ConfigsSettings) {}, "<nil>"},
		{func(s *collector.ConfigsSettings) { s.Interval = 0 }, "interval: must be at least 5s, is 0s"},
	} {
		s := member(t, "configs").Settings.(*collector.ConfigsSettings)
		test.change(s)
		if got := fmt.Sprint(s.Validate()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// Every collector that needs rights says which, in Kafka's words.
func TestRightsAreListed(t *testing.T) {
	want := map[string]string{
		"brokers":     "[Describe on Cluster kafka-cluster]",
		"configs":     "[Describe on Topic * DescribeConfigs on Topic *]",
		"logdirs":     "[Describe on Topic * Describe on Cluster kafka-cluster]",
		"quorum":      "[Describe on Cluster kafka-cluster]",
		"replication": "[Describe on Topic * Describe on Cluster kafka-cluster DescribeConfigs on Topic *]",
	}
	for name, want := range want {
		settings, ok := member(t, name).Settings.(collector.WithRights)
		if !ok {
			t.Errorf("%s lists no rights", name)
			continue
		}
		if got := fmt.Sprint(settings.Rights()); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
