package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicPage is how many partitions one response describes: also the most that brokers allow by default
// (max.request.partition.size.limit).
const topicPage = 2000

// pageLimit is how long a page may take: a frozen broker must not use up the whole refresh.
const pageLimit = 5 * time.Second

// topic is one topic as a broker describes it. Its slices belong to the response that brought it: keep
// what you need of them and not themselves, or all the responses of a refresh stay in memory.
type topic struct {
	name       string
	id         [16]byte // zero before Kafka 2.8
	internal   bool     // Kafka's own flag; a leading underscore means nothing
	err        error    // why nothing is known of its partitions, or not of all: then the topic is unknown
	partitions []partition
}

// partition is one partition as a broker describes it.
type partition struct {
	id       int32
	leader   int32   // -1 without one
	replicas []int32 // the preferred leader first
	isr      []int32
}

// eachTopic calls fn once for each topic that this client may describe, in pages where the broker has
// DescribeTopicPartitions (Kafka 3.8) and from one whole Metadata response elsewhere. With an error, the
// topics after the last call are unknown.
//
// Budget for 100,000 partitions of RF 3: 50 pages of 2,000, each 90 kB on the wire and, decoded, 0.4 MB of
// heap in 4,000 pieces (1 ms of CPU time) that is garbage before the next: 20 MB allocated and 50 ms a
// refresh, 1.3 MB/s every 15 s, live at most one page. Whole Metadata holds 4 MB on the wire and 13 MB at once.
//
// A cluster that lets the client describe no topic says that it has none. So where there is none it is
// asked for one that nobody has: what it answers to that tells the account.
func eachTopic(ctx context.Context, broker *kgo.Broker, account *Account, fn func(topic)) error {
	some := false
	each := func(t topic) {
		some = true
		fn(t)
	}
	err := eachTopicPaged(ctx, broker, each)
	if unsupported(err) { // by the version, so before the first call of fn
		err = eachTopicWhole(ctx, broker, each)
	}
	if err != nil {
		return err
	}
	if !some {
		if err := askForTopic(ctx, broker, nobodys); refused(err) {
			account.Unavailable(signalTopics, rightTopics, err)
			return nil
		}
	}
	account.Available(signalTopics)
	return nil
}

const (
	signalTopics = "topics"
	nobodys      = "kafka_prober-asks-for-its-rights" // name of a topic and a group that nobody has
)

// askForTopic returns what the broker says against the topic.
func askForTopic(ctx context.Context, broker *kgo.Broker, name string) error {
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	req.Topics = append(req.Topics, topic)
	req.AllowAutoTopicCreation = false
	resp, err := request[*kmsg.MetadataResponse](ctx, broker, req, pageLimit)
	if err != nil || len(resp.Topics) != 1 {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// eachTopicPaged puts topics that span pages together again.
func eachTopicPaged(ctx context.Context, broker *kgo.Broker, fn func(topic)) error {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest() // no names: all topics
	req.ResponsePartitionLimit = topicPage
	var open *topic // its partitions are not complete yet
	for {
		resp, err := request[*kmsg.DescribeTopicPartitionsResponse](ctx, broker, req, pageLimit)
		if err != nil {
			return fmt.Errorf("describe topic partitions: %w", err)
		}
		for i := range resp.Topics {
			t := describedTopic(&resp.Topics[i])
			if open != nil && open.name == t.name {
				open.partitions = append(open.partitions, t.partitions...)
				if open.err == nil {
					open.err = t.err
				}
				continue
			}
			if open != nil {
				fn(*open)
			}
			open = &t
		}
		next := resp.NextCursor
		if next == nil {
			break
		}
		if last := req.Cursor; last != nil && last.Topic == next.Topic && last.Partition == next.Partition {
			return fmt.Errorf("describe topic partitions: the broker's pages do not end, they stay at topic %q", next.Topic)
		}
		cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
		cursor.Topic, cursor.Partition = next.Topic, next.Partition
		req.Cursor = &cursor
	}
	if open != nil {
		fn(*open)
	}
	return nil
}

func describedTopic(t *kmsg.DescribeTopicPartitionsResponseTopic) topic {
	out := topic{
		name: deref(t.Topic), id: t.TopicID, internal: t.IsInternal,
		err: kerr.ErrorForCode(t.ErrorCode), partitions: make([]partition, 0, len(t.Partitions)),
	}
	for i := range t.Partitions {
		p := &t.Partitions[i]
		out.add(p.ErrorCode, partition{p.Partition, p.LeaderID, p.Replicas, p.ISR})
	}
	return out
}

func eachTopicWhole(ctx context.Context, broker *kgo.Broker, fn func(topic)) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil // all
	resp, err := request[*kmsg.MetadataResponse](ctx, broker, req, pageLimit)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("ask for the metadata of all topics: %w", err)
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		out := topic{
			name: deref(t.Topic), id: t.TopicID, internal: t.IsInternal,
			err: kerr.ErrorForCode(t.ErrorCode), partitions: make([]partition, 0, len(t.Partitions)),
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			out.add(p.ErrorCode, partition{p.Partition, p.Leader, p.Replicas, p.ISR})
		}
		fn(out)
	}
	return nil
}

// add adds a partition. That it has no leader, or a replica is down, is no error but what it says.
func (t *topic) add(code int16, p partition) {
	switch code {
	case 0, kerr.LeaderNotAvailable.Code, kerr.ReplicaNotAvailable.Code:
	default:
		t.err = fmt.Errorf("partition %d: %w", p.id, kerr.ErrorForCode(code))
	}
	t.partitions = append(t.partitions, p)
}

// request asks one broker and returns an answer of the expected type, within the limit. Nothing is
// repeated.
func request[R kmsg.Response](ctx context.Context, broker *kgo.Broker, req kmsg.Request, limit time.Duration) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var none R
	resp, err := broker.Request(ctx, req)
	if err != nil {
		return none, err
	}
	typed, ok := resp.(R)
	if !ok {
		return none, fmt.Errorf("got an answer of type %T, want %T", resp, none)
	}
	return typed, nil
}
