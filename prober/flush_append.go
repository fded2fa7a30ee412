package prober

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/flush"
)

// flushRecordSize is the size of a record's value: its header and a little padding.
const flushRecordSize = 128

// appender sends records to one topic, each to the broker that leads its partition, and times what that
// broker takes. It has a client of its own, and so a connection of its own to each broker: on a shared one
// the plain record would wait for the flush. At most one record per broker is under way.
type appender struct {
	topic   string
	timeout time.Duration
	client  *kgo.Client
	errors  *kafka.LastErrors
	log     *slog.Logger

	mu   sync.Mutex
	took map[int32]time.Duration // of the last answer to a produce request, by broker
	left time.Time               // when the client was last made to forget the topic
}

var _ kgo.HookBrokerE2E = (*appender)(nil)

func newAppender(env Env, topic string, interval, timeout time.Duration) (*appender, error) {
	a := &appender{topic: topic, timeout: timeout, errors: env.Factory.LastErrors(), log: env.Log, took: map[int32]time.Duration{}}
	client, err := env.Factory.Client("flush",
		kgo.RequiredAcks(kgo.LeaderAck()), // no follower's disk is waited for
		kgo.DisableIdempotentWrite(),
		kgo.RecordRetries(0), // a second attempt is another append
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProduceRequestTimeout(timeout),
		kgo.RequestTimeoutOverhead(time.Second),
		kgo.RecordDeliveryTimeout(timeout+time.Second),
		kgo.MetadataMaxAge(30*time.Second),
		// Below the ten minutes after which brokers close a connection.
		kgo.ConnIdleTimeout(min(9*time.Minute, max(time.Minute, 4*interval))),
		kgo.WithHooks(a))
	if err != nil {
		return nil, err
	}
	a.client = client
	return a, nil
}

// OnBrokerE2E notes how long a produce request took, from the start of its write to the end of its answer.
// kgo calls it before the record's promise.
func (a *appender) OnBrokerE2E(meta kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	const produceKey = 0
	if key != produceKey || e2e.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.took[meta.NodeID] = e2e.DurationE2E()
}

// answered returns how long the broker took since the last call, and whether it answered at all.
func (a *appender) answered(broker int32) (time.Duration, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	took, ok := a.took[broker]
	delete(a.took, broker)
	return took, ok
}

// send appends a record to a partition that broker is thought to lead. It returns when the client has
// given the record up, which is about a second after the timeout at the latest, or when ctx is done.
func (a *appender) send(ctx context.Context, partition, broker int32, value []byte) flush.Append {
	a.answered(broker) // what came too late for the record before
	done := make(chan error, 1)
	began := time.Now()
	record := &kgo.Record{Topic: a.topic, Partition: partition, Value: value}
	a.client.TryProduce(ctx, record, func(_ *kgo.Record, err error) { done <- err })
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if errors.Is(err, kerr.UnknownTopicID) {
		a.forget()
	}
	out := flush.Append{Topic: a.topic}
	took, answered := a.answered(broker)
	switch {
	case err == nil && !answered: // the client knew of another leader
		out.Reason = kerr.NotLeaderForPartition.Message
	case err == nil && took < a.timeout:
		out.Took = max(took, 1)
	case err == nil, time.Since(began) >= a.timeout:
		out.Took, out.Reason = a.timeout, a.why(broker, began)
	default:
		out.Reason = kafka.Reason(err)
	}
	if out.Reason != "" {
		a.log.Debug("record not appended", "topic", a.topic, "partition", partition, "broker", broker, "reason", out.Reason, "err", err)
	}
	return out
}

// forget lets the client learn of the topic anew, at most once a second: to one that was deleted and created again
// kgo sends nothing until then. It does not wait, as the client may for a silent broker.
func (a *appender) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); now.Sub(a.left) >= time.Second {
		a.left = now
		go a.client.PurgeTopicsFromClient(a.topic)
	}
}

// why names what kept a record from being acknowledged until the timeout.
func (a *appender) why(broker int32, began time.Time) string {
	if reason, at, ok := a.errors.Last(broker); ok && at.After(began) {
		return reason
	}
	return kafka.ReasonNoResponse
}
