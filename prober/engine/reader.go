package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// reader reads all partitions of the probe back through one client, from exact offsets, without a group.
type reader struct {
	engine *Engine
	client *kgo.Client
	pulse  chan struct{} // wakes the opener

	mu      sync.Mutex
	changes []func()           // of where to read, to be made between two polls
	polling context.Context    // of the present poll and of some before it
	cancel  context.CancelFunc // ends the present poll

	changed  time.Duration // when the last change was made, 0 if all is well since; the loop's own
	patience time.Duration // how long after it a partition may be silent; the loop's own

	got       atomic.Int64 // when the loop last got round
	refreshed atomic.Int64 // when metadata was last asked for
	stale     atomic.Bool  // see unstick
}

// pollLimit is the longest that one poll waits, so that the loop is seen to get round.
const pollLimit = 5 * time.Second

func (r *reader) start() error {
	c := &r.engine.cfg
	client, err := c.Client("consumer", c.options("consumer",
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // a rewind makes false duplicates, a skip false losses
		kgo.KeepRetryableFetchErrors(),
		kgo.FetchMaxWait(fetchWait(c)),
		kgo.FetchMinBytes(1),
		kgo.FetchMaxBytes(16<<20),
		kgo.MaxDecompressBatchBytes(8<<20), // bombs; our own batches are not compressed
		kgo.RequestTimeoutOverhead(time.Second),
		kgo.MetadataMaxAge(30*time.Second),
		kgo.ConnIdleTimeout(idleTimeout(c)),
	)...)
	if err != nil {
		return err
	}
	r.client = client
	return nil
}

// fetchWait is how long a broker may hold a fetch that finds nothing: until the next record, which comes
// within two intervals, so that a broker is asked once for each; but not so long that a reader that hangs
// on a frozen broker is late at the next leader.
func fetchWait(c *Config) time.Duration {
	return min(max(500*time.Millisecond, 2*c.Interval), 2*time.Second)
}

func (r *reader) stop() { r.client.Close() }

// change lets f change where the client reads, or what the ledger thinks of that. It runs in the
// reader's goroutine between two polls, changes in their order: so no fetch from before it, that has
// been polled and not yet accounted for, can be taken for one from after it.
func (r *reader) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, f)
	if r.cancel != nil {
		r.cancel()
	}
}

// poll makes the changes that wait and returns what was fetched, or nothing after pollLimit. Polls share a
// context until it ends: a timer for each would be most of what a poll costs.
func (r *reader) poll(ctx context.Context) kgo.Fetches {
	r.mu.Lock()
	changes := r.changes
	r.changes = nil
	if r.polling == nil || r.polling.Err() != nil {
		r.polling, r.cancel = context.WithTimeout(ctx, pollLimit)
	}
	polling := r.polling
	r.mu.Unlock()
	for _, f := range changes {
		f()
		r.changed, r.patience = r.engine.clock.now(), stallAfter
	}
	return r.client.PollFetches(polling)
}

// run polls until ctx is done or the client is closed.
func (r *reader) run(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	defer end() // with it the context of the last polls
	for ctx.Err() == nil {
		fetches := r.poll(ctx)
		now := r.engine.present()
		r.got.Store(int64(now))
		if fetches.IsClientClosed() {
			return
		}
		for i := range fetches {
			for j := range fetches[i].Topics {
				t := &fetches[i].Topics[j]
				for k := range t.Partitions {
					r.take(t.Topic, &t.Partitions[k], now)
				}
			}
		}
		r.revive(now)
	}
}

// take accounts for what was fetched of one partition, read at now.
func (r *reader) take(topic string, f *kgo.FetchPartition, now time.Duration) {
	e := r.engine
	if topic != e.cfg.Topic {
		return // the poll's own end, as a record-less fetch of no topic
	}
	p := find(*e.parts.Load(), f.Partition)
	if p == nil {
		return
	}
	p.mu.Lock()
	if p.reading != opened {
		p.mu.Unlock()
		return
	}
	var h record.Header
	for _, rec := range f.Records {
		r.account(p, rec, &h, now)
	}
	p.heard = now
	if n := len(f.Records); n > 0 {
		last := f.Records[n-1]
		p.ledger.Passed(last.Offset + 1)
		p.epoch = last.LeaderEpoch
	}
	if f.Err != nil {
		r.fault(p, f.Err, now)
	}
	r.park(p, now)
	p.settle()
}

