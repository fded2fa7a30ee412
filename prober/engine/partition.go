package engine

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// partition is a partition of the topic, or the virtual one that is due while none is known.
type partition struct {
	id       int32
	producer *producer // nil for the virtual one

	mu           sync.Mutex // guards what follows; never held while the sink observes
	ledger       *ledger.Partition
	active       bool // slots become due; else what is outstanding is only seen through
	reading      reading
	attempts     uint32        // of the opener; one that is not the last has been overtaken
	retryAt      time.Duration // when the opener may try again
	heard        time.Duration // when a fetch last brought something, if only an error
	epoch        int32         // of the leader that the last record was read from; -1 before there is one
	added        time.Duration // when the partition was laid out
	free         []*parcel
	laid         uint64 // parcels that were ever made: each has another padding
	inClient     int
	unknownSince time.Duration // since when fetches are refused for the topic's id; 0: not yet
	unknownAt    time.Duration // when one last was
	parked       bool          // not fetched until shortly before the next record is due, see park.go
	granted      uint64        // slots that may yet become due, if that is limited
	full         bool          // the sender waits until the client has sent some of what it holds
	poison       poison
	asking       bool          // a diagnostic record is on its way
	asked        time.Duration // when the last one was sent
}

// reading is how the reader stands to a partition.
type reading uint8

const (
	closed  reading = iota // its fetches are ignored, and the opener has to begin
	opening                // the opener is at work
	opened                 // its fetches count
)

// virtual is the number of the partition that is due while none is known.
const virtual = int32(-1)

func (e *Engine) newPartition(id int32, now time.Duration, via *producer) *partition {
	sched := schedule.NewBursts(e.seed, id, now, e.interval, e.cfg.Burst)
	p := &partition{
		id: id, producer: via, added: now, epoch: -1,
		ledger: ledger.NewPartition(ledger.Options{
			Partition: id, Timeout: e.cfg.Timeout, Unpaced: e.cfg.Unpaced, Unread: e.cfg.Unread, OneLeg: e.cfg.OneLeg,
		}, sched),
	}
	if e.cfg.Unread && id != virtual {
		p.reading = opened
		p.ledger.Reading(0)
	}
	return p
}

// take returns a parcel for a slot. mu is held.
func (p *partition) take(e *Engine, seq uint64) *parcel {
	if len(p.free) == 0 {
		p.stock(e)
	}
	last := len(p.free) - 1
	pc := p.free[last]
	p.free = p.free[:last]
	p.inClient++
	pc.sequence = seq
	pc.due = p.ledger.Due(seq)
	pc.broker = p.ledger.Leader()
	return pc
}

// stock makes parcels, the more at once the more are on their way. mu is held.
func (p *partition) stock(e *Engine) {
	const most = 64
	n := min(max(1, p.inClient), most)
	parcels, values := make([]parcel, n), make([]byte, n*e.cfg.Size)
	for i := range parcels {
		pc := &parcels[i]
		value := values[i*e.cfg.Size : (i+1)*e.cfg.Size : (i+1)*e.cfg.Size]
		*pc = parcel{Context: context.Background(), part: p, via: p.producer, blank: e.blanks.Lay(value, p.laid)}
		pc.record = kgo.Record{Topic: e.cfg.Topic, Partition: p.id, Value: value, Context: pc}
		p.laid++
		p.free = append(p.free, pc)
	}
}

// put gives a parcel back once its promise has run. mu is held.
func (p *partition) put(pc *parcel) {
	p.inClient--
	p.free = append(p.free, pc)
}

// activate lets slots become due from now on. mu is held.
func (p *partition) activate(now time.Duration) {
	if !p.active {
		p.active = true
		p.ledger.Begin(now)
	}
}

// settle flushes the partition's ledger and observes. mu is held, and released.
func (p *partition) settle() {
	var room [2]ledger.Delivery // for the leader and the one before; no garbage for each fetch
	out := p.ledger.Flush(room[:0])
	p.mu.Unlock()
	observe(out)
}

func observe(out []ledger.Delivery) {
	for _, d := range out {
		d.Observe()
	}
}
