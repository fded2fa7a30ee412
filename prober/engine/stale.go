package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A client of kgo that has seen a topic under one id never takes another for it: once it is deleted and created
// again, all ends with UNKNOWN_TOPIC_ID until the client is made to forget the topic. SetLayout does that when it is
// told of the new id. But a client that learns of the topic next from a broker that lags behind sees the old id
// first, and is stuck again with no change of the layout to come. So one that speaks of an unknown id for long is
// looked into, and made to begin anew if the brokers say that the layout's id is right. Else it is the layout that is
// behind, and has to come first: what is sent to the new topic and taken for a record of the old one looks lost.
//
// A client that produces is not made to forget, but replaced (see renew): it would begin again at sequence 0 under
// its producer id, and a log that remembers the batches of before takes new ones for those.

const (
	// staleFor is how long the reader is told of an unknown topic id before it is looked into: a layout that is
	// behind comes within that, and so does a broker that has just started.
	staleFor = 10 * time.Second
	// staleRetry is how long a partition is not fetched after that: kgo would try at once, for ever.
	staleRetry = 100 * time.Millisecond
	// staleBreak is after how long without it what is said of an unknown id begins anew.
	staleBreak = 2 * time.Second
	// staleWait is how long it takes to look into a client, so that it is not done more often.
	staleWait = time.Second
)

// unstick looks into a client that says UNKNOWN_TOPIC_ID and calls act, which is to make it forget the topic if it is
// the client that is wrong. It does not wait for that; busy is the client's own.
func (e *Engine) unstick(client *kgo.Client, busy *atomic.Bool, act func(wrong bool)) {
	if !busy.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer busy.Store(false)
		was := e.topicID()
		wait := time.NewTimer(staleWait)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-client.Context().Done():
			return
		}
		act(e.topicID() == was && e.stands(client))
	}()
}

// stands reports whether the layout has the topic's id, as a broker says, and keeps it meanwhile.
func (e *Engine) stands(client *kgo.Client) bool {
	id := e.topicID()
	return id != [16]byte{} && e.confirmed(client, id) && e.topicID() == id
}

func (e *Engine) topicID() [16]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.layout.TopicID
}

// confirmed reports whether a broker says that the topic has this id.
func (e *Engine) confirmed(client *kgo.Client, id [16]byte) bool {
	ctx, cancel := context.WithTimeout(client.Context(), openTimeout)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(e.cfg.Topic)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, client)
	return err == nil && len(resp.Topics) == 1 && resp.Topics[0].ErrorCode == 0 && resp.Topics[0].TopicID == id
}

// unstick is Engine.unstick for the client of diagnostic records, which have no sequence.
func (s *sending) unstick(e *Engine) {
	e.unstick(s.client, &s.stale, func(wrong bool) {
		if wrong {
			s.client.PurgeTopicsFromClient(e.cfg.Topic)
		}
	})
}

// unknown deals with a fetch that was refused for the topic's id. p.mu is held.
func (r *reader) unknown(p *partition, now time.Duration) {
	if p.unknownSince == 0 || now-p.unknownAt > staleBreak {
		p.unknownSince = now
	}
	p.unknownAt = now
	r.client.PauseFetchPartitions(map[string][]int32{r.engine.cfg.Topic: {p.id}})
	if now-p.unknownSince >= staleFor {
		r.unstick()
		return
	}
	time.AfterFunc(staleRetry, func() { r.unpause(false) })
}

// unstick is Engine.unstick for the reader, which goes on where it stopped, or opens all partitions anew.
func (r *reader) unstick() {
	r.engine.unstick(r.client, &r.stale, r.unpause)
}

// unpause lets partitions be fetched again that are not parked, after the client has been made to forget the
// topic if it was wrong.
func (r *reader) unpause(wrong bool) {
	e := r.engine
	r.change(func() {
		if wrong {
			r.client.PurgeTopicsFromClient(e.cfg.Topic)
		}
		for _, p := range *e.parts.Load() {
			p.mu.Lock()
			switch {
			case p.reading != opened:
			case wrong:
				p.reading = closed
			case !p.parked:
				r.client.ResumeFetchPartitions(map[string][]int32{e.cfg.Topic: {p.id}})
			}
			p.mu.Unlock()
		}
		r.wake()
	})
}
