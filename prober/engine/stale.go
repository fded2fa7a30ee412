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
// first, and is stuck again with no change of the layout to come. So one that speaks of an unknown id for a second
// is made to forget as well, if the brokers say that the layout's id is right. Else it is the layout that is behind,
// and has to come first: what is sent to the new topic and taken for a record of the old one looks lost.

// staleFor is how long a client speaks of an unknown topic id before it is looked into, and with that how often.
const staleFor = time.Second

// unstick looks into a client that says UNKNOWN_TOPIC_ID and calls act, which is to make it forget the topic if it is
// the client that is wrong. It does not wait for that; busy is the client's own.
func (e *Engine) unstick(client *kgo.Client, busy *atomic.Bool, act func(wrong bool)) {
	if !busy.CompareAndSwap(false, true) {
		return
	}
	go func() {
		was := e.topicID()
		wait := time.NewTimer(staleFor)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-client.Context().Done():
			return
		}
		// With a new layout the client has been made to forget already.
		id := e.topicID()
		wrong := id == was && id != [16]byte{} && e.confirmed(client, id)
		busy.Store(false)
		act(wrong)
	}()
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

// unstick is Engine.unstick for a client that produces.
func (s *sending) unstick(e *Engine) {
	e.unstick(s.client, &s.stale, func(wrong bool) {
		if wrong {
			s.client.PurgeTopicsFromClient(e.cfg.Topic)
		}
	})
}

// unstick is Engine.unstick for the reader. It does not fetch p meanwhile, as kgo would do so again at once and
// for ever, and goes on where it stopped. p.mu is held.
func (r *reader) unstick(p *partition) {
	e := r.engine
	r.client.PauseFetchPartitions(map[string][]int32{e.cfg.Topic: {p.id}})
	e.unstick(r.client, &r.stale, func(wrong bool) {
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
	})
}
