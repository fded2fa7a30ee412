package collector_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// slowInterval is the default interval of traffic and groups, with room for jitter.
const slowInterval = 30*time.Second + 1600*time.Millisecond

func trafficMember(t *testing.T, change func(*collector.TrafficSettings)) collector.Member {
	t.Helper()
	m := member(t, "traffic")
	if change != nil {
		change(m.Settings.(*collector.TrafficSettings))
	}
	return m
}

// newClient is a client of the test's own. Close it before the bubble ends.
func newClient(t *testing.T, nw *network, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers("127.0.0.1:9092"), kgo.Dialer(nw.dial), kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableIdempotentWrite(),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// produce appends n records of so many bytes to a partition, one batch each.
func produce(t *testing.T, client *kgo.Client, topic string, partition int32, n, size int) {
	t.Helper()
	for range n {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: make([]byte, size)}
		if err := client.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// batchOverhead is what a batch of one record with a value of 1,000 bytes and no
// key takes beside the value: 61 bytes of header and 9 around the record.
const batchOverhead = 70

func TestTrafficExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2, kfake.SeedTopics(2, "orders", "idle"))
		defer cluster.Close()
		if err := cluster.CreateTopic("state", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
			t.Fatal(err)
		}
		client := newClient(t, nw)
		defer client.Close()
		produce(t, client, "orders", 0, 3, 1000) // before the prober starts: counters do not have it
		set := newSet(t, nw, trafficMember(t, nil))
		defer set.Close()
		time.Sleep(started)
		produce(t, client, "orders", 0, 5, 1000)
		produce(t, client, "orders", 1, 3, 1000)
		produce(t, client, "state", 0, 4, 1000)
		time.Sleep(slowInterval)
		leads := map[int32]int{}
		for p, n := range map[int32]int{0: 5, 1: 3} {
			leads[cluster.LeaderFor("orders", p)] += n
		}
		leads[cluster.LeaderFor("state", 0)] += 4
		bytes := map[int32]int{}
		for p, n := range map[int32]int{0: 5, 1: 3} {
			bytes[cluster.LeaderFor("orders", p)] += n * (1000 + batchOverhead)
		}
		wantSeries(t, set, "after one window", lines(
			`collector_success{collector="traffic"} 1`,
			fmt.Sprintf(`leader_bytes_total{broker="0"} %d`, bytes[0]),
			fmt.Sprintf(`leader_bytes_total{broker="1"} %d`, bytes[1]),
			fmt.Sprintf(`leader_messages_total{broker="0"} %d`, leads[0]),
			fmt.Sprintf(`leader_messages_total{broker="1"} %d`, leads[1]),
			`message_size_bytes{topic="orders"} 1070`,
			`topic_bytes_total{topic="orders"} 8560`,
			`topic_log_end_offset{topic="idle"} 0`,
			`topic_log_end_offset{topic="orders"} 11`,
			`topic_log_end_offset{topic="state"} 4`,
			`topic_log_start_offset{topic="idle"} 0`,
			`topic_log_start_offset{topic="orders"} 0`,
			`topic_log_start_offset{topic="state"} 0`,
			`topic_messages_total{topic="idle"} 0`,
			`topic_messages_total{topic="orders"} 8`,
			`topic_messages_total{topic="state"} 4`,
		), "collector_success", "leader_bytes_total", "leader_messages_total", "message_size", "topic_")
		if problems, err := testutil.GatherAndLint(set); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}

		produce(t, client, "orders", 0, 4, 10_000) // the size jumps
		time.Sleep(slowInterval)
		wantSeries(t, set, "ten times the size", `message_size_bytes{topic="orders"} 10072`, "message_size")
		time.Sleep(slowInterval)
		wantSeries(t, set, "nothing appended", lines(
			`topic_bytes_total{topic="orders"} 48848`,
		), "message_size", "topic_bytes_total", "leader_messages_imbalance")
	})
}

