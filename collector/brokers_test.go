package collector_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Times of the default settings, with room for jitter.
const (
	started  = 1500 * time.Millisecond // every first refresh has ended
	interval = 5*time.Second + 500*time.Millisecond
	timeout  = 2 * time.Second
)

func TestBrokersExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2)
		defer cluster.Close()
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		want := `
# HELP kafka_prober_broker_info Where the broker is, as it advertises itself on this listener, and its Kafka version as the requests that it knows tell, without the patch number.
# TYPE kafka_prober_broker_info gauge
kafka_prober_broker_info{broker="0",host="localhost",kafka_cluster="prod",listener="default",rack="krack",version="between 1.0 and 1.1"} 1
kafka_prober_broker_info{broker="1",host="localhost",kafka_cluster="prod",listener="default",rack="krack",version="between 1.0 and 1.1"} 1
# HELP kafka_prober_broker_up Whether the broker is listed by the cluster and answers; 0 also when nobody could be asked.
# TYPE kafka_prober_broker_up gauge
kafka_prober_broker_up{broker="0",kafka_cluster="prod",listener="default"} 1
kafka_prober_broker_up{broker="1",kafka_cluster="prod",listener="default"} 1
# HELP kafka_prober_brokers_reachable Brokers that are up.
# TYPE kafka_prober_brokers_reachable gauge
kafka_prober_brokers_reachable{kafka_cluster="prod",listener="default"} 2
# HELP kafka_prober_brokers_registered Brokers that the controller has registered, fenced ones included; before Kafka 4.0 those listed or assigned a replica.
# TYPE kafka_prober_brokers_registered gauge
kafka_prober_brokers_registered{kafka_cluster="prod",listener="default"} 2
# HELP kafka_prober_collector_duration_seconds How long the collector's last refresh took.
# TYPE kafka_prober_collector_duration_seconds gauge
kafka_prober_collector_duration_seconds{collector="brokers",kafka_cluster="prod",listener="default"} 0
# HELP kafka_prober_collector_success Whether the collector's last refresh went well and is not older than three intervals.
# TYPE kafka_prober_collector_success gauge
kafka_prober_collector_success{collector="brokers",kafka_cluster="prod",listener="default"} 1
`
		if err := testutil.GatherAndCompare(set, strings.NewReader(want), "kafka_prober_broker_info", "kafka_prober_broker_up",
			"kafka_prober_brokers_reachable", "kafka_prober_brokers_registered",
			"kafka_prober_collector_duration_seconds", "kafka_prober_collector_success"); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(set); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
	})
}

// A broker that is away, in either way, is 0 within an interval and a timeout;
// the others are not touched by it.
func TestBrokerDown(t *testing.T) {
	for name, f := range map[string]fault{"dead": dead, "frozen": frozen} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster, nw := newCluster(t, 3)
				defer cluster.Close()
				set := newSet(t, nw, brokersMember(t))
				defer set.Close()
				time.Sleep(started)

				nw.set(f, 1)
				time.Sleep(interval + timeout)
				for range 20 { // metadata keeps coming from the others, whomever kgo asks first
					wantSeries(t, set, "one broker down", lines(
						`broker_up{broker="0"} 1`, `broker_up{broker="1"} 0`, `broker_up{broker="2"} 1`,
						`brokers_reachable{} 2`, `brokers_registered{} 3`,
						`collector_success{collector="brokers"} 1`,
					), "broker_up", "brokers_", "collector_success")
					time.Sleep(interval)
				}

				nw.set(none, 1)
				time.Sleep(interval + timeout)
				wantSeries(t, set, "it is back", `brokers_reachable{} 3`, "brokers_reachable")
			})
		})
	}
}

// In a total outage every broker known goes on being exported, at 0, for as long
// as it takes, and the collector says that it failed.
func TestTotalOutage(t *testing.T) {
	for name, f := range map[string]fault{"dead": dead, "frozen": frozen} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster, nw := newCluster(t, 3)
				defer cluster.Close()
				set := newSet(t, nw, brokersMember(t))
				defer set.Close()
				time.Sleep(started)

				nw.set(f, 0, 1, 2)
				time.Sleep(interval + timeout)
				for range 10 {
					wantSeries(t, set, "no broker", lines(
						`broker_up{broker="0"} 0`, `broker_up{broker="1"} 0`, `broker_up{broker="2"} 0`,
						`brokers_reachable{} 0`, `collector_success{collector="brokers"} 0`,
					), "broker_up", "brokers_", "collector_success")
					time.Sleep(time.Minute)
				}

				nw.set(none, 0, 1, 2)
				time.Sleep(interval + timeout)
				wantSeries(t, set, "all back", lines(
					`broker_up{broker="0"} 1`, `broker_up{broker="1"} 1`, `broker_up{broker="2"} 1`,
					`collector_success{collector="brokers"} 1`,
				), "broker_up", "collector_success")
			})
		})
	}
}

