package collector

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetch takes a first look at each point.
func (x *timestamps) fetch(ctx context.Context, leader int32, points []samplePoint) (map[topicPartition]*kmsg.FetchResponseTopicPartition, error) {
	names := make(map[[16]byte]string)
	byTopic := slices.SortedStableFunc(slices.Values(points), func(a, b samplePoint) int {
		return strings.Compare(a.topic, b.topic)
	})
	resp, err := askInTime(ctx, func(ctx context.Context) (*kmsg.FetchResponse, error) {
		req := fetchRequest(int32(x.settings.MaxBytes))
		for _, p := range byTopic {
			addFetch(req, p, firstLook)
			names[p.id] = p.topic
		}
		return req.RequestWith(ctx, x.client.Broker(int(leader)))
	})
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		x.given.take(x.account, leader, err)
		return nil, err
	}
	answers := make(map[topicPartition]*kmsg.FetchResponseTopicPartition)
	for i := range resp.Topics {
		t := &resp.Topics[i]
		name := t.Topic
		if name == "" {
			name = names[t.TopicID]
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if !x.given.take(x.account, leader, kerr.ErrorForCode(p.ErrorCode)) {
				continue
			}
			answers[topicPartition{name, p.Partition}] = p
		}
	}
	return answers, nil
}

// recordTime returns the timestamp of the first record at or after the point's
// offset. sure is false if the answer does not hold it.
func recordTime(p samplePoint, answer *kmsg.FetchResponseTopicPartition) (when time.Time, sure bool) {
	if answer == nil {
		return time.Time{}, false
	}
	fetched, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: p.topic, Partition: p.partition, Offset: p.offset},
		answer, kgo.DefaultDecompressor(), nil)
	if len(fetched.Records) > 0 {
		return fetched.Records[0].Timestamp, true
	}
	first, last, ok := batchTimes(answer.RecordBatches, p.offset)
	return first, ok && last.Sub(first) <= closeEnough
}

// batchTimes returns the timestamps of the first record of a batch and of the
// youngest one, from the header of a batch that was cut short. ok is false if
// this is not a batch of the present format (Kafka 0.11) that has the offset.
func batchTimes(b []byte, offset int64) (first, last time.Time, ok bool) {
	const magicAt, lastDeltaAt, firstAt, maxAt = 16, 23, 27, 35
	if len(b) < batchHeader || b[magicAt] != 2 {
		return time.Time{}, time.Time{}, false
	}
	from := int64(binary.BigEndian.Uint64(b))
	to := from + int64(binary.BigEndian.Uint32(b[lastDeltaAt:]))
	first = time.UnixMilli(int64(binary.BigEndian.Uint64(b[firstAt:])))
	last = time.UnixMilli(int64(binary.BigEndian.Uint64(b[maxAt:])))
	return first, last, from <= offset && offset <= to
}
