package collector

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

// membership is which brokers a cluster says it has.
type membership struct {
	listed     map[int32]place // those that clients are sent to; nil if nobody said
	registered map[int32]place // those of the controller, fenced ones too; nil if it can't be asked
}

// place is where a broker is.
type place struct{ host, rack string }

// list asks the cluster which brokers it has, within the collector's timeout.
// What it learnt is valid beside an error.
func (b *brokers) list(ctx context.Context) (members membership, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(b.settings.Timeout))
	defer cancel()
	if members.listed, err = hedge(ctx, b.listMetadata); err != nil {
		return members, fmt.Errorf("list brokers: %w", err)
	}
	next := b.promising(members.listed)
	members.registered, err = hedge(ctx, func(ctx context.Context) (map[int32]place, error) {
		return b.listRegistered(ctx, next())
	})
	if err != nil {
		return members, fmt.Errorf("list registered brokers: %w", err)
	}
	return members, nil
}

// promising returns a function that goes round the listed brokers, beginning
// with those that were up a moment ago.
func (b *brokers) promising(listed map[int32]place) func() int32 {
	var up, others []int32
	for id := range listed { // in random order, which spreads the load
		if known, ok := b.known[id]; ok && known.up {
			up = append(up, id)
		} else {
			others = append(others, id)
		}
	}
	ids := append(up, others...)
	var turn atomic.Uint32
	return func() int32 {
		if len(ids) == 0 {
			return -1
		}
		return ids[int(turn.Add(1)-1)%len(ids)]
	}
}

// listMetadata asks any broker, with a request of our own: kadm would answer
// from a cache. kgo learns the brokers from the same response.
func (b *brokers) listMetadata(ctx context.Context) (map[int32]place, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none; nil would be all
	resp, err := req.RequestWith(ctx, b.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	places := make(map[int32]place, len(resp.Brokers))
	for _, r := range resp.Brokers {
		places[r.NodeID] = place{r.Host, deref(r.Rack)}
	}
	return places, nil
}

// listRegistered asks a broker which brokers are registered, whether they serve
// or not. It returns nil without an error where Kafka can't tell (before 4.0).
// Any broker knows, but left to itself kgo asks the controller, frozen or not.
func (b *brokers) listRegistered(ctx context.Context, id int32) (map[int32]place, error) {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeFencedBrokers = true
	resp, err := req.RequestWith(ctx, b.client.Broker(int(id)))
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	switch {
	case kafka.Reason(err) == kerr.UnsupportedVersion.Message:
		return nil, nil
	case err != nil:
		return nil, err
	case resp.Version < 2: // knows the request but not its flag
		return nil, nil
	}
	places := make(map[int32]place, len(resp.Brokers))
	for _, r := range resp.Brokers {
		places[r.NodeID] = place{r.Host, deref(r.Rack)}
	}
	return places, nil
}

// learn updates the known brokers and forgets those that are gone for good.
func (b *brokers) learn(members membership, now time.Time) {
	for _, broker := range b.known {
		broker.listed = false
	}
	for id, p := range members.registered {
		b.meet(id, p, now)
	}
	for id, p := range members.listed { // last: it has this listener's address
		b.meet(id, p, now).listed = true
	}
	for id, broker := range b.known {
		unregistered := members.registered != nil && broker.seen.Before(now)
		if unregistered || now.Sub(broker.seen) > time.Duration(b.settings.ForgetAfter) {
			delete(b.known, id)
			b.log.Info("broker forgotten", "broker", id, "unregistered", unregistered)
		}
	}
}

// meet notes that the cluster named the broker.
func (b *brokers) meet(id int32, p place, now time.Time) *broker {
	known, ok := b.known[id]
	if !ok {
		known = new(broker)
		b.known[id] = known
	}
	if p.host != "" { // a fenced broker may come without an address
		known.host, known.rack = p.host, p.rack
	}
	known.seen = now
	return known
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