// Born in an outage: nothing is known, so nothing is said but that.
func TestBornInAnOutage(t *testing.T) {
	for name, f := range map[string]fault{"dead": dead, "frozen": frozen} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster, nw := newCluster(t, 3)
				defer cluster.Close()
				nw.set(f, 0, 1, 2)
				set := newSet(t, nw, brokersMember(t))
				defer set.Close()
				wantSeries(t, set, "before the first refresh", `series_dropped_total{collector="brokers"} 0`)
				time.Sleep(started + timeout)
				wantSeries(t, set, "in the outage", `collector_success{collector="brokers"} 0`, "broker", "collector_success", "collector_last")

				nw.set(none, 0, 1, 2)
				time.Sleep(interval + timeout)
				wantSeries(t, set, "after it", lines(`brokers_reachable{} 3`, `collector_success{collector="brokers"} 1`),
					"brokers_reachable", "collector_success")
			})
		})
	}
}

// A broker restarts between two refreshes: the connection kept for it is broken,
// the broker is not down.
func TestRestartBetweenRefreshesIsNotDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		nw.restart(1)
		for range 60 {
			time.Sleep(100 * time.Millisecond)
			wantSeries(t, set, "restarted", `brokers_reachable{} 3`, "brokers_reachable")
		}
	})
}

// Kafka 4 names the brokers that are fenced, so that one that was down before
// the prober started is known, and one that was unregistered is forgotten.
func TestFencedAndUnregistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2)
		defer cluster.Close()
		var unregistered atomic.Bool
		cluster.ControlKey(int16(kmsg.DescribeCluster), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			asked := req.(*kmsg.DescribeClusterRequest)
			resp := asked.ResponseKind().(*kmsg.DescribeClusterResponse)
			ids := []int32{0, 1}
			if asked.IncludeFencedBrokers && !unregistered.Load() {
				ids = append(ids, 7)
			}
			for _, id := range ids {
				resp.Brokers = append(resp.Brokers, kmsg.DescribeClusterResponseBroker{NodeID: id, Host: "far", IsFenced: id == 7})
			}
			return resp, nil, true
		})
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "one fenced", lines(
			`broker_info{broker="0",host="localhost",rack="krack",version="between 1.0 and 1.1"} 1`,
			`broker_info{broker="1",host="localhost",rack="krack",version="between 1.0 and 1.1"} 1`,
			`broker_info{broker="7",host="far",rack="",version=""} 1`,
			`broker_up{broker="0"} 1`, `broker_up{broker="1"} 1`, `broker_up{broker="7"} 0`,
			`brokers_reachable{} 2`, `brokers_registered{} 3`,
		), "broker")

		unregistered.Store(true)
		time.Sleep(interval)
		wantSeries(t, set, "unregistered", lines(
			`broker_up{broker="0"} 1`, `broker_up{broker="1"} 1`, `brokers_reachable{} 2`, `brokers_registered{} 2`,
		), "broker_up", "brokers")
	})
}

// Before Kafka 4 nobody tells a broker that was removed from one that is down,
// so it stays down until it is forgotten.
func TestRemovedBeforeKafka4(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3, kfake.MaxVersions(kversion.V3_8_0()))
		defer cluster.Close()
		member := brokersMember(t)
		member.Settings.(*collector.BrokersSettings).ForgetAfter = kind.Duration(time.Hour)
		set := newSet(t, nw, member)
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "at first", lines(`brokers_reachable{} 3`, `collector_success{collector="brokers"} 1`), "brokers_", "collector_success")

		if err := cluster.RemoveNode(2); err != nil {
			t.Fatal(err)
		}
		time.Sleep(55 * time.Minute)
		wantSeries(t, set, "removed", lines(`broker_up{broker="0"} 1`, `broker_up{broker="1"} 1`, `broker_up{broker="2"} 0`), "broker_up")
		time.Sleep(10 * time.Minute)
		wantSeries(t, set, "forgotten", lines(`broker_up{broker="0"} 1`, `broker_up{broker="1"} 1`), "broker_up")
	})
}

func TestBrokerAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2)
		defer cluster.Close()
		set := newSet(t, nw, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		if _, _, err := cluster.AddNode(2, firstPort+2); err != nil {
			t.Fatal(err)
		}
		time.Sleep(interval)
		wantSeries(t, set, "added", lines(`broker_up{broker="0"} 1`, `broker_up{broker="1"} 1`, `broker_up{broker="2"} 1`), "broker_up")
	})
}

func TestBrokersSettings(t *testing.T) {
	valid := func() *collector.BrokersSettings { return brokersMember(t).Settings.(*collector.BrokersSettings) }
	if err := valid().Validate(); err != nil {
		t.Fatalf("the defaults are wrong: %v", err)
	}
	for _, test := range []struct {
		change func(*collector.BrokersSettings)
		want   string
	}{
		{func(s *collector.BrokersSettings) { s.Interval = 0; s.Timeout = 0; s.ForgetAfter = 0 },
			"interval: must be at least 1s, is 0s\ntimeout: must be at least 100ms, is 0s"},
		{func(s *collector.BrokersSettings) { s.Timeout = kind.Duration(3 * time.Second) },
			"timeout: must be at most half the interval of 5s, is 3s"},
		{func(s *collector.BrokersSettings) { s.ForgetAfter = kind.Duration(time.Second) },
			"forget_after: must be at least the interval of 5s, is 1s"},
	} {
		s := valid()
		test.change(s)
		if err := s.Validate(); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}
