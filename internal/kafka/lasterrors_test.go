package kafka_test

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestLastErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"}}, quiet, nil)
		client := newClient(t, factory)
		defer client.Close()
		hook := hookOf(client, 0).(interface {
			kgo.HookBrokerConnect
			kgo.HookBrokerRead
		})
		last := factory.LastErrors()
		want := func(what string, broker int32, reason string, ago time.Duration) {
			t.Helper()
			got, at, ok := last.Last(broker)
			if broker < 0 {
				got, at, ok = last.LastAny()
			}
			if got != reason || ok != (reason != "") || ok && time.Since(at) != ago {
				t.Errorf("%s: got %q %v ago, want %q %v ago", what, got, time.Since(at), reason, ago)
			}
		}
		const anyBroker = -1
		want("at first", 1, "", 0)
		want("at first", anyBroker, "", 0)

		hook.OnBrokerConnect(meta(-1<<31, "k", 1), 0, nil, refusedError)
		want("a seed that nobody knows", anyBroker, "CONNECTION_REFUSED", 0)
		want("a seed that nobody knows", 1, "", 0)

		time.Sleep(time.Second)
		hook.OnBrokerConnect(meta(1, "k", 1), 0, nil, &net.DNSError{})
		hook.OnBrokerRead(meta(2, "k", 2), 0, 0, 0, 0, io.EOF)
		time.Sleep(time.Second)
		want("its own", 1, "DNS_ERROR", time.Second)
		want("its own", 2, "CONNECTION_CLOSED", time.Second)
		want("the last of all", anyBroker, "CONNECTION_CLOSED", time.Second)

		hook.OnBrokerConnect(meta(-1<<31, "k", 1), 0, nil, refusedError)
		want("a seed at the address of a broker", 1, "CONNECTION_REFUSED", 0)

		time.Sleep(time.Second)
		hook.OnBrokerRead(meta(2, "k", 2), 0, 0, 0, 0, kgo.ErrClientClosed)
		hook.OnBrokerRead(meta(2, "k", 2), 0, 0, 0, 0, net.ErrClosed)
		hook.OnBrokerRead(meta(2, "k", 2), 0, 9, 0, 0, nil)
		want("our own doing and success change nothing", 2, "CONNECTION_CLOSED", 2*time.Second)
		want("our own doing and success change nothing", anyBroker, "CONNECTION_REFUSED", time.Second)
	})
}
