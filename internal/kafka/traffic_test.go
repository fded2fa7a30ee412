package kafka_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The hooks are called as kgo calls them, so that the bytes are known.
func TestTrafficExposition(t *testing.T) {
	traffic := kafka.NewTraffic()
	factory := kafka.NewFactory(kafka.Settings{Cluster: "prod", BootstrapServers: []string{"k:1"}}, quiet, traffic)
	client := newClient(t, factory)
	hook := hookOf(client, 0).(interface {
		kgo.HookBrokerConnect
		kgo.HookBrokerDisconnect
		kgo.HookBrokerWrite
		kgo.HookBrokerRead
		kgo.HookBrokerThrottle
	})
	conn, _ := net.Pipe()
	seed, one := meta(-1<<31, "k", 1), meta(1, "k", 1)

	hook.OnBrokerConnect(seed, time.Millisecond, nil, refusedError)
	hook.OnBrokerConnect(seed, time.Millisecond, conn, nil)
	hook.OnBrokerDisconnect(seed, conn)
	hook.OnBrokerConnect(one, time.Millisecond, conn, nil)
	hook.OnBrokerConnect(one, time.Millisecond, conn, nil)
	hook.OnBrokerDisconnect(one, conn) // a third one fails its first exchange
	hook.OnBrokerConnect(one, time.Millisecond, conn, new(kgo.ErrFirstReadEOF))
	hook.OnBrokerConnect(one, time.Millisecond, nil, kgo.ErrClientClosed) // our own doing
	hook.OnBrokerWrite(one, 0, 100, 0, 0, nil)
	hook.OnBrokerWrite(one, 0, 28, 0, 0, refusedError)
	hook.OnBrokerRead(one, 0, 50, 0, 0, nil)
	hook.OnBrokerThrottle(one, 700*time.Millisecond, true)

	want := `
# HELP kafka_prober_client_connect_errors_total Connections of the prober's Kafka clients that could not be opened or failed their first exchange.
# TYPE kafka_prober_client_connect_errors_total counter
kafka_prober_client_connect_errors_total{broker="1",kafka_cluster="prod",listener="default",reason="CLOSED_ON_CONNECT"} 1
kafka_prober_client_connect_errors_total{broker="1",kafka_cluster="prod",listener="default",reason="CONNECTION_REFUSED"} 0
kafka_prober_client_connect_errors_total{broker="1",kafka_cluster="prod",listener="default",reason="DIAL_TIMEOUT"} 0
kafka_prober_client_connect_errors_total{broker="1",kafka_cluster="prod",listener="default",reason="NO_RESPONSE"} 0
kafka_prober_client_connect_errors_total{broker="seed",kafka_cluster="prod",listener="default",reason="CONNECTION_REFUSED"} 1
kafka_prober_client_connect_errors_total{broker="seed",kafka_cluster="prod",listener="default",reason="DIAL_TIMEOUT"} 0
kafka_prober_client_connect_errors_total{broker="seed",kafka_cluster="prod",listener="default",reason="NO_RESPONSE"} 0
# HELP kafka_prober_client_connections Open connections of the prober's Kafka clients.
# TYPE kafka_prober_client_connections gauge
kafka_prober_client_connections{broker="1",kafka_cluster="prod",listener="default"} 2
kafka_prober_client_connections{broker="seed",kafka_cluster="prod",listener="default"} 0
# HELP kafka_prober_client_connects_total Connections of the prober's Kafka clients that were opened and that the broker answered on.
# TYPE kafka_prober_client_connects_total counter
kafka_prober_client_connects_total{broker="1",kafka_cluster="prod",listener="default"} 2
kafka_prober_client_connects_total{broker="seed",kafka_cluster="prod",listener="default"} 1
# HELP kafka_prober_client_read_bytes_total Bytes that the prober's Kafka clients received, without TLS.
# TYPE kafka_prober_client_read_bytes_total counter
kafka_prober_client_read_bytes_total{broker="1",kafka_cluster="prod",listener="default"} 50
kafka_prober_client_read_bytes_total{broker="seed",kafka_cluster="prod",listener="default"} 0
# HELP kafka_prober_client_throttled_seconds_total Time for which the broker throttled the prober's Kafka clients.
# TYPE kafka_prober_client_throttled_seconds_total counter
kafka_prober_client_throttled_seconds_total{broker="1",kafka_cluster="prod",listener="default"} 0.7
kafka_prober_client_throttled_seconds_total{broker="seed",kafka_cluster="prod",listener="default"} 0
# HELP kafka_prober_client_written_bytes_total Bytes that the prober's Kafka clients sent, without TLS.
# TYPE kafka_prober_client_written_bytes_total counter
kafka_prober_client_written_bytes_total{broker="1",kafka_cluster="prod",listener="default"} 128
kafka_prober_client_written_bytes_total{broker="seed",kafka_cluster="prod",listener="default"} 0
`
	if err := testutil.CollectAndCompare(traffic, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(traffic); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}

	traffic.Forget("prod", "default")
	if n := testutil.CollectAndCount(traffic); n != 0 {
		t.Errorf("%d series of a cluster that was removed", n)
	}
}

// Clients that come and go leave their counts and no open connection.
func TestTrafficOfRealClients(t *testing.T) {
	cluster := newCluster(t, kfake.NumBrokers(3))
	traffic := kafka.NewTraffic()
	for range 5 {
		client := newClient(t, newFactory(cluster, traffic)) // a factory each, as reloads make them
		for _, id := range askMetadata(t, client) {
			if _, err := client.Broker(int(id)).Request(t.Context(), kmsg.NewPtrApiVersionsRequest()); err != nil {
				t.Fatal(err)
			}
		}
		client.Close()
	}
	for _, broker := range []string{"0", "1", "2"} {
		if v := value(t, traffic, "kafka_prober_client_connections", broker); v != 0 {
			t.Errorf("broker %s: %v connections are left", broker, v)
		}
		if v := value(t, traffic, "kafka_prober_client_connects_total", broker); v != 5 {
			t.Errorf("broker %s: %v connects, want 5", broker, v)
		}
		if v := value(t, traffic, "kafka_prober_client_read_bytes_total", broker); v == 0 {
			t.Errorf("broker %s: no byte was read", broker)
		}
	}
	if n := testutil.CollectAndCount(traffic, "kafka_prober_client_connections"); n != 4 { // 3 brokers and seed
		t.Errorf("%d series of connections, want 4", n)
	}
}

// The hooks run for every request of every client.
func TestHooksDoNotAllocate(t *testing.T) {
	factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"}}, quiet, kafka.NewTraffic())
	hook := hookOf(newClient(t, factory), 0)
	write, read := hook.(kgo.HookBrokerWrite), hook.(kgo.HookBrokerRead)
	broker := meta(1000, "k", 1)
	if n := testing.AllocsPerRun(100, func() {
		write.OnBrokerWrite(broker, 0, 100, 0, 0, nil)
		read.OnBrokerRead(broker, 0, 100, 0, 0, nil)
	}); n != 0 {
		t.Errorf("%v allocations for each request", n)
	}
}

// value returns one series, or fails.
func value(t *testing.T, c prometheus.Collector, name, broker string) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if family.GetName() == name && label.GetName() == "broker" && label.GetValue() == broker {
					return m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	t.Fatalf("no %s of broker %s", name, broker)
	return 0
}
