package topics

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Candidate is a topic that Delete may remove.
type Candidate struct {
	Topic      string
	ID         [16]byte // zero before Kafka 2.8
	Partitions int
}

// FindOurs looks which of the probes' topics exist and are the prober's own.
// Those that exist but do not look like it are in kept, with the reason.
func FindOurs(ctx context.Context, cl *kgo.Client, specs []Spec) (ours []Candidate, kept map[string]string, err error) {
	kept = map[string]string{}
	for _, s := range specs {
		o, err := Observe(ctx, cl, s.Topic)
		switch {
		case err != nil:
			return nil, nil, err
		case o.TopicErr != nil:
			kept[s.Topic] = o.TopicErr.Message
		case !o.Exists:
		case !LooksOurs(s, o):
			kept[s.Topic] = "it does not look like a topic that the prober made: delete it by hand if it is"
		default:
			ours = append(ours, Candidate{Topic: s.Topic, ID: o.TopicID, Partitions: len(o.Partitions)})
		}
	}
	return ours, kept, nil
}

// Delete removes one topic that FindOurs found, by its id where Kafka has
// ids, so that a topic re-created since is left alone. The caller has asked
// the person. A topic that is gone already is no error.
func Delete(ctx context.Context, cl *kgo.Client, c Candidate) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = actionTimeoutMillis
	rt := kmsg.NewDeleteTopicsRequestTopic()
	if c.ID != ([16]byte{}) {
		rt.TopicID = c.ID
	} else {
		rt.Topic = kmsg.StringPtr(c.Topic)
		req.TopicNames = []string{c.Topic}
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("delete topic %s: %w", c.Topic, err)
	}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		switch {
		case err == nil, errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.UnknownTopicOrPartition):
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			return fmt.Errorf("delete topic %s: %w: %s", c.Topic, err, grant("Delete", "--topic "+c.Topic))
		default:
			return fmt.Errorf("delete topic %s: %w", c.Topic, err)
		}
	}
	return nil
}
