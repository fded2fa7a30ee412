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

// client returns a client of the test's own.
func (r *real) client(opts ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(r.Bootstrap()...)}, opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(client.Close)
	return client
}

// Bytes per record are what the brokers have on disk, for small and large
// records, stored plainly and compressed, while records keep coming.
func TestMessageSizeOnKafka(t *testing.T) {
	r := startReal(t, trafficMember(t, func(s *collector.TrafficSettings) { s.Interval = kind.Duration(5 * time.Second) }))
	admin := kadm.NewClient(r.client())
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var topics []string
	for _, size := range []int{100, 1_000, 100_000} {
		for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression()} {
			topic := fmt.Sprintf("size-%d-%s", size, name)
			if _, err := admin.CreateTopic(ctx, 2, 3, nil, topic); err != nil {
				t.Fatal(err)
			}
			topics = append(topics, topic)
			client := r.client(kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic),
				kgo.ProducerLinger(time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			go produceSteadily(ctx, client, size)
		}
	}
	r.await(40*time.Second, "message sizes", func() bool { return len(r.values("message_size_bytes")) >= len(topics) })
	got := r.values("message_size_bytes")
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

// produceSteadily sends ten records, or one large one, 50 times a second, each
// time as one batch, so that all batches are alike. The second half of a record
// can be compressed. The client lingers.
func produceSteadily(ctx context.Context, client *kgo.Client, size int) {
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
				client.Produce(ctx, &kgo.Record{Partition: n % 2, Value: payload}, nil)
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
