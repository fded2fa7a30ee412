package collector

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

// membership is which brokers a cluster says it has.
type membership struct {
	view       clusterView     // what clients are told; its brokers are nil if nobody said
	registered map[int32]place // those of the controller, fenced ones too; nil if it can't be asked
}

// count returns how many brokers the cluster has, or that nobody knows: where the
// controller can't be asked, those that are listed or that replicas are assigned to.
func (m membership) count(assigned []int32) (n int, known bool) {
	switch {
	case m.registered != nil:
		return len(m.registered), true
	case m.view.brokers == nil || assigned == nil:
		return 0, false
	}
	n = len(m.view.brokers)
	for _, id := range assigned {
		if _, listed := m.view.brokers[id]; !listed {
			n++
		}
	}
	return n, true
}

// list asks the cluster which brokers it has, within the collector's timeout.
// What it learnt is valid beside an error.
func (b *brokers) list(ctx context.Context) (members membership, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(b.settings.Timeout))
	defer cancel()
	if members.view, err = askCluster(ctx, b.client); err != nil {
		return members, fmt.Errorf("list brokers: %w", err)
	}
	next := b.promising(members.view)
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
func (b *brokers) promising(view clusterView) func() int32 {
	var up, others []int32
	for _, id := range view.ids() {
		if known, ok := b.known[id]; ok && known.up {
			up = append(up, id)
		} else {
			others = append(others, id)
		}
	}
	return roundRobin(append(up, others...))
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
	for id, p := range members.view.brokers { // last: it has this listener's address
		b.meet(id, p, now).listed = true
	}
	for id, broker := range b.known {
		unregistered := members.registered != nil && broker.seen.Before(now)
		if unregistered || now.Sub(broker.seen) > time.Duration(b.settings.ForgetAfter) {
			delete(b.known, id)
			b.departed(id)
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