// Retention shrinks the log; the size of messages does not follow it, and the
// bytes go on by the last known size.
func TestTrafficSurvivesRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders"))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		set := newSet(t, nw, trafficMember(t, nil))
		defer set.Close()
		time.Sleep(started)
		produce(t, client, "orders", 0, 100, 1000)
		time.Sleep(slowInterval)
		produce(t, client, "orders", 0, 50, 1000)
		if err := cluster.DeleteRecords("orders", 0, 100); err != nil {
			t.Fatal(err)
		}
		time.Sleep(slowInterval)
		wantSeries(t, set, "while records are deleted", lines(
			`topic_bytes_total{topic="orders"} 160500`, `topic_messages_total{topic="orders"} 150`,
		), "message_size", "topic_bytes_total", "topic_messages_total")
		time.Sleep(7 * time.Minute)
		produce(t, client, "orders", 0, 10, 1000)
		for end := time.Now().Add(slowInterval); time.Now().Before(end) && series(t, set, "message_size") == ""; {
			time.Sleep(time.Second) // nobody knows when the refresh is
		}
		wantSeries(t, set, "once that is over", lines(
			`message_size_bytes{topic="orders"} 1070`,
			`topic_bytes_total{topic="orders"} 171200`, `topic_messages_total{topic="orders"} 160`,
		), "message_size", "topic_bytes_total", "topic_messages_total")
	})
}

// A frozen broker's partitions stand still and are caught up with; the others go
// on, and what would lie without it is withheld.
func TestTrafficOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2, kfake.SeedTopics(2, "orders"))
		defer cluster.Close()
		for p := range int32(2) {
			if err := cluster.MoveTopicPartition("orders", p, p); err != nil {
				t.Fatal(err)
			}
		}
		client := newClient(t, nw)
		defer client.Close()
		set := newSet(t, nw, trafficMember(t, nil))
		defer set.Close()
		time.Sleep(started)
		for range 2 {
			produce(t, client, "orders", 0, 6, 1000)
			produce(t, client, "orders", 1, 2, 1000)
			time.Sleep(slowInterval)
		}
		wantSeries(t, set, "both", lines(
			`leader_bytes_imbalance_ratio{} 0.5`, `leader_messages_imbalance_ratio{} 0.5`,
			`topic_log_end_offset{topic="orders"} 16`, `topic_messages_total{topic="orders"} 16`,
		), "leader_bytes_imbalance", "leader_messages_imbalance", "topic_log_end", "topic_messages")

		nw.set(frozen, 1)
		produce(t, client, "orders", 0, 10, 1000)
		time.Sleep(2 * slowInterval)
		wantSeries(t, set, "one frozen", lines(
			`leader_messages_total{broker="0"} 22`, `leader_messages_total{broker="1"} 4`, `topic_messages_total{topic="orders"} 26`,
		), "leader_messages", "leader_bytes_imb", "topic_log_end", "topic_messages")
		if got := series(t, set, "collector_partial_errors_total"); !strings.Contains(got, `broker="1"`) || strings.Contains(got, `broker="0"`) {
			t.Errorf("partial errors:\n%s", got)
		}
	})
}

// Where brokers take so long over their sizes that a refresh is over, what is known is shown and all come in
// turn. Those that there was no time for are not blamed.
func TestTrafficOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const brokers = 10 // of which all but the last take 5 s, and a refresh has 30
		cluster, nw := newCluster(t, brokers, kfake.SeedTopics(brokers, "orders"))
		defer cluster.Close()
		for p := range int32(brokers) {
			if err := cluster.MoveTopicPartition("orders", p, p); err != nil {
				t.Fatal(err)
			}
		}
		var asked [brokers]atomic.Int32
		cluster.ControlKey(int16(kmsg.DescribeLogDirs), func(kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			id := cluster.CurrentNode()
			asked[id].Add(1)
			return nil, nil, id != brokers-1 // true: never answered
		})
		client := newClient(t, nw)
		defer client.Close()
		set := newSet(t, nw, trafficMember(t, nil))
		defer set.Close()
		time.Sleep(2 * slowInterval)
		produce(t, client, "orders", 0, 7, 1000)
		produce(t, client, "orders", brokers-1, 3, 1000)
		for end := time.Now().Add(5 * time.Minute); time.Now().Before(end) && series(t, set, "message_size_bytes") == ""; {
			time.Sleep(time.Second)
		}
		wantSeries(t, set, "out of time", lines(
			`collector_success{collector="traffic"} 0`,
			`message_size_bytes{topic="orders"} 1070`,
			`topic_bytes_total{topic="orders"} 3210`,
			`topic_log_end_offset{topic="orders"} 10`,
			`topic_log_start_offset{topic="orders"} 0`,
			`topic_messages_total{topic="orders"} 10`,
		), "collector_success", "message_size_", "topic_")
		if got := valueOf(t, set, `leader_messages_total{broker="0"}`); got != 7 {
			t.Errorf("the first broker took in %v records, want 7", got)
		}
		for id := range asked {
			failed := 0.0
			if id != brokers-1 {
				failed = valueOf(t, set, fmt.Sprintf(`collector_partial_errors_total{broker="%d",collector="traffic",reason="DEADLINE_EXCEEDED"}`, id))
			}
			if n := asked[id].Load(); n == 0 || failed > float64(n) {
				t.Errorf("broker %d: asked %d times, failed %v", id, n, failed)
			}
		}
	})
}

