package collector

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Timestamps that ListOffsets takes for what they mean.
const (
	atLogEnd   int64 = -1
	atLogStart int64 = -2
	// atLocalStart is the first offset on the leader's own disk, the log's start
	// where nothing is tiered. Send it only to brokers that know it: others take
	// it for a time and search every log for that.
	atLocalStart int64 = -4
)

// knowsLocalStart is the version of ListOffsets that came with atLocalStart.
const knowsLocalStart = 8

// Replica ids that ListOffsets takes for who asks. The log end that a consumer
// is told is the high watermark, which stands still while a follower lags; the
// bytes in the log do not.
const (
	asConsumer int32 = -1 // the high watermark
	asReplica  int32 = -2 // Kafka's debugging id: the log end offset itself; needs no other right
)

// noOffset stands for an offset that is not known.
const noOffset int64 = -1

// led is the partitions of one topic that one broker leads.
type led struct {
	topic      string
	id         [16]byte // zero before Kafka 2.8
	partitions []int32  // ascending
}

// offsets is a broker's answer to one ListOffsets request.
type offsets struct {
	version  int16           // of the answer
	values   [][]int64       // as the request's led and its partitions, noOffset where unknown
	refusals map[int16]error // why partitions were refused, by Kafka's error code
	sent     time.Time       // the offsets held at some instant between
	got      time.Time       // sent and got
}

// listOffsets asks a broker for one offset of every partition that it leads, in
// one request. An error means that there is no answer at all.
func listOffsets(ctx context.Context, client *kgo.Client, broker int32, leads []led, at int64, as int32) (offsets, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = as
	for _, l := range leads {
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = l.topic
		topic.Partitions = make([]kmsg.ListOffsetsRequestTopicPartition, len(l.partitions))
		for i, p := range l.partitions {
			topic.Partitions[i] = kmsg.NewListOffsetsRequestTopicPartition()
			topic.Partitions[i].Partition = p
			topic.Partitions[i].Timestamp = at
		}
		req.Topics = append(req.Topics, topic)
	}
	o := offsets{values: unknownOffsets(leads), sent: time.Now()}
	resp, err := req.RequestWith(ctx, client.Broker(int(broker)))
	o.got = time.Now()
	if err != nil {
		return o, err
	}
	o.version = resp.Version
	index := indexOf(leads)
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			t, i, ok := index.find(topic.Topic, p.Partition)
			switch {
			case !ok:
			case p.ErrorCode != 0:
				o.refuse(p.ErrorCode)
			default:
				o.values[t][i] = p.Offset
			}
		}
	}
	return o, nil
}

func (o *offsets) refuse(code int16) {
	if o.refusals == nil {
		o.refusals = make(map[int16]error)
	}
	o.refusals[code] = kerr.ErrorForCode(code)
}

// middle is the best guess at when the offsets held.
func (o *offsets) middle() time.Time { return o.sent.Add(o.got.Sub(o.sent) / 2) }

// unknownOffsets has noOffset for every partition.
func unknownOffsets(leads []led) [][]int64 {
	values := make([][]int64, len(leads))
	for t, l := range leads {
		values[t] = slices.Repeat([]int64{noOffset}, len(l.partitions))
	}
	return values
}

// ledIndex finds partitions in a slice of led.
type ledIndex struct {
	leads  []led
	topics map[string]int
}

func indexOf(leads []led) ledIndex {
	index := ledIndex{leads, make(map[string]int, len(leads))}
	for i, l := range leads {
		index.topics[l.topic] = i
	}
	return index
}

// find returns where the partition is: the index of its topic among the leads,
// and of the partition in that.
func (x ledIndex) find(topic string, partition int32) (t, i int, ok bool) {
	if t, ok = x.topics[topic]; !ok {
		return 0, 0, false
	}
	i, ok = slices.BinarySearch(x.leads[t].partitions, partition)
	return t, i, ok
}
