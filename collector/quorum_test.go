package collector_test

import (
	"fmt"
	"log/slog"
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

// quorumInterval is that of the default settings, with room for jitter.
const quorumInterval = 16 * time.Second

// literalQuorum is what brokers answer to DescribeQuorum.
type literalQuorum struct {
	leader atomic.Int32
	err    atomic.Int32 // error code
	silent atomic.Bool  // no broker reaches a controller
}

// speakQuorum makes the brokers answer like those of a KRaft cluster with controllers 100 and 101.
func speakQuorum(t *testing.T, cluster *kfake.Cluster, nw *network) *literalQuorum {
	t.Helper()
	advertise(t, cluster, nw, kmsg.DescribeQuorum)
	q := new(literalQuorum)
	q.leader.Store(100)
	cluster.ControlKey(int16(kmsg.DescribeQuorum), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if q.silent.Load() {
			return nil, nil, true // a real broker would serve nothing else of this connection either: see the test on Kafka
		}
		resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
		if resp.ErrorCode = int16(q.err.Load()); resp.ErrorCode != 0 {
			return resp, nil, true
		}
		replica := func(id int32, end, caughtUp int64) kmsg.DescribeQuorumResponseTopicPartitionReplicaState {
			r := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
			r.ReplicaID, r.LogEndOffset, r.LastCaughtUpTimestamp = id, end, caughtUp
			return r
		}
		p := kmsg.NewDescribeQuorumResponseTopicPartition()
		p.LeaderID, p.LeaderEpoch, p.HighWatermark = q.leader.Load(), 7, 990
		p.CurrentVoters = append(p.CurrentVoters, replica(100, 1000, 5_000_000), replica(101, 1000, 5_000_000))
		p.Observers = append(p.Observers, replica(0, 998, 4_999_500), replica(1, 400, 4_700_000), replica(2, -1, -1))
		topic := kmsg.NewDescribeQuorumResponseTopic()
		topic.Topic = "__cluster_metadata"
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	return q
}

func TestQuorumExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		speakQuorum(t, cluster, nw)
		set := newSet(t, nw, member(t, "quorum"))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "KRaft", lines(
			`collector_success{collector="quorum"} 1`,
			`quorum_high_watermark{} 990`,
			`quorum_lag_records{broker="0",role="observer"} 2`,
			`quorum_lag_records{broker="1",role="observer"} 600`,
			`quorum_lag_records{broker="100",role="voter"} 0`,
			`quorum_lag_records{broker="101",role="voter"} 0`,
			`quorum_lag_seconds{broker="0",role="observer"} 0.5`,
			`quorum_lag_seconds{broker="1",role="observer"} 300`,
			`quorum_lag_seconds{broker="100",role="voter"} 0`,
			`quorum_lag_seconds{broker="101",role="voter"} 0`,
			`quorum_leader_epoch{} 7`,
			`quorum_leader_info{broker="100"} 1`,
			`quorum_observers{} 3`,
			`quorum_voters{} 2`,
			`signal_available{broker="",signal="quorum"} 1`,
		), "quorum", "signal", "collector_success")
	})
}

// A cluster that can't or won't tell is no failure; one whose controllers are gone is.
func TestQuorumAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		set := newSet(t, nw, member(t, "quorum"))
		time.Sleep(started)
		absent := lines(`collector_success{collector="quorum"} 1`, `signal_available{broker="",signal="quorum"} 0`)
		wantSeries(t, set, "no KRaft", absent, "quorum", "signal", "collector_success")
		set.Close()

		q := speakQuorum(t, cluster, nw)
		q.err.Store(int32(kerr.ClusterAuthorizationFailed.Code))
		set = newSet(t, nw, member(t, "quorum"))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "refused", absent, "quorum", "signal", "collector_success")

		q.err.Store(0)
		q.silent.Store(true)
		time.Sleep(4 * quorumInterval)
		wantSeries(t, set, "no controller", `collector_success{collector="quorum"} 0`, "quorum", "collector_success")
	})
}

