//go:build faults

package collector_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// While a broker is frozen scrapes take no longer, what the others say is as fresh as ever, what it said is
// not shown as if it still held, and no collector claims to be well whose last refresh is old.
func TestFrozenBroker(t *testing.T) {
	const frozen, length = 3, 40 * time.Second
	r := startReal(t, everything(t)...)
	client := r.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic("frozen"))
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(t.Context(), 3, 1, nil, "frozen"); err != nil {
		t.Fatal(err)
	}
	described, err := admin.ListTopics(t.Context(), "frozen")
	if err != nil {
		t.Fatal(err)
	}
	var reached []int32 // partitions whose leader stays
	for number, p := range described["frozen"].Partitions {
		if p.Leader != frozen {
			reached = append(reached, number)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for _, number := range reached {
					client.Produce(ctx, &kgo.Record{Partition: number, Value: []byte("x")}, nil)
				}
			}
		}
	}()
	r.await(40*time.Second, "everything to be known", func() bool {
		all := r.series()
		return total(all["collector_success"]) == float64(len(everything(t))) &&
			all["broker_up"]["broker=3"] == 1 && total(all["leader_messages_total"]) > 0
	})
	if err := r.Broker(frozen).Pause(); err != nil {
		t.Fatal(err)
	}

	var slowest, stalest time.Duration
	scrapes, counted, lastCounted := 0, total(r.values("leader_messages_total")), time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < length; <-tick.C {
		scrape := time.Now()
		if _, err := r.set.Gather(); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(scrape))
		scrapes++
		all := r.series()
		if n := total(all["leader_messages_total"]); n > counted {
			counted, lastCounted = n, time.Now()
		}
		stalest = max(stalest, time.Since(lastCounted))
		for label, at := range all["collector_last_success_timestamp_seconds"] {
			if age := time.Since(time.UnixMilli(int64(at * 1e3))); all["collector_success"][label] == 1 && age > 3*intervalOf(t, label)+2*time.Second {
				t.Fatalf("%s claims to be well, its last success is %v ago", label, age)
			}
		}
	}
	t.Logf("%d scrapes, the slowest took %v; the others' records were counted every %v at most", scrapes, slowest, stalest)
	if slowest > 100*time.Millisecond {
		t.Errorf("a scrape took %v, want at most 100 ms", slowest)
	}
	if limit := 15 * time.Second; stalest > limit {
		t.Errorf("the other brokers' records were not counted for %v, want at most %v", stalest, limit)
	}
	all := r.series()
	if all["broker_up"]["broker=3"] != 0 || all["brokers_reachable"][""] != 2 {
		t.Errorf("broker up: %v, reachable: %v", all["broker_up"], all["brokers_reachable"])
	}
	for label := range all["log_dir_used_bytes"] {
		if strings.HasPrefix(label, "broker=3,") {
			t.Errorf("a frozen broker is said to use disk: %v", all["log_dir_used_bytes"])
		}
	}
	if len(all["log_dir_used_bytes"]) != 2 {
		t.Errorf("disk use %v, want that of two brokers", all["log_dir_used_bytes"])
	}
	if end, known := all["topic_log_end_offset"]["topic=frozen"]; known {
		t.Errorf("the log end of a topic is said to be %v, of which one leader is frozen", end)
	}
	if all["offline_partitions"]["topic=frozen"] == 0 {
		t.Errorf("offline partitions %v, want those of the frozen broker", all["offline_partitions"])
	}
}

// intervalOf returns the interval of a collector, by its label.
func intervalOf(t *testing.T, label string) time.Duration {
	t.Helper()
	_, name, _ := strings.Cut(label, "=")
	return quick(t, name).Settings.(collector.Settings).Schedule().Interval
}
