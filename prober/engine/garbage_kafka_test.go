//go:build kafka

package engine

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// TestGarbageOnKafka lets others write to the probe's topic whatever they can think of. Each thing is
// counted for what it is, takes no more memory than it may, and no record of ours is said to be anything
// but delivered.
func TestGarbageOnKafka(t *testing.T) {
	const (
		rounds      = 10
		seed        = 4
		bombSize    = 64 << 20    // what a bomb decompresses to, far above what the reader takes
		memoryLimit = 100 << 20   // above what the process holds before
		huge        = 1_000_000   // bytes of a value: as large as brokers take by default
		alien       = uint64(1e9) // a slot that is never sent
	)
	c := kafkatest.Shared(t)
	s := newSite(t, c, nil)
	book := new(notebook)
	e, stop := start(t, siteConfig(c, s, book, nil))
	if err := e.SetLayout(s.layout); err != nil {
		t.Fatal(err)
	}
	await(t, "records to flow", func() bool { return book.total().Outcomes[ledger.Delivered] >= 30 })
	own := firstValue(t, s)
	bomb := bombBatch(t, bombSize)
	before := heapInUse()

	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(1<<20), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	rng := rand.New(rand.NewPCG(seed, seed))
	t.Logf("seed %d", seed)
	var want ledger.Tally
	send := func(counted ledger.Foreign, value []byte) {
		t.Helper()
		for p := range s.layout.Partitions {
			rec := &kgo.Record{Topic: s.topic, Partition: int32(p), Value: value}
			if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
				t.Fatal(err)
			}
			want.Foreign[counted]++
		}
	}
	forge := func(h record.Header) []byte {
		value := make([]byte, 128)
		record.Encode(value, &h, record.NewPool(128, 1))
		return value
	}
	damaged := func(value []byte, at int) []byte {
		value = bytes.Clone(value)
		value[at]++
		return value
	}
	var peak uint64
	for range rounds {
		noise := make([]byte, rng.IntN(300))
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		send(ledger.NotAProbeRecord, nil)
		send(ledger.NotAProbeRecord, noise)
		send(ledger.NotAProbeRecord, make([]byte, huge))
		send(ledger.NotAProbeRecord, own[:record.HeaderSize-1])
		send(ledger.OtherVersion, damaged(own, 4))
		other := forge(record.Header{Run: record.NewRunID(), Interval: time.Second})
		send(ledger.OtherRun, other)
		send(ledger.OtherRun, other) // replayed
		send(ledger.DamagedForeign, damaged(other, 100))
		send(ledger.NeverSent, forge(record.Header{Run: e.RunID(), Partition: 0, Sequence: alien}))
		want.Foreign[ledger.NeverSent] -= 2 // it names partition 0; in the others it is
		want.Foreign[ledger.Misplaced] += 2
		for _, a := range s.layout.Partitions {
			produceBatch(t, client, s, a, bomb)
			want.Anomalies[ledger.Unreadable]++
		}
		peak = max(peak, heapInUse()) // what is live: garbage is the collector's pace
	}
	awaitFor(t, time.Minute, "all of it to be read", func() bool { // decompressing with -race takes its time
		sum := book.total()
		peak = max(peak, heapInUse()) // what is live: garbage is the collector's pace
		checkInvariant(t, sum)
		return sum.Anomalies[ledger.Unreadable] >= want.Anomalies[ledger.Unreadable] && sum.Foreign[ledger.NeverSent] >= want.Foreign[ledger.NeverSent]
	})
	stop()

	sum := book.total()
	want.Due = sum.Due
	want.Outcomes[ledger.Skipped], want.Skips = sum.Outcomes[ledger.Skipped], sum.Skips
	want.Outcomes[ledger.Delivered] = sum.Due - sum.Outcomes[ledger.Skipped]
	want.Foreign[ledger.Diagnostic] = sum.Foreign[ledger.Diagnostic]
	if sum != want {
		t.Errorf("counts = %+v\nwant     %+v", sum, want)
	}
	if peak > before+memoryLimit {
		t.Errorf("heap grew from %d to %d MiB, want at most %d more", before>>20, peak>>20, memoryLimit>>20)
	}
	t.Logf("%d records of ours, all delivered; foreign %v; %d bombs of %d MiB stepped over; heap %d MiB, at its peak %d MiB",
		sum.Due, sum.Foreign, sum.Anomalies[ledger.Unreadable], bombSize>>20, before>>20, peak>>20)
}

// firstValue returns the value of the first record of partition 0.
func firstValue(t *testing.T, s *site) []byte {
	t.Helper()
	client, err := kgo.NewClient(append(s.client.Opts(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {0: kgo.NewOffset().At(0)}}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fetches := client.PollRecords(t.Context(), 1)
	if err := fetches.Err(); err != nil {
		t.Fatal(err)
	}
	return fetches.Records()[0].Value
}

// bombBatch returns a record batch of one record, whose value of size zeros is compressed.
func bombBatch(t *testing.T, size int) []byte {
	t.Helper()
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	body := binary.AppendVarint([]byte{0, 0, 0, 1}, int64(size)) // attributes, timestamp and offset deltas 0, no key
	write := func(b []byte) {
		if _, err := z.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	write(binary.AppendVarint(nil, int64(len(body)+size+1)))
	write(body)
	zeros := make([]byte, 1<<20)
	for range size / len(zeros) {
		write(zeros)
	}
	write([]byte{0}) // no headers
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	batch := kmsg.NewRecordBatch()
	batch.Magic, batch.PartitionLeaderEpoch = 2, -1
	batch.Attributes = 1 // gzip
	batch.FirstTimestamp, batch.MaxTimestamp = time.Now().UnixMilli(), time.Now().UnixMilli()
	batch.ProducerID, batch.ProducerEpoch, batch.FirstSequence = -1, -1, -1
	batch.NumRecords, batch.Records = 1, compressed.Bytes()
	batch.Length = int32(49 + len(batch.Records))
	whole := batch.AppendTo(nil)
	const crcEnd = 21
	binary.BigEndian.PutUint32(whole[crcEnd-4:], crc32.Checksum(whole[crcEnd:], castagnoli))
	return whole
}

// produceBatch sends a batch as it is to the leader of a partition.
func produceBatch(t *testing.T, client *kgo.Client, s *site, a Assignment, batch []byte) {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 30_000
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = s.topic, s.layout.TopicID
	part := kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = a.Partition, batch
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := client.Broker(int(a.Leader)).Request(ctx, req)
	if err != nil {
		t.Fatalf("produce a batch: %v", err)
	}
	if err := kerr.ErrorForCode(answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode); err != nil {
		t.Fatalf("produce a batch: %v", err)
	}
}