// Without the right to see log directories, records are still counted.
func TestTrafficWithoutLogDirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders"))
		defer cluster.Close()
		cluster.ControlKey(int16(kmsg.DescribeLogDirs), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			resp := req.ResponseKind().(*kmsg.DescribeLogDirsResponse)
			resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
			return resp, nil, true
		})
		client := newClient(t, nw)
		defer client.Close()
		set := newSet(t, nw, trafficMember(t, nil))
		defer set.Close()
		time.Sleep(started)
		for range 3 {
			produce(t, client, "orders", 0, 7, 1000)
			time.Sleep(slowInterval)
		}
		wantSeries(t, set, "without sizes", lines(
			`collector_success{collector="traffic"} 1`,
			`leader_messages_total{broker="0"} 21`,
			`signal_available{broker="",signal="message_size"} 0`, `signal_available{broker="",signal="topic_cleanup_policy"} 1`, `signal_available{broker="",signal="topics"} 1`,
			`topic_log_end_offset{topic="orders"} 21`, `topic_log_start_offset{topic="orders"} 0`, `topic_messages_total{topic="orders"} 21`,
		), "collector_success", "leader_bytes", "leader_messages_total", "message_size", "signal", "topic_")
	})
}

// A broker that does not know the earliest local offset takes it for a time, and goes through all its logs.
func TestTrafficAsksForLocalStarts(t *testing.T) {
	for _, test := range []struct {
		kafka *kversion.Versions
		want  bool
	}{{kversion.V3_4_0(), false}, {kversion.V3_6_0(), true}} {
		synctest.Test(t, func(t *testing.T) {
			cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders"), kfake.MaxVersions(test.kafka))
			defer cluster.Close()
			var asked, askedLocal atomic.Int32
			cluster.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				asked.Add(1)
				if req.(*kmsg.ListOffsetsRequest).Topics[0].Partitions[0].Timestamp == -4 {
					askedLocal.Add(1)
				}
				return nil, nil, false
			})
			set := newSet(t, nw, trafficMember(t, nil))
			defer set.Close()
			time.Sleep(started)
			if got := askedLocal.Load() > 0; got != test.want || asked.Load() == 0 {
				t.Errorf("%s: asked for local starts: %v, want %v; %d requests", test.kafka.VersionGuess(), got, test.want, asked.Load())
			}
		})
	}
}

