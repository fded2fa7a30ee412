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

// producer is a producing client and what its hooks have seen. It serves one partition, or a shard of
// them that have different leaders.
type producer struct {
	client *kgo.Client
	clock  *clock

	responses atomic.Uint64 // to produce requests, as they were read
	answered  answer        // the promises', which the client calls one at a time

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
	_ kgo.HookBrokerWrite = (*producer)(nil)
	_ kgo.HookBrokerRead  = (*producer)(nil)
)

func newProducer(c *Config, clk *clock) (*producer, error) {
	p := &producer{clock: clk}
	client, err := c.Client("producer", c.options("producer", append(producerOptions(c), kgo.WithHooks(p))...)...)
	if err != nil {
		return nil, err
	}
	p.client = client
	return p, nil
}

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
	if c.Strict || c.Acks != AcksAll {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	if c.Strict {
		// One request in flight would turn a slow broker's round trips into a queue of ours.
		opts = append(opts, kgo.RecordRetries(0), kgo.MaxProduceRequestsInflightPerBroker(16))
	}
	return opts
}

// idleTimeout keeps connections alive between probes: a dial, and its TLS and SASL, is not what is
// being measured.
func idleTimeout(c *Config) time.Duration {
	return min(15*time.Minute, max(time.Minute, 4*c.Interval))
}

// OnBrokerWrite notes when each produce request began to be written. It is called by kgo's goroutines.
func (p *producer) OnBrokerWrite(meta kgo.BrokerMetadata, key int16, _ int, _, timeToWrite time.Duration, err error) {
	if key != produceKey || err != nil {
		return
	}
	began := p.clock.now() - timeToWrite
	p.mu.Lock()
	p.writes[p.next%len(p.writes)] = write{broker: meta.NodeID, began: began}
	p.next++
	p.mu.Unlock()
}

// OnBrokerRead counts the responses to produce requests, before their records' promises run. It is called by
// kgo's goroutines.
func (p *producer) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == produceKey {
		p.responses.Add(1)
	}
}

// acknowledged returns when the record was acknowledged whose promise runs. All records of a response were so at
// one instant: the clock is read for the first of them, and what the others wait for is this process.
func (e *Engine) acknowledged(p *producer) time.Duration {
	n := p.responses.Load()
	if n != p.answered.responses {
		p.answered = answer{n, e.present()}
	}
	return p.answered.at
}

// written returns when the request that carried a record began to be written: the first one to its
// leader after it was handed over. It returns a time before handed if that is not known.
func (p *producer) written(broker int32, handed time.Duration) time.Duration {
	found := handed - 1
	p.mu.Lock()
	for i := p.next - 1; i >= 0 && i >= p.next-len(p.writes); i-- {
		w := p.writes[i%len(p.writes)]
		if w.began < handed {
			break
		}
		if w.broker == broker {
			found = w.began
		}
	}
	p.mu.Unlock()
	return found
}

// parcel is a record on its way through the client: the record, its bytes, and where it belongs. It is
// its record's context, which is how the promise finds it without a closure per record; it carries no
// deadline and is never cancelled.
type parcel struct {
	context.Context

	part       *partition
	via        *producer
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
	pc.via.client.TryProduce(pc, &pc.record, e.promise)
}

// promised is what kgo calls when a record is acknowledged or given back.
func (e *Engine) promised(r *kgo.Record, err error) {
	pc := r.Context.(*parcel)
	p := pc.part
	var now time.Duration
	if err == nil && e.cfg.Acks != AcksNone {
		now = e.acknowledged(pc.via)
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
			written = pc.via.written(pc.broker, pc.handed)
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
	if err != nil && missing(err) {
		e.missing()
	}
}
