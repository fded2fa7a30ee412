package demo

import (
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// proberTopic is what the prober's topic looks like to the cluster: limits
// that suit a disk, and far too large for the demo's memory.
func proberTopic(t *testing.T, c *Cluster, name string) {
	t.Helper()
	value := func(s string) *string { return &s }
	_, err := kadm.NewClient(connect(t, c)).CreateTopic(t.Context(), 3, 3, map[string]*string{
		"cleanup.policy": value("delete"),
		"retention.ms":   value("3600000"),
		"segment.bytes":  value("16777216"),
	}, name)
	if err != nil {
		t.Fatal(err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	for _, test := range []struct {
		name       string
		records    int
		valueBytes int
		batchBytes int32
	}{
		// A day of the shop's bytes and more.
		{"bytes", 100_000, 1000, 16 << 10},
		// The steady probe's shape, one small record a batch, for half an hour.
		{"batches", 24_000, 250, 512},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, Options{Calm: true, trimInterval: 20 * time.Millisecond})
			proberTopic(t, c, "soak")
			client := connect(t, c,
				kgo.RecordPartitioner(kgo.ManualPartitioner()),
				kgo.ProducerBatchCompression(kgo.NoCompression()),
				kgo.ProducerBatchMaxBytes(test.batchBytes),
				kgo.MaxBufferedRecords(1000),
				kgo.ProducerLinger(0))
			before := heap()
			value := make([]byte, test.valueBytes)
			for i := range test.records {
				client.Produce(t.Context(), &kgo.Record{Topic: "soak", Partition: int32(i % 3), Value: value}, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			if err := client.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.kafka.ApplyRetention()
			const limit = 16 << 20
			if grown := heap() - before; grown > limit {
				t.Errorf("the heap grew by %d KiB, want at most %d", grown>>10, limit>>10)
			}
			offsets, err := kadm.NewClient(client).ListStartOffsets(t.Context(), "soak")
			if err != nil {
				t.Fatal(err)
			}
			offsets.Each(func(o kadm.ListedOffset) {
				if o.Offset == 0 {
					t.Errorf("partition %d still has its first record", o.Partition)
				}
			})
		})
	}
}

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one has only moved out of the pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestAtMost(t *testing.T) {
	for _, test := range []struct{ give, want string }{
		{"0", "0"}, {"99", "99"}, {"100", "100"}, {"101", "100"}, {"-1", "100"}, {"16777216", "100"}, {"many", "many"}, {"", ""},
	} {
		config := kmsg.CreateTopicsRequestTopicConfig{Value: &test.give}
		atMost(&config, 100)
		if *config.Value != test.want {
			t.Errorf("%q: got %q, want %q", test.give, *config.Value, test.want)
		}
	}
	var none kmsg.CreateTopicsRequestTopicConfig
	if atMost(&none, 100); none.Value != nil {
		t.Errorf("got %q for a setting without value", *none.Value)
	}
}
