package kafkatest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// healTimeout bounds the repair of the shared cluster after a test.
const healTimeout = 2 * time.Minute

// Start starts a cluster for one test and closes it at the test's end; the nodes' logs are shown when the
// test fails. Without Java or Maven it fails the test in one line that says what to install.
func Start(t testing.TB, opts ...Option) *Cluster {
	t.Helper()
	c, err := Run(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		showLogs(t, c)
		if err := c.Close(); err != nil {
			t.Errorf("close cluster: %v", err)
		}
	})
	return c
}

// shared is the cluster of the package's tests.
var shared struct {
	opts []Option // set by Main before any test runs

	mu      sync.Mutex
	started bool
	cluster *Cluster
	err     error
}

// Main runs the tests of a package of which some use Shared:
//
//	func TestMain(m *testing.M) { kafkatest.Main(m) }
//
// The options are those of the shared cluster, which starts when the first test asks for it.
func Main(m *testing.M, opts ...Option) {
	shared.opts = opts
	m.Run() // the exit code is m's: see testing.M
	if shared.cluster != nil {
		_ = shared.cluster.Close() // what is left ends with this process
	}
}

// Shared returns the cluster that the tests of this process share, for tests that name their own topics.
// It is healed at the end of each test. Tests that use it don't run in parallel if they stop brokers.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.started {
		shared.started = true
		// Not the context of this test: the cluster outlives it.
		shared.cluster, shared.err = Run(context.Background(), shared.opts...)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	c := shared.cluster
	t.Cleanup(func() {
		showLogs(t, c)
		ctx, cancel := context.WithTimeoutCause(context.Background(), healTimeout, errors.New("it took too long"))
		defer cancel()
		if err := c.Heal(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

func showLogs(t testing.TB, c *Cluster) {
	if t.Failed() {
		t.Log(c.LogTail())
	}
}
