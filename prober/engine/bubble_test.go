package engine

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// bubble is a fake cluster and its network inside a synctest bubble, where time passes only when everybody
// waits: what is measured there does not depend on how busy the machine is, and an hour takes a second.
type bubble struct {
	*kfake.Cluster
	network kfake.VirtualNetwork
}

// inBubble runs test in a bubble with a cluster such as newCluster starts.
func inBubble(t *testing.T, test func(t *testing.T, b *bubble), opts ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := new(bubble)
		b.Cluster = newCluster(t, append([]kfake.Opt{kfake.ListenFn(b.network.Listen), kfake.Ports(9092, 9093, 9094)}, opts...)...)
		test(t, b)
	})
}

// config returns the configuration of an engine on the bubble's cluster.
func (b *bubble) config(t *testing.T, sink ledger.Sink) Config {
	t.Helper()
	c := config(t, b.ListenAddrs(), sink)
	c.GoTimers = true
	c.Client = b.client
	return c
}

func (b *bubble) client(_ string, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.ListenAddrs()...), kgo.Dialer(b.dial)}, opts...)...)
}

func (b *bubble) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return b.network.DialContext(ctx, network, addr)
}

// runEngine makes an engine and lets it run until the end of the test.
func runEngine(t *testing.T, c Config) *Engine {
	t.Helper()
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return e
}

// pass lets time pass, in a bubble, until everybody has done what there was to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
