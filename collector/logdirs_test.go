package collector_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// logDirsInterval is that of the default settings, with room for jitter.
const logDirsInterval = 64 * time.Second

// speakLogDirs makes each broker answer with two directories, one of broker 2's being offline, and returns
// the error code to answer with instead, as well as the most brokers that were asked at the same time.
func speakLogDirs(cluster *kfake.Cluster) (code *atomic.Int32, atOnce *atomic.Int32) {
	code, atOnce = new(atomic.Int32), new(atomic.Int32)
	var now atomic.Int32
	cluster.ControlKey(int16(kmsg.DescribeLogDirs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		atOnce.Store(max(atOnce.Load(), now.Add(1)))
		defer now.Add(-1)
		cluster.SleepControl(func() { time.Sleep(10 * time.Millisecond) })
		resp := r.ResponseKind().(*kmsg.DescribeLogDirsResponse)
		if resp.ErrorCode = int16(code.Load()); resp.ErrorCode != 0 {
			return resp, nil, true
		}
		node := cluster.CurrentNode()
		ssd := kmsg.NewDescribeLogDirsResponseDir()
		ssd.Dir, ssd.TotalBytes, ssd.UsableBytes = "/ssd", 1000, 400
		for topic, sizes := range map[string][]int64{"orders": {10, 20}, "__offsets": {7}, "payments": {int64(100 * (node + 1))}} {
			t := kmsg.NewDescribeLogDirsResponseDirTopic()
			t.Topic = topic
			for i, size := range sizes {
				p := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
				p.Partition, p.Size, p.IsFuture = int32(i), size, i == 1
				t.Partitions = append(t.Partitions, p)
			}
			ssd.Topics = append(ssd.Topics, t)
		}
		hdd := kmsg.NewDescribeLogDirsResponseDir()
		hdd.Dir, hdd.TotalBytes, hdd.UsableBytes = "/hdd", -1, -1
		if node == 2 {
			hdd.ErrorCode = kerr.KafkaStorageError.Code
		}
		resp.Dirs = append(resp.Dirs, ssd, hdd)
		return resp, nil, true
	})
	return code, atOnce
}

func TestLogDirsExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		speakLiterally(cluster, &literal{topics: []literalTopic{{name: "__offsets", internal: true}, {name: "orders"}, {name: "payments"}}})
		code, atOnce := speakLogDirs(cluster)
		set := newSet(t, nw, member(t, "logdirs"))
		defer set.Close()
		time.Sleep(started)
		broker := func(id, payments int) string {
			return lines(
				fmt.Sprintf(`log_dir_bytes{broker="%d",log_dir="/ssd",topic="orders"} 30`, id),
				fmt.Sprintf(`log_dir_bytes{broker="%d",log_dir="/ssd",topic="payments"} %d`, id, payments),
			)
		}
		wantSeries(t, set, "by topic", lines(broker(0, 100), broker(1, 200), broker(2, 300)), "log_dir_bytes")
		wantSeries(t, set, "by directory", lines(
			`collector_success{collector="logdirs"} 1`,
			`log_dir_offline{broker="0",log_dir="/hdd"} 0`,
			`log_dir_offline{broker="0",log_dir="/ssd"} 0`,
			`log_dir_offline{broker="1",log_dir="/hdd"} 0`,
			`log_dir_offline{broker="1",log_dir="/ssd"} 0`,
			`log_dir_offline{broker="2",log_dir="/hdd"} 1`,
			`log_dir_offline{broker="2",log_dir="/ssd"} 0`,
			`log_dir_total_bytes{broker="0",log_dir="/ssd"} 1000`,
			`log_dir_total_bytes{broker="1",log_dir="/ssd"} 1000`,
			`log_dir_total_bytes{broker="2",log_dir="/ssd"} 1000`,
			`log_dir_usable_bytes{broker="0",log_dir="/ssd"} 400`,
			`log_dir_usable_bytes{broker="1",log_dir="/ssd"} 400`,
			`log_dir_usable_bytes{broker="2",log_dir="/ssd"} 400`,
			`log_dir_used_bytes{broker="0",log_dir="/hdd"} 0`,
			`log_dir_used_bytes{broker="0",log_dir="/ssd"} 137`,
			`log_dir_used_bytes{broker="1",log_dir="/hdd"} 0`,
			`log_dir_used_bytes{broker="1",log_dir="/ssd"} 237`,
			`log_dir_used_bytes{broker="2",log_dir="/ssd"} 337`,
			`signal_available{broker="",signal="log_dirs"} 1`,
			`signal_available{broker="",signal="topics"} 1`,
		), "log_dir_offline", "log_dir_total", "log_dir_us", "signal", "collector_success")
		if got := atOnce.Load(); got != 1 {
			t.Errorf("%d brokers were asked at once, want 1", got)
		}

		nw.set(frozen, 1)
		time.Sleep(logDirsInterval + 30*time.Second)
		wantSeries(t, set, "one frozen", lines(
			`collector_partial_errors_total{broker="1",collector="logdirs",reason="DEADLINE_EXCEEDED"} 1`,
			`collector_success{collector="logdirs"} 1`,
			`log_dir_used_bytes{broker="0",log_dir="/hdd"} 0`,
			`log_dir_used_bytes{broker="0",log_dir="/ssd"} 137`,
			`log_dir_used_bytes{broker="2",log_dir="/ssd"} 337`,
		), "log_dir_used", "collector_partial", "collector_success")

		nw.set(none, 1)
		code.Store(int32(kerr.ClusterAuthorizationFailed.Code))
		time.Sleep(2 * logDirsInterval)
		wantSeries(t, set, "refused", lines(`collector_success{collector="logdirs"} 1`, `signal_available{broker="",signal="log_dirs"} 0`, `signal_available{broker="",signal="topics"} 1`),
			"log_dir", "signal", "collector_success")
	})
}

// Where series are left out, the largest stay.
func TestLogDirsCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		speakLogDirs(cluster)
		m := member(t, "logdirs")
		m.Settings.(*collector.LogDirsSettings).MaxSeries = 17 + 2 // 17 are by directory
		set := newSet(t, nw, m)
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "capped", lines(
			`log_dir_bytes{broker="1",log_dir="/ssd",topic="payments"} 200`,
			`log_dir_bytes{broker="2",log_dir="/ssd",topic="payments"} 300`,
			`series_dropped_total{collector="logdirs"} 7`,
		), "log_dir_bytes", "series_dropped")
	})
}

func TestLogDirsSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*collector.LogDirsSettings)
		want   string
	}{
		{func(*collector.LogDirsSettings) {}, "<nil>"},
		{func(s *collector.LogDirsSettings) { s.Interval, s.Timeout = 0, 0 }, "interval: must be at least 5s, is 0s\ntimeout: must be at least 100ms, is 0s"},
		{func(s *collector.LogDirsSettings) { s.Timeout = kind.Duration(time.Minute) }, "timeout: must be at most half the interval of 1m, is 1m"},
		{func(s *collector.LogDirsSettings) { s.ExcludeTopics = "*" }, "exclude_topics: error parsing regexp: missing argument to repetition operator: `*`: write an RE2 pattern such as orders-.*"},
	} {
		s := member(t, "logdirs").Settings.(*collector.LogDirsSettings)
		test.change(s)
		if got := fmt.Sprint(s.Validate()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