// account tells the ledger of one record. p.mu is held.
func (r *reader) account(p *partition, rec *kgo.Record, h *record.Header, now time.Duration) {
	e := r.engine
	switch record.Decode(rec.Value, h) {
	case record.NotOurs:
		p.ledger.Foreign(ledger.NotAProbeRecord)
	case record.OtherVersion:
		p.ledger.Foreign(ledger.OtherVersion)
	case record.Damaged:
		if h.Run == e.run {
			p.ledger.Corrupt()
		} else {
			p.ledger.Foreign(ledger.DamagedForeign)
		}
	case record.Intact:
		switch {
		case h.Run != e.run:
			p.ledger.Foreign(ledger.OtherRun)
			e.peers.saw(h.Run, h.Interval, now)
		case h.Flags&record.FlagDiagnostic != 0:
			p.ledger.Foreign(ledger.Diagnostic)
		case h.Partition != p.id:
			p.ledger.Foreign(ledger.Misplaced)
		default:
			by := ledger.Producer{ID: rec.ProducerID, Epoch: rec.ProducerEpoch}
			p.ledger.Read(h.Sequence, rec.Offset, by, now)
			if rec.Attrs.TimestampType() == logAppendTime {
				e.compareClocks(p, h.Sequence, rec.Timestamp, now)
			}
		}
	}
}

// logAppendTime is the timestamp type of records whose time the broker has set.
const logAppendTime = 1

// compareClocks bounds the clock of the broker that appended a record. p.mu is held.
func (e *Engine) compareClocks(p *partition, seq uint64, appended time.Time, now time.Duration) {
	if handed, acked, ok := p.ledger.Stamps(seq); ok {
		e.clocks.saw(p.ledger.Leader(), appended, e.clock.at(handed), e.clock.at(acked), now)
	}
}

// fault deals with an error that the fetch of a partition brought. p.mu is held.
func (r *reader) fault(p *partition, err error, now time.Duration) {
	e := r.engine
	var cut *kgo.ErrDataLoss
	switch {
	case errors.As(err, &cut):
		// The client has found where the log was cut and has gone back there.
		p.ledger.Truncated(cut.ResetTo)
		e.cfg.Log.Warn("log was truncated below what had been read", "topic", e.cfg.Topic,
			"partition", p.id, "read_to_offset", cut.ConsumedTo, "log_ends_at_offset", cut.ResetTo)
	case errors.Is(err, kerr.OffsetOutOfRange):
		p.reading = closed
		r.wake()
	case missing(err):
		p.ledger.Trouble(e.cfg.Reason(err), now)
		e.missing()
		if errors.Is(err, kerr.UnknownTopicID) {
			r.unknown(p, now)
		}
	case unreadable(err):
		r.taste(p, err)
	default:
		p.ledger.Trouble(e.cfg.Reason(err), now)
	}
}

// refresh lets the reader look for new leaders: the producer has seen one.
func (r *reader) refresh() {
	now := int64(r.engine.clock.now())
	last := r.refreshed.Load()
	if now-last < int64(100*time.Millisecond) || !r.refreshed.CompareAndSwap(last, now) {
		return
	}
	r.client.ForceMetadataRefresh()
}

// forget ends the reading of a partition.
func (r *reader) forget(id int32) {
	r.change(func() { r.client.RemoveConsumePartitions(map[string][]int32{r.engine.cfg.Topic: {id}}) })
}

// purge drops what the client knows of the topic.
func (r *reader) purge() {
	r.change(func() { r.client.PurgeTopicsFromClient(r.engine.cfg.Topic) })
}
