package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// poison is a stretch of the log that the client can't get past: a batch whose CRC or length is wrong, or
// that decompresses to more than we take. A broken batch may be a passing fault of the way, so it is read
// a few times before it is stepped over.
type poison struct {
	offset int64
	tries  int
}

const poisonTries = 3

// unreadable reports whether a fetch error lies in what was fetched, not in the fetching.
func unreadable(err error) bool {
	var named *kerr.Error
	return !errors.As(err, &named) && !errors.Is(err, kgo.ErrClientClosed) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// taste notes that what lies at p's position could not be read, and steps over it when that is no
// passing fault. p.mu is held.
func (r *reader) taste(p *partition, err error) {
	at, next := p.ledger.Position(), int64(-1)
	if p.poison.offset != at {
		p.poison = poison{offset: at}
	}
	p.poison.tries++
	var bomb *kgo.ErrDecompressTooLarge
	if errors.As(err, &bomb) {
		next = bomb.NextOffset // it is whole, and kgo does not fetch it again
	} else if p.poison.tries < poisonTries {
		return
	}
	p.poison = poison{offset: -1}
	p.reading = opening
	p.attempts++
	go r.stepOver(p, p.attempts, at, next, p.ledger.Leader(), err)
}

// stepOver lets reading go on behind the batch at offset at: at next, if that is known. cause is why it
// can't be read. It is the nth attempt of the opener at p.
func (r *reader) stepOver(p *partition, nth uint32, at, next int64, leader int32, cause error) {
	e := r.engine
	var err error
	if next < 0 {
		next, err = r.behind(p.id, at, leader)
	}
	if err != nil {
		p.mu.Lock()
		if p.attempts == nth {
			p.reading = closed // the opener begins again where it stopped, and ends here again
			p.retryAt = e.clock.now() + openRetry
		}
		p.mu.Unlock()
		r.wake()
		return
	}
	r.change(func() {
		p.mu.Lock()
		if p.attempts != nth {
			p.mu.Unlock()
			return
		}
		p.ledger.Unreadable(next)
		p.reading = opened
		r.consume(p.id, next)
		p.settle()
		e.cfg.Log.Warn("stepped over a part of the log that can't be read", "topic", e.cfg.Topic, "partition", p.id,
			"from_offset", at, "to_offset", next, "err", cause)
	})
}

// behind asks the leader for the batch at an offset and returns the offset behind it, by its header:
// of all that it holds the header is what the broker itself goes by.
func (r *reader) behind(id int32, at int64, leader int32) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	e := r.engine
	e.mu.Lock()
	topicID := e.layout.TopicID
	e.mu.Unlock()

	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID = -1
	req.MaxWaitMillis = int32(100 * time.Millisecond / time.Millisecond)
	req.MinBytes = 1
	req.MaxBytes = 1 << 16 // the broker sends a first batch that is larger all the same
	req.SessionEpoch = -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = e.cfg.Topic, topicID
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = id, at, 1<<16
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)

	answer, err := r.client.Broker(int(leader)).Request(ctx, req)
	if err != nil {
		return 0, fmt.Errorf("fetch batch: %w", err)
	}
	resp := answer.(*kmsg.FetchResponse)
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("fetch batch: broker answered for %d topics, asked for 1", len(resp.Topics))
	}
	return batchEnd(resp.Topics[0].Partitions[0].RecordBatches, at), nil
}

// batchEnd returns the offset behind the first batch of b that reaches offset at, and at least the one
// behind at itself, so that there is progress whatever b holds.
func batchEnd(b []byte, at int64) int64 {
	const (
		lengthAt    = 8
		lastDeltaAt = 23
		header      = 27 // up to and with the last offset's delta
	)
	for len(b) >= header {
		base := int64(binary.BigEndian.Uint64(b))
		length := int64(int32(binary.BigEndian.Uint32(b[lengthAt:]))) + lengthAt + 4
		end := base + int64(int32(binary.BigEndian.Uint32(b[lastDeltaAt:]))) + 1
		if end > at {
			return end
		}
		if length < header || length > int64(len(b)) {
			break
		}
		b = b[length:]
	}
	return at + 1
}
