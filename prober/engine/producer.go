package engine

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// producer is a producing client, or the one that took its place (see renew.go). It serves one partition, or a
// shard of them that have different leaders.
type producer struct {
	engine  *Engine
	present atomic.Pointer[sending]

	mu      sync.Mutex // guards what follows
	closed  bool
	former  *sending    // that was replaced and is yet to be closed
	parting *time.Timer // when that is
}

// sending is one client of a producer and what its hooks and promises have seen.
type sending struct {
	client *kgo.Client
	clock  *clock

	responses atomic.Uint64 // to produce requests, as they were read
	answered  answer        // the promises', which the client calls one at a time
	refused   refusal       // likewise
	refreshed time.Duration // likewise: when metadata was last asked for
	stale     atomic.Bool   // see unstick

	mu     sync.Mutex
	writes [64]write // a ring
	next   int
}

// produceKey is a produce request's in Kafka's protocol.
const produceKey = 0

// write is a produce request that began to be written to a broker.
type write struct {
	broker int32
	began  time.Duration
}

// answer is when promises first ran after so many responses had been read.
type answer struct {
	responses uint64
	at        time.Duration
}

var (
	_ kgo.HookBrokerWrite = (*sending)(nil)
	_ kgo.HookBrokerRead  = (*sending)(nil)
)

func newProducer(e *Engine) (*producer, error) {
	s, err := newSending(&e.cfg, e.clock)
	if err != nil {
		return nil, err
	}
	p := &producer{engine: e}
	p.present.Store(s)
	return p, nil
}

func newSending(c *Config, clk *clock) (*sending, error) {
	s := &sending{clock: clk}
	client, err := c.Client("producer", c.options("producer", append(producerOptions(c), kgo.WithHooks(s))...)...)
	if err != nil {
		return nil, err
	}
	s.client = client
	return s, nil
}

// client returns the client that records go through now.
func (p *producer) client() *kgo.Client { return p.present.Load().client }

// producerOptions are the options that a probe's truth rests on. In the default form the client tries
// for as long as it takes and the ledger alone judges; in the strict form it tries once and names the
// error. Both notice a dead connection soon, so that the next attempt does not wait for it.
func producerOptions(c *Config) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(int32(max(1<<20, c.Size+1024))),
		kgo.MaxBufferedRecords(math.MaxInt32), // bounded per partition, see Config.bufferLimit
		kgo.ProduceRequestTimeout(time.Second),
		kgo.RequestTimeoutOverhead(time.Second),
		kgo.MetadataMaxAge(30 * time.Second),
		kgo.ConnIdleTimeout(idleTimeout(c)),
	}
	switch c.Acks {
	case AcksLeader:
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()))
	case AcksNone:
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()))
	default:
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	if !c.idempotent() {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	if c.Strict {
		// One request in flight would turn a slow broker's round trips into a queue of ours.
		opts = append(opts, kgo.RecordRetries(0), kgo.MaxProduceRequestsInflightPerBroker(16))
	}
	return opts
}

// idempotent reports whether the producing clients are.
func (c *Config) idempotent() bool { return !c.Strict && c.Acks == AcksAll }

// idleTimeout keeps connections alive between probes: a dial, and its TLS and SASL, is not what is
// being measured.
func idleTimeout(c *Config) time.Duration {
	return min(15*time.Minute, max(time.Minute, 4*c.Interval))
}

// OnBrokerWrite notes when each produce request began to be written. It is called by kgo's goroutines.
func (s *sending) OnBrokerWrite(meta kgo.BrokerMetadata, key int16, _ int, _, timeToWrite time.Duration, err error) {
	if key != produceKey || err != nil {
		return
	}
	began := s.clock.now() - timeToWrite
	s.mu.Lock()
	s.writes[s.next%len(s.writes)] = write{broker: meta.NodeID, began: began}
	s.next++
	s.mu.Unlock()
}

// OnBrokerRead counts the responses to produce requests, before their records' promises run. It is called by
// kgo's goroutines.
func (s *sending) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == produceKey {
		s.responses.Add(1)
	}
}

// acknowledged returns when the record was acknowledged whose promise runs. All records of a response were so at
// one instant: the clock is read for the first of them, and what the others wait for is this process.
func (e *Engine) acknowledged(s *sending) time.Duration {
	n := s.responses.Load()
	if n != s.answered.responses {
		s.answered = answer{n, e.present()}
	}
	return s.answered.at
}

// written returns when the request that carried a record began to be written: the first one to its
// leader after it was handed over. It returns a time before handed if that is not known.
func (s *sending) written(broker int32, handed time.Duration) time.Duration {
	found := handed - 1
	s.mu.Lock()
	for i := s.next - 1; i >= 0 && i >= s.next-len(s.writes); i-- {
		w := s.writes[i%len(s.writes)]
		if w.began < handed {
			break
		}
		if w.broker == broker {
			found = w.began
		}
	}
	s.mu.Unlock()
	return found
}

// parcel is a record on its way through the client: the record, its bytes, and where it belongs. It is
// its record's context, which is how the promise finds it without a closure per record; it carries no
// deadline and is never cancelled.
type parcel struct {
	context.Context

	part       *partition
	via        *producer
	by         *sending // of via's, when the record was sent
	sequence   uint64
	due        time.Duration
	handed     time.Duration
	broker     int32  // that led the partition when the record was handed over
	generation uint32 // of the topic
	record     kgo.Record
	blank      record.Blank // whose bytes are the record's value
}

// send fills in the record and hands it to the client. epoch is the wall clock at the engine's epoch: read
// once for many records.
func (pc *parcel) send(e *Engine, epoch time.Time) {
	e.blanks.Stamp(&pc.blank, &record.Header{
		Run: e.run, Partition: pc.part.id, Sequence: pc.sequence,
		Due: pc.due, DueWall: epoch.Add(pc.due).UnixNano(), Interval: e.cfg.nominal(),
	})
	// What else is in the record is as it was made, or kgo writes it anew.
	pc.record.Timestamp = epoch.Add(pc.handed)
	if e.cfg.Key != nil {
		pc.record.Key = e.cfg.Key(pc.sequence)
	}
	pc.by = pc.via.present.Load()
	pc.by.client.TryProduce(pc, &pc.record, e.promise)
}

// promised is what kgo calls when a record is acknowledged or given back.
func (e *Engine) promised(r *kgo.Record, err error) {
	pc := r.Context.(*parcel)
	p, via, by := pc.part, pc.via, pc.by // the parcel is another's once it is put back
	var now time.Duration
	if err == nil && e.cfg.Acks != AcksNone {
		now = e.acknowledged(by)
	} else {
		now = e.present()
	}
	offset := r.Offset
	if e.cfg.Acks == AcksNone {
		offset = -1 // kgo makes one up
	}
	p.mu.Lock()
	if err == nil {
		written := pc.handed
		if !e.cfg.OneLeg {
			written = by.written(pc.broker, pc.handed)
		}
		p.ledger.Ack(pc.sequence, pc.generation, offset, written, now)
	} else {
		p.ledger.Refuse(pc.sequence, definite(err), e.cfg.Reason(err), now)
	}
	p.put(pc)
	room := p.full && p.inClient <= e.bufferLimit/2
	if room {
		p.full = false
	}
	var out []ledger.Delivery
	if p.ledger.Waiting() >= flushAt {
		out = p.ledger.Flush(nil)
	}
	p.mu.Unlock()
	observe(out)
	if room {
		e.rouse()
	}
	if err != nil {
		via.refused(by, err, now)
	}
}
