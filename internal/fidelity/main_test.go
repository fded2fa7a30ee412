//go:build bench

package fidelity_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// Lengths, for whoever wants to try something out. The defaults are those of `make bench`.
var (
	brokerWarmUp = flag.Duration("brokers.warm-up", time.Minute, "load on the brokers before the first measurement")
	warmUp       = flag.Duration("warm-up", 3*time.Second, "time that each run is not measured at its start")

	pairs       = flag.Int("fidelity.pairs", 10, "pairs of runs, ours and the floor")
	pairLength  = flag.Duration("fidelity.length", 10*time.Second, "length of each run")
	javaRecords = flag.Int("fidelity.java-records", 2000, "records of each run of EndToEndLatency")

	costPairs  = flag.Int("cost.pairs", 3, "pairs of runs at each rate, daemon and floor")
	costLength = flag.Duration("cost.length", 25*time.Second, "length of each run: 23 s hold two scrapes")

	truthLength = flag.Duration("truth.length", 20*time.Second, "length of each run with the longest delay; others have less")

	scaleBrokers = flag.Int("scale.brokers", 100, "number of brokers")
	scaleLength  = flag.Duration("scale.length", time.Minute, "length of each of the daemon's two stretches")

	partitionsLength = flag.Duration("partitions.length", 2*time.Minute, "how long the daemon is watched on each cluster of many partitions")
)

func TestMain(m *testing.M) {
	m.Run() // the exit code is m's: see testing.M
	if shared.cluster != nil {
		_ = shared.cluster.Close() // what is left ends with this process
	}
}

// shared is the cluster of all tests that need one. It is not kafkatest.Shared, which shows the brokers'
// logs when a test fails: a limit that was missed is not explained there.
var shared struct{ cluster *kafkatest.Cluster }

const recordSize = 128

// newTopic creates a topic whose partitions have leaders spread over the brokers, all with three replicas.
func newTopic(t *testing.T, c *kafkatest.Cluster, name string, partitions int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), int32(partitions), 3, nil, name); err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
}

// warmCluster returns the shared cluster, with a new topic, once its compilers have seen the load's code.
// The brokers run as their users run them: optimising compiler, settings as shipped. Tests here run one
// after another.
func warmCluster(t *testing.T, topic string, partitions int) *kafkatest.Cluster {
	t.Helper()
	first := shared.cluster == nil
	if first {
		var err error
		// Not the context of this test: the cluster outlives it.
		shared.cluster, err = kafkatest.Run(context.Background(),
			kafkatest.JVMFlags("-Xms512m", "-Xmx512m"), kafkatest.BrokerDefaults())
		if err != nil {
			t.Fatal(err)
		}
	}
	c := shared.cluster
	newTopic(t, c, topic, partitions)
	if first {
		r := runTool(t, "floor", fidelity.Load{
			Servers: c.Bootstrap(), Topic: topic, Partitions: partitions,
			Interval: 2 * time.Millisecond, Size: recordSize, Length: *brokerWarmUp,
		})
		printf(t, "warm-up: %d records\n", r.Count)
	}
	return c
}

// printf prints a line of the report.
func printf(t *testing.T, format string, args ...any) {
	t.Helper()
	fmt.Fprintf(t.Output(), format, args...)
}

// gate prints what was measured beside its limit and fails the test if it is above.
func gate(t *testing.T, what string, value, limit float64, unit string) {
	t.Helper()
	verdict := "PASS"
	if value > limit {
		verdict = "FAIL"
		t.Fail()
	}
	printf(t, "%s  %-58s %9.3f %s, at most %g\n", verdict, what, value, unit, limit)
}

// pause waits, or fails the test with its context.
func pause(ctx context.Context, t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		t.Fatal(context.Cause(ctx))
	}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }
func microseconds(d time.Duration) float64 { return d.Seconds() * 1e6 }
func mebibytes(n int64) float64            { return float64(n) / (1 << 20) }
