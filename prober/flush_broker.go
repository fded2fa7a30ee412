package prober

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/record"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// flushTarget is where the records of a round go.
type flushTarget struct {
	plain    int32  // partition of the plain topic that the broker leads; -1 if none
	flushed  int32  // likewise of the flushed topic; -1 also if flushes are not believed
	replicas int    // of the flushed partition: each of them flushes
	logDir   string // that the flushed partition is in; "" while that has not been asked yet
}

// flushBroker probes one broker, round by round. It belongs to one goroutine.
type flushBroker struct {
	probe     *flushProbe
	id        int32
	slots     *schedule.Schedule
	slot      uint64
	rest      time.Duration // until when no flush is asked for, since the probe's epoch
	estimator flush.Estimator
}

func newFlushBroker(p *flushProbe, id int32) *flushBroker {
	return &flushBroker{probe: p, id: id, slots: schedule.New(rand.Uint64(), id, time.Since(p.epoch), p.interval)}
}

// run goes from slot to slot until ctx is done or the cluster no longer knows the broker.
func (b *flushBroker) run(ctx context.Context) {
	for {
		pause(ctx, b.due()-time.Since(b.probe.epoch))
		to, known := b.probe.target(b.id)
		if ctx.Err() != nil || !known {
			return
		}
		if to.plain >= 0 {
			b.round(ctx, to)
		}
	}
}

// due returns when the next round is, since the epoch. Of slots that passed meanwhile only the last is made
// up for: a slow broker is not asked more, but as often as it can.
func (b *flushBroker) due() time.Duration {
	now := time.Since(b.probe.epoch)
	for b.slots.Due(b.slot+1) <= now {
		b.slot++
	}
	due := b.slots.Due(b.slot)
	b.slot++
	return due
}

// round sends the plain record, and the flushed one if it is not too soon for that, in random order: what
// the first does to the broker's caches must not fall on the same one each time.
func (b *flushBroker) round(ctx context.Context, to flushTarget) {
	pair := flush.Pair{Broker: b.id, LogDir: to.logDir}
	withFlush := to.flushed >= 0 && to.logDir != "" && time.Since(b.probe.epoch) >= b.rest
	plainFirst := rand.N(2) == 0
	if plainFirst || !withFlush {
		pair.Plain = b.probe.plain.send(ctx, to.plain, b.id, b.value(to.plain))
	}
	if withFlush {
		flushed := b.probe.flushed.send(ctx, to.flushed, b.id, b.value(to.flushed))
		pair.Flushed = &flushed
		if !plainFirst {
			pair.Plain = b.probe.plain.send(ctx, to.plain, b.id, b.value(to.plain))
		}
	}
	if ctx.Err() != nil {
		return // given up on our side: it says nothing
	}
	b.estimator.Judge(&pair)
	if pair.Known {
		b.rest = time.Since(b.probe.epoch) + flushRest(b.probe.pauseFactor, to.replicas, pair.Flushed.Took)
	}
	b.probe.took(&pair)
}

// longestRest is how long a broker is left alone after a flush at most: a disk that hangs is to be seen hanging by
// whoever looks at half an hour.
const longestRest = 15 * time.Minute

// flushRest returns for how long no flush is asked for after one that took so long. A broker flushes for the
// leaders that it follows, too: as often as it leads, for each replica.
func flushRest(factor float64, replicas int, took time.Duration) time.Duration {
	return time.Duration(min(factor*float64(replicas)*float64(took), float64(longestRest)))
}

// value returns a record as the other probes write them, for whoever looks into the topic.
func (b *flushBroker) value(partition int32) []byte {
	value := make([]byte, flushRecordSize)
	now := time.Now()
	record.Encode(value, &record.Header{
		Run: b.probe.runID, Partition: partition, Sequence: b.slot,
		Due: now.Sub(b.probe.epoch), DueWall: now.UnixNano(), Interval: b.probe.interval,
	}, b.probe.pool)
	return value
}
