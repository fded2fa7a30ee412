package engine

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An idempotent client of kgo asks for a producer id before its first record. If it is refused one, for want
// of a right say, it keeps the refusal: every record it is given from then on fails with it, also when the right
// has long been granted. So while that goes on the producer asks for itself, and when it is given an id another
// client takes the place of the one that will not ask again. One that is stuck with an id that the topic had before
// is replaced likewise (see stale.go).

const (
	// renewEvery is how long a client must have brought nothing but refusals for its producer to ask, and how
	// long it then waits to ask again: one small request.
	renewEvery = 10 * time.Second
	// renewTimeout is of one asking.
	renewTimeout = 5 * time.Second
	// refreshEvery is how often a client that refuses records looks at the topic.
	refreshEvery = time.Second
	// partAfter is how long the client that was replaced is kept. The sender may have taken it up just before
	// it was, and what a closed client is given it may never give back.
	partAfter = 10 * time.Second
)

// refusal is since when a client has brought refusals and no response to a produce request.
type refusal struct {
	responses uint64
	since     time.Duration // 0: not known
}

// refused deals with what a promise of s brought instead of an acknowledgement. Promises alone call it.
func (p *producer) refused(s *sending, err error, now time.Duration) {
	if missing(err) {
		p.engine.missing()
	}
	var named *kerr.Error
	if !errors.As(err, &named) {
		s.refresh(now)
	}
	stale := errors.Is(err, kerr.UnknownTopicID)
	if (stale || p.engine.cfg.idempotent() && final(err)) && s.hopeless(now) {
		go p.renew(s, stale)
	}
}

// refresh has the client learn of the topic anew, after an error that no broker gave. The client itself refuses records
// to a partition that it does not know, and does not look whether there is one by now; nor where the leader is, if a
// record is tried once.
func (s *sending) refresh(now time.Duration) {
	if s.refreshed == 0 || now-s.refreshed >= refreshEvery {
		s.refreshed = now
		s.client.ForceMetadataRefresh()
	}
}

// final reports whether err may be a refusal of a producer id that kgo keeps: one that it does not try again,
// and that is not of a topic or a record.
func final(err error) bool {
	var named *kerr.Error
	return errors.As(err, &named) && !named.Retriable && !isAny(err, topical)
}

var topical = []error{
	kerr.TopicAuthorizationFailed,
	kerr.InvalidTopicException,
	kerr.MessageTooLarge,
	kerr.RecordListTooLarge,
	kerr.InvalidRecord,
}

// hopeless reports whether it is time to ask, since the client has sent nothing for long and fails what it is given.
func (s *sending) hopeless(now time.Duration) bool {
	n := s.responses.Load()
	if s.refused.since == 0 || s.refused.responses != n {
		s.refused = refusal{n, now}
		return false
	}
	if now-s.refused.since < renewEvery {
		return false
	}
	s.refused.since = now
	return true
}

// renew puts another client in the place of s, if that would fare better: if it is the topic's id that s has wrong, or
// else if the new one would be given a producer id.
func (p *producer) renew(s *sending, stale bool) {
	better := granted
	if stale {
		better = p.engine.stands
	}
	if !better(s.client) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.former != nil || p.present.Load() != s {
		return
	}
	log := p.engine.cfg.Log
	fresh, err := newSending(&p.engine.cfg, p.engine.clock)
	if err != nil {
		log.Error("cannot make a producing client anew", "err", err)
		return
	}
	p.present.Store(fresh)
	p.former = s
	p.parting = time.AfterFunc(partAfter, p.part)
	log.Info("producing with another client: the one before would not have recovered", "topic", p.engine.cfg.Topic, "stale_topic_id", stale)
}

// granted reports whether the cluster grants producer ids.
func granted(client *kgo.Client) bool {
	ctx, cancel := context.WithTimeout(client.Context(), renewTimeout)
	defer cancel()
	resp, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, client)
	return err == nil && resp.ErrorCode == 0
}

// part closes the client that was replaced. What it still holds it gives back.
func (p *producer) part() {
	p.mu.Lock()
	former := p.former
	p.former = nil
	p.mu.Unlock()
	if former != nil {
		former.client.Close()
	}
}

// close closes the producer's clients for good.
func (p *producer) close() {
	p.mu.Lock()
	p.closed = true
	if p.parting != nil {
		p.parting.Stop()
	}
	p.mu.Unlock()
	p.part()
	p.client().Close()
}
