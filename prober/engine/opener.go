package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	openEvery   = 100 * time.Millisecond // between two looks for partitions to open
	openRetry   = 250 * time.Millisecond // after a failure, per partition
	openTimeout = 3 * time.Second        // of one attempt: a frozen broker must not hold it for ever
)

// Offsets that a ListOffsets request asks for by these timestamps.
const (
	latest   = int64(-1)
	earliest = int64(-2)
)

// rereadLimit is how far back the reader goes when the log was cut at a place that nobody can name:
// what is read twice costs time, what is not read looks lost.
const rereadLimit = 100_000

// wake lets the opener look at once.
func (r *reader) wake() {
	select {
	case r.pulse <- struct{}{}:
	default:
	}
}

// open begins the reading of partitions, and begins it again after trouble, each on its own, until ctx
// is done.
func (r *reader) open(ctx context.Context) {
	tick := time.NewTicker(openEvery)
	defer tick.Stop()
	for {
		busy := r.openAll(ctx)
		if busy {
			select {
			case <-r.pulse:
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			continue
		}
		select { // nothing to do: no tick needed
		case <-r.pulse:
		case <-ctx.Done():
			return
		}
	}
}

// openAll starts an attempt at each partition that needs one and reports whether any is not open yet.
func (r *reader) openAll(ctx context.Context) (busy bool) {
	e := r.engine
	now := e.clock.now()
	for _, p := range *e.parts.Load() {
		if p.id == virtual {
			continue
		}
		p.mu.Lock()
		if p.reading != opened {
			busy = true
		}
		if p.reading == closed && now >= p.retryAt {
			p.reading = opening
			p.attempts++
			go r.attempt(ctx, p, p.attempts, p.ledger.Position())
		}
		// A partition that can't be read for so long is not the prober's start any more.
		late := p.reading != opened && !p.active && now-p.added > startGrace
		p.mu.Unlock()
		if late {
			r.begin(p)
		}
	}
	return busy
}

// begin lets a partition's records become due, if the layout still has it, and ends the virtual one.
func (r *reader) begin(p *partition) {
	e := r.engine
	e.mu.Lock()
	wanted := e.laidOut(p.id)
	e.mu.Unlock()
	now := e.clock.now()
	if wanted && !e.cfg.Granted {
		p.mu.Lock()
		p.activate(now)
		p.mu.Unlock()
		e.retireVirtual(now)
		e.rouse()
	}
}

// attempt finds where the reading of p begins and begins it. It is the nth at this partition; one that
// was overtaken, because the topic was created again meanwhile, comes to nothing.
func (r *reader) attempt(ctx context.Context, p *partition, nth uint32, position int64) {
	e := r.engine
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	start, end, err := r.extent(ctx, p.id, position >= 0)
	if err == nil {
		r.change(func() {
			if r.resume(p, nth, position, start, end) {
				r.begin(p)
			}
		})
		return
	}
	p.mu.Lock()
	if p.attempts == nth {
		p.reading = closed
		p.retryAt = e.clock.now() + openRetry
		p.ledger.Trouble(e.cfg.Reason(err), e.clock.now())
	}
	p.mu.Unlock()
	e.cfg.Log.Debug("cannot find where to begin reading", "topic", e.cfg.Topic, "partition", p.id, "err", err)
	if missing(err) {
		e.missing()
	}
}

// resume lets the client and the ledger read on: from the end of the log the first time, else from where
// reading stopped, as far as that is still there. It is a change, and reports whether it was made.
func (r *reader) resume(p *partition, nth uint32, position, start, end int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempts != nth {
		return false
	}
	from := position
	switch {
	case position < 0:
		from = end
		p.ledger.Reading(from)
	case position < start:
		from = start
		p.ledger.Expired(start)
	case position > end:
		from = max(start, end-rereadLimit)
		p.ledger.Truncated(from)
	}
	p.reading = opened
	p.parked = false
	r.consume(p.id, from)
	return true
}

// extent returns the offsets of the log's start, if that is wanted, and end.
func (r *reader) extent(ctx context.Context, id int32, withStart bool) (start, end int64, err error) {
	if end, err = r.list(ctx, id, latest); err != nil || !withStart {
		return 0, end, err
	}
	start, err = r.list(ctx, id, earliest)
	return start, end, err
}

// consume lets the client fetch a partition from an offset. It is part of a change.
func (r *reader) consume(id int32, from int64) {
	topic := r.engine.cfg.Topic
	which := map[string][]int32{topic: {id}}
	r.client.RemoveConsumePartitions(which)
	r.client.ResumeFetchPartitions(which) // of an earlier partition of that number: kgo keeps it
	r.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {id: kgo.NewOffset().At(from)}})
}

// list asks the leader of a partition for the offset at a timestamp.
func (r *reader) list(ctx context.Context, id int32, timestamp int64) (int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = r.engine.cfg.Topic
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Partition = id
	part.Timestamp = timestamp
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return 0, fmt.Errorf("list offsets: %w", err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("list offsets: broker answered for %d topics, asked for 1", len(resp.Topics))
	}
	got := &resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return 0, fmt.Errorf("list offsets: %w", err)
	}
	return got.Offset, nil
}