// Without the right to see whether topics are compacted no bytes are known, and it is asked for and counted
// once in a while and not for each topic.
func TestTrafficWithoutPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders", "payments", "refunds"))
		defer cluster.Close()
		var asked atomic.Int32
		var given atomic.Bool
		cluster.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			asked.Add(1)
			if given.Load() {
				return nil, nil, false
			}
			resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
			for _, asked := range req.(*kmsg.DescribeConfigsRequest).Resources {
				refused := kmsg.NewDescribeConfigsResponseResource()
				refused.ResourceType, refused.ResourceName, refused.ErrorCode = asked.ResourceType, asked.ResourceName, kerr.TopicAuthorizationFailed.Code
				resp.Resources = append(resp.Resources, refused)
			}
			return resp, nil, true
		})
		client := newClient(t, nw)
		defer client.Close()
		set := newSet(t, nw, trafficMember(t, nil))
		defer set.Close()
		time.Sleep(started)
		for range 3 {
			produce(t, client, "orders", 0, 7, 1000)
			time.Sleep(slowInterval)
		}
		wantSeries(t, set, "without policies", lines(
			`collector_partial_errors_total{broker="",collector="traffic",reason="TOPIC_AUTHORIZATION_FAILED"} 1`,
			`collector_success{collector="traffic"} 1`,
			`leader_messages_total{broker="0"} 21`,
			`signal_available{broker="",signal="message_size"} 1`, `signal_available{broker="",signal="topic_cleanup_policy"} 0`, `signal_available{broker="",signal="topics"} 1`,
		), "collector_partial", "collector_success", "leader_bytes", "leader_messages_total", "message_size", "signal", "topic_bytes")
		time.Sleep(10 * time.Minute)
		if n := asked.Load(); n != 2 {
			t.Errorf("asked %d times in twelve minutes, want twice", n)
		}
		given.Store(true)
		time.Sleep(11 * time.Minute)
		wantSeries(t, set, "given", lines(
			`collector_partial_errors_total{broker="",collector="traffic",reason="TOPIC_AUTHORIZATION_FAILED"} 2`,
			`leader_bytes_total{broker="0"} 0`,
			`signal_available{broker="",signal="message_size"} 1`, `signal_available{broker="",signal="topic_cleanup_policy"} 1`,
			`signal_available{broker="",signal="topics"} 1`,
		), "collector_partial", "leader_bytes_total", "signal_available")
	})
}

func TestRecordSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders", "secret"))
		defer cluster.Close()
		client := newClient(t, nw, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
		defer client.Close()
		produce(t, client, "orders", 0, 20, 1000)
		produce(t, client, "secret", 0, 20, 1000)
		set := newSet(t, nw, trafficMember(t, func(s *collector.TrafficSettings) { s.RecordSizes.Topics = "ord.*" }))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "samples", `sampled_batches_total{compression="lz4",topic="orders"} 20`, "sampled_batches_total")
		time.Sleep(slowInterval)
		wantSeries(t, set, "not read twice", `sampled_batches_total{compression="lz4",topic="orders"} 20`, "sampled_batches_total")
		count, sum := histogramOf(t, set, "kafka_prober_sampled_record_size_bytes")
		if count != 20 || sum != 20_000 {
			t.Errorf("%d records of %v bytes, want 20 of 20000", count, sum)
		}
		if _, sum := histogramOf(t, set, "kafka_prober_sampled_batch_size_bytes"); sum < 20*61 || sum > 20*200 {
			t.Errorf("batches of %v bytes: not compressed?", sum)
		}
	})
}

func TestTrafficSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*collector.TrafficSettings)
		want   string
	}{
		{func(s *collector.TrafficSettings) { s.Interval = 0 }, "interval: must be at least 5s, is 0s"},
		{func(s *collector.TrafficSettings) { s.MaxSeries = 0 }, "max_series: must be at least 1, is 0"},
		{func(s *collector.TrafficSettings) {
			s.RecordSizes.MaxBytes = 0
			s.RecordSizes.NewestRecords = 0
			s.RecordSizes.MaxRequests = 0
		},
			"record_sizes.max_bytes: must be between 1B and 16MiB, is 0B\nrecord_sizes.max_requests: must be between 1 and 1000, is 0\nrecord_sizes.newest_records: must be at least 1, is 0"},
		{func(s *collector.TrafficSettings) { s.RecordSizes.Topics = "(" },
			"record_sizes.topics: error parsing regexp: missing closing ): `(`: write an RE2 pattern such as orders-.*"},
	} {
		k, _ := collector.Kinds.Get("traffic")
		s := k.New().(*collector.TrafficSettings)
		test.change(s)
		err := s.Validate()
		if err == nil || joined(err) != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// joined is the faults of settings, one a line.
func joined(err error) string {
	var all []string
	for _, e := range kind.Flatten(err) {
		all = append(all, e.Error())
	}
	return strings.Join(all, "\n")
}

// histogramOf adds up the histograms of a family.
func histogramOf(t *testing.T, set *collector.Set, name string) (count uint64, sum float64) {
	t.Helper()
	families, err := set.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			count += m.GetHistogram().GetSampleCount()
			sum += m.GetHistogram().GetSampleSum()
		}
	}
	return count, sum
}

// valueOf returns the value of one series, as series writes it.
func valueOf(t *testing.T, set *collector.Set, name string) float64 {
	t.Helper()
	for line := range strings.SplitSeq(series(t, set), "\n") {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
