//go:build kafka

package collector_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bytes per record are what the brokers have on disk, for small and large
// records, stored plainly and compressed, while records keep coming.
func TestMessageSizeOnKafka(t *testing.T) {
	r := startReal(t, trafficMember(t, func(s *collector.TrafficSettings) { s.Interval = kind.Duration(5 * time.Second) }))
	admin := kadm.NewClient(r.client())
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	create := func(topic string, partitions int32) {
		if _, err := admin.CreateTopic(ctx, partitions, 3, nil, topic); err != nil {
			t.Fatal(err)
		}
	}
	before, jump := context.WithCancel(ctx)
	var topics []string
	for _, size := range []int{100, 1_000, 100_000} {
		for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression()} {
			topic := fmt.Sprintf("size-%d-%s", size, name)
			create(topic, 2)
			topics = append(topics, topic)
			go produceSteadily(before, r.lingering(topic, codec), 2, size)
		}
	}
	create("size-jumps", 1) // windows of several partitions need not end together
	go produceSteadily(before, r.lingering("size-jumps", kgo.NoCompression()), 1, 1_000)
	r.await(40*time.Second, "message sizes", func() bool { return len(r.values("message_size_bytes")) > len(topics) })
	got := r.values("message_size_bytes")

	jump()
	go produceSteadily(ctx, r.lingering("size-jumps", kgo.NoCompression()), 1, 10_000)
	refreshes, last := 0, r.values("collector_last_success_timestamp_seconds")["collector=traffic"]
	size := r.values("message_size_bytes")["topic=size-jumps"]
	t.Logf("%-16s %9.1f B/record before the jump", "size-jumps", size)
	jumped := func() bool { return math.Abs(size/10_000-1) <= 0.02 }
	for refreshes < 2 && !jumped() && ctx.Err() == nil {
		r.await(20*time.Second, "another refresh", func() bool {
			return r.values("collector_last_success_timestamp_seconds")["collector=traffic"] > last
		})
		all := r.series()
		last, size = all["collector_last_success_timestamp_seconds"]["collector=traffic"], all["message_size_bytes"]["topic=size-jumps"]
		t.Logf("%-16s %9.1f B/record after the jump", "size-jumps", size)
		if size > 0 { // 0: the brokers took too long to say for a window of 5 s, and it goes on
			refreshes++
		}
	}
	if !jumped() {
		t.Errorf("%d refreshes after a jump of the size from 1 kB to 10 kB it is %.1f B, want 10 kB after at most 2", refreshes, size)
	}

	stop()
	onDisk := r.bytesPerRecord(topics)
	for _, topic := range topics {
		size, want := got["topic="+topic], onDisk[topic]
		t.Logf("%-16s %9.1f B/record, on disk %9.1f", topic, size, want)
		if math.Abs(size/want-1) > 0.02 {
			t.Errorf("%s: %.1f bytes per record, on disk %.1f", topic, size, want)
		}
	}
}

// lingering is a client that sends to the topic what it is told to flush, as one batch.
func (r *real) lingering(topic string, codec kgo.CompressionCodec) *kgo.Client {
	r.t.Helper()
	return r.client(kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic),
		kgo.ProducerLinger(time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

// produceSteadily sends ten records, or one large one, 50 times a second, each
// time as one batch, so that all batches are alike. The second half of a record
// can be compressed. The client lingers.
func produceSteadily(ctx context.Context, client *kgo.Client, partitions int32, size int) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := int32(0); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for range min(max(1, 10_000/size), 10) {
				payload := make([]byte, size)
				_, _ = rand.Read(payload[:size/2]) // never fails
				client.Produce(ctx, &kgo.Record{Partition: n % partitions, Value: payload}, nil)
			}
			if client.Flush(ctx) != nil {
				return
			}
		}
	}
}

// What DumpLogSegments prints of a segment and of a batch in it.
var (
	dumpedSegment = regexp.MustCompile(`^Dumping .*/(.+)-\d+/\d+\.log$`)
	dumpedBatch   = regexp.MustCompile(`^baseOffset: \d+ lastOffset: \d+ count: (\d+) .* size: (\d+) `)
)

// bytesPerRecord goes over the batches in the leaders' logs of topics, by Kafka's own tool.
func (r *real) bytesPerRecord(topics []string) map[string]float64 {
	r.t.Helper()
	described, err := kadm.NewClient(r.client()).ListTopics(r.t.Context(), topics...)
	if err != nil {
		r.t.Fatal(err)
	}
	var files []string
	described.EachPartition(func(p kadm.PartitionDetail) {
		segments, err := filepath.Glob(filepath.Join(r.Broker(int(p.Leader)).DataDir(), fmt.Sprintf("%s-%d", p.Topic, p.Partition), "*.log"))
		if err != nil || len(segments) == 0 {
			r.t.Fatalf("segments of %s-%d: %v, %v", p.Topic, p.Partition, segments, err)
		}
		files = append(files, segments...)
	})
	out, err := r.Tool(r.t.Context(), "org.apache.kafka.tools.DumpLogSegments", "--files", strings.Join(files, ","))
	if err != nil {
		r.t.Fatal(err)
	}
	records, bytes, topic := make(map[string]float64), make(map[string]float64), ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if m := dumpedSegment.FindStringSubmatch(line); m != nil {
			topic = m[1]
		} else if m := dumpedBatch.FindStringSubmatch(line); m != nil {
			n, _ := strconv.ParseFloat(m[1], 64)
			size, _ := strconv.ParseFloat(m[2], 64)
			records[topic], bytes[topic] = records[topic]+n, bytes[topic]+size
		}
	}
	for topic := range bytes {
		bytes[topic] /= records[topic]
	}
	return bytes
}
