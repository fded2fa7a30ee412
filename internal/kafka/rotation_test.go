package kafka_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/security"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// TestRotation changes the authority, the client's certificate and the password while records are being
// sent: none may fail, and a broken file must change nothing.
func TestRotation(t *testing.T) {
	t.Parallel()
	first, second := newPKI(t), newPKI(t)
	var served atomic.Pointer[tls.Config]
	served.Store(first.mutual(first.server(t, testpki.Leaf{})))
	var logins atomic.Int64 // connections with the second client certificate
	cluster := newCluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "prober", "one"),
		kfake.TLS(&tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if served.Load() != nil {
				logins.Add(1)
			}
			return served.Load(), nil
		}}))

	install := func(p pki) {
		pair := p.issue(t, testpki.Leaf{Name: "prober"})
		first.write(t, "me.pem", pair.Cert)
		first.write(t, "me.key", pair.Key)
		first.write(t, "ca.pem", p.PEM)
	}
	install(first)
	password := first.write(t, "password", []byte("one"))
	traffic := kafka.NewTraffic()
	factory := kafka.NewFactory(kafka.Settings{
		Cluster: "c", BootstrapServers: cluster.ListenAddrs(),
		TLS:  &security.TLS{CAFile: first.path("ca.pem"), CertFile: first.path("me.pem"), KeyFile: first.path("me.key")},
		SASL: &security.SASL{Mechanism: security.Plain, Username: "prober", PasswordFile: password},
	}, quiet, traffic)
	watching, stop := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() { defer close(watched); factory.Watch(watching) }()
	defer func() { stop(); <-watched }()

	client := newClient(t, factory, kgo.DefaultProduceTopic("t"), kgo.ProducerLinger(0))
	sending, enough := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	var sent atomic.Int64
	go func() {
		for sending.Err() == nil {
			if err := client.ProduceSync(t.Context(), kgo.StringRecord("x")).FirstErr(); err != nil {
				failed <- err
				return
			}
			sent.Add(1)
		}
		failed <- nil
	}()
	good := func(want float64) func() bool {
		return func() bool { return reloadSuccess(t, traffic) == want }
	}
	await(t, "the first credentials", good(1))
	await(t, "records", func() bool { return sent.Load() > 10 })

	before := logins.Load()
	first.write(t, "me.key", []byte("broken"))
	await(t, "the broken key to be noticed", good(0))
	if err := factory.Credentials(); err == nil || !strings.Contains(err.Error(), "me.key") {
		t.Errorf("the broken key is not named: %v", err)
	}
	if logins.Load() != before {
		t.Error("a broken file made connections anew")
	}

	served.Store(second.mutual(second.server(t, testpki.Leaf{})))
	before = logins.Load()
	install(second)
	await(t, "the second credentials", good(1))
	await(t, "connections made with them", func() bool { return logins.Load() > before })
	enough()
	if err := <-failed; err != nil {
		t.Errorf("a record failed: %v", err)
	}
}

// reloadSuccess returns the value of credential_reload_success, or -1.
func reloadSuccess(t *testing.T, traffic *kafka.Traffic) float64 {
	t.Helper()
	const name = "kafka_prober_credential_reload_success"
	for _, value := range []float64{0, 1} {
		text := map[float64]string{0: "0", 1: "1"}[value]
		err := testutil.CollectAndCompare(traffic, strings.NewReader("# HELP "+name+` Whether the files of the credentials, as they are now, can be used; if not, those read before stay in force.
# TYPE `+name+` gauge
`+name+`{kafka_cluster="c",listener="default"} `+text+"\n"), name)
		if err == nil {
			return value
		}
	}
	return -1
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, errors.New("20 s"))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still waiting for %s after %v", what, context.Cause(ctx))
		}
	}
}