func TestController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		q := speakQuorum(t, cluster, nw)
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		want := func(what string, want ...string) {
			t.Helper()
			wantSeries(t, set, what, lines(want...), "active_controllers", "controller", "cluster", "brokers_reachable", "signal")
		}
		same := []string{`cluster_id_changes_total{} 0`, `cluster_info{cluster_id="kfake"} 1`}
		want("at first", append([]string{`active_controllers{} 1`, `brokers_reachable{} 3`}, append(same,
			`controller_changes_total{} 0`, `controller_info{broker="100"} 1`, `signal_available{broker="",signal="controller"} 1`)...)...)

		q.leader.Store(101)
		time.Sleep(interval)
		want("another one", append([]string{`active_controllers{} 1`, `brokers_reachable{} 3`}, append(same,
			`controller_changes_total{} 1`, `controller_info{broker="101"} 1`, `signal_available{broker="",signal="controller"} 1`)...)...)

		q.silent.Store(true)
		time.Sleep(interval + timeout)
		want("none, and brokers are not thought down for it", append([]string{`active_controllers{} 0`, `brokers_reachable{} 3`}, append(same,
			`controller_changes_total{} 1`, `signal_available{broker="",signal="controller"} 1`)...)...)

		q.silent.Store(false)
		q.err.Store(int32(kerr.ClusterAuthorizationFailed.Code))
		time.Sleep(2*interval + timeout)
		want("refused", append([]string{`brokers_reachable{} 3`}, append(same,
			`controller_changes_total{} 1`, `signal_available{broker="",signal="controller"} 0`)...)...)
	})
}

// Where a right is missing from the start, no controller is no alarm either.
func TestControllerNeverKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		speakQuorum(t, cluster, nw).silent.Store(true)
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started + timeout)
		wantSeries(t, set, "unknown", `brokers_reachable{} 3`, "active", "brokers_reachable", "controller_info", "signal")
	})
}

// Under ZooKeeper metadata names the controller; kfake takes no requests of controllers unless told so.
func TestControllerOfZooKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		advertise(t, cluster, nw, kmsg.LeaderAndISR)
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "ZooKeeper", lines(`active_controllers{} 1`, `signal_available{broker="",signal="controller"} 1`), "active", "signal")
	})
}

func TestExpectedBrokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2)
		defer cluster.Close()
		env := newEnv(nw, slog.New(slog.DiscardHandler))
		env.ExpectedBrokers = 3
		set, err := collector.NewSet(env, []collector.Member{brokersMember(t)})
		if err != nil {
			t.Fatal(err)
		}
		set.Start(t.Context())
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "one is missing", lines(`brokers_registered{} 2`, `expected_brokers{} 3`), "expected", "brokers_registered")
	})
}

// The bootstrap servers' names lead to another cluster from one day to the next.
func TestClusterIDChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		var other atomic.Bool
		cluster.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			if !other.Load() {
				return nil, nil, false
			}
			resp := req.ResponseKind().(*kmsg.MetadataResponse)
			resp.ClusterID = kmsg.StringPtr("another")
			for id := range int32(3) {
				resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: "127.0.0.1", Port: firstPort + id})
			}
			return resp, nil, true
		})
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		other.Store(true)
		time.Sleep(2 * interval)
		wantSeries(t, set, "another cluster", lines(`cluster_id_changes_total{} 1`, `cluster_info{cluster_id="another"} 1`), "cluster_")
	})
}

func TestQuorumSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*collector.QuorumSettings)
		want   string
	}{
		{func(*collector.QuorumSettings) {}, "<nil>"},
		{func(s *collector.QuorumSettings) { s.Interval, s.Timeout = 0, 0 }, "interval: must be at least 1s, is 0s\ntimeout: must be at least 100ms, is 0s"},
		{func(s *collector.QuorumSettings) { s.Timeout = kind.Duration(8 * time.Second) }, "timeout: must be at most half the interval of 15s, is 8s"},
	} {
		s := member(t, "quorum").Settings.(*collector.QuorumSettings)
		test.change(s)
		if got := fmt.Sprint(s.Validate()); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
