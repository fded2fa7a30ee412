package kafka_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestCommonOptions(t *testing.T) {
	factory := kafka.NewFactory(kafka.Settings{
		Cluster: "prod", BootstrapServers: []string{"kafka-1:9092"}, ClientID: "me", Version: "1.2.3+dirty_x",
	}, quiet, nil)
	client := newClient(t, factory)
	for _, test := range []struct {
		name string
		got  any
		want any
	}{
		{"seed brokers", strings.Join(client.OptValue(kgo.SeedBrokers).([]string), ","), "kafka-1:9092"},
		{"client id", client.OptValue(kgo.ClientID), "me"},
		{"software name", client.OptValues(kgo.SoftwareNameAndVersion)[0], "kafka-prober"},
		{"software version", client.OptValues(kgo.SoftwareNameAndVersion)[1], "1.2.3-dirty-x"},
		{"client metrics disabled", client.OptValue(kgo.DisableClientMetrics), true},
		{"dial timeout", client.OptValue(kgo.DialTimeout), time.Second},
		{"metadata min age", client.OptValue(kgo.MetadataMinAge), 250 * time.Millisecond},
		{"listener", factory.Settings().Listener, "default"},
	} {
		if test.got != test.want {
			t.Errorf("%s is %v, want %v", test.name, test.got, test.want)
		}
	}

	backoff := client.OptValue(kgo.RetryBackoffFn).(func(int) time.Duration)
	for failures, bounds := range map[int][2]time.Duration{
		0: {10, 20}, 1: {10, 20}, 2: {20, 40}, 3: {40, 80}, 4: {50, 100}, 5: {50, 100}, 1 << 40: {50, 100},
	} {
		for range 1000 {
			if d := backoff(failures); d < bounds[0]*time.Millisecond || d >= bounds[1]*time.Millisecond {
				t.Fatalf("after %d failures the back-off is %v, want from %dms to below %dms", failures, d, bounds[0], bounds[1])
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"}}, quiet, nil)
	client := newClient(t, factory)
	if id := client.OptValue(kgo.ClientID); id != "kafka_prober" {
		t.Errorf("client id is %v", id)
	}
	if version := client.OptValues(kgo.SoftwareNameAndVersion)[1]; version == "" || strings.ContainsAny(version.(string), "()_+") {
		t.Errorf("software version is %q", version)
	}
}

func TestCallersOptionsWin(t *testing.T) {
	factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"}}, quiet, nil)
	client := newClient(t, factory, kgo.MetadataMinAge(time.Minute), kgo.WithHooks(noHook{}))
	if age := client.OptValue(kgo.MetadataMinAge); age != time.Minute {
		t.Errorf("metadata min age is %v", age)
	}
	if _, both := hookOf(client, 0).(noHook); both || hookOf(client, 1) != (noHook{}) {
		t.Error("want the factory's hook, then the caller's")
	}
}

// noHook is a hook of the caller's.
type noHook struct{}

func (noHook) OnClientClosed(*kgo.Client) {}

func TestBadOptionsNameRoleAndCluster(t *testing.T) {
	factory := kafka.NewFactory(kafka.Settings{Cluster: "prod", BootstrapServers: []string{"kafka-1:ninety"}}, quiet, nil)
	_, err := factory.Client("producer")
	if want := `make producer client of cluster "prod": `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s...", err, want)
	}
}

// Kafka refuses clients whose software name or version it does not like, so the
// real request is looked at.
func TestKafkaAcceptsTheSoftwareName(t *testing.T) {
	cluster := newCluster(t, kfake.NumBrokers(1))
	seen := make(chan *kmsg.ApiVersionsRequest, 10)
	cluster.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		seen <- req.(*kmsg.ApiVersionsRequest)
		return nil, nil, false
	})
	if err := newClient(t, newFactory(cluster, nil)).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if req := <-seen; req.ClientSoftwareName != "kafka-prober" || req.ClientSoftwareVersion == "" {
		t.Errorf("sent %q %q", req.ClientSoftwareName, req.ClientSoftwareVersion)
	}
}

// A dialer of the caller's must not escape the dial timeout.
func TestDialerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials time.Duration // kgo itself dials a second time
		factory := kafka.NewFactory(kafka.Settings{
			Cluster: "c", BootstrapServers: []string{"k:1"},
			Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
				dials++
				<-ctx.Done()
				return nil, ctx.Err()
			},
		}, quiet, nil)
		client, err := factory.Client("test", kgo.RequestRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		start := time.Now()
		err = client.Ping(t.Context())
		if got := kafka.Reason(err); got != "DIAL_TIMEOUT" {
			t.Errorf("got %s of %v", got, err)
		}
		if took, want := time.Since(start), dials*time.Second+(dials-1)*100*time.Millisecond; took != want {
			t.Errorf("%d dials took %v, want 1s each and 100ms between them", dials, took)
		}
	})
}

// Every line of a client says whose it is.
func TestLogNamesTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
		factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"}, Dialer: refuse}, log, nil)
		client, err := factory.Client("test", kgo.RequestRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		client.Ping(t.Context())
		client.Close()
		synctest.Wait()
		if want := `msg="unable to open connection to broker" kafka_cluster=c listener=default client=test addr=k:1`; !strings.Contains(out.String(), want) {
			t.Errorf("want a line with %s, got\n%s", want, out.String())
		}
	})
}
