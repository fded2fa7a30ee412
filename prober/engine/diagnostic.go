package engine

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

const (
	// diagnoseAfter is how long a record must be overdue for somebody to ask why.
	diagnoseAfter = time.Second
	// diagnoseEvery is how often one partition is asked.
	diagnoseEvery = time.Second
)

// diagnose asks why records of p do not come through, if the oldest has waited for long: a client that
// tries as long as it takes never says. A record of its own goes to the partition with a client that
// tries once and names the error; whoever reads that record ignores it. p.mu is held.
func (e *Engine) diagnose(p *partition, now, oldest time.Duration) {
	if e.cfg.Strict || p.id == virtual || p.asking || now-oldest < diagnoseAfter || now-p.asked < diagnoseEvery ||
		!p.ledger.Readable() || e.draining.Load() {
		return
	}
	p.asking, p.asked = true, now
	go e.ask(p)
}

// ask sends one diagnostic record to p.
func (e *Engine) ask(p *partition) {
	by, err := e.diagnostician()
	if err != nil {
		return // asking stays true: it will not get better
	}
	now := e.clock.now()
	value := make([]byte, record.HeaderSize)
	record.Encode(value, &record.Header{
		Run: e.run, Flags: record.FlagDiagnostic, Partition: p.id,
		Due: now, DueWall: e.clock.at(now).UnixNano(), Interval: e.cfg.nominal(),
	}, e.cfg.Padding)
	by.client.TryProduce(context.Background(), &kgo.Record{Topic: e.cfg.Topic, Partition: p.id, Value: value}, func(_ *kgo.Record, err error) {
		p.mu.Lock()
		p.asking = false
		if err != nil {
			p.ledger.Trouble(e.cfg.Reason(err), e.clock.now())
		}
		p.mu.Unlock()
		if errors.Is(err, kerr.UnknownTopicID) {
			by.unstick(e)
		}
	})
}

// diagnostician returns the client that asks, made when first needed.
func (e *Engine) diagnostician() (*sending, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return nil, kgo.ErrClientClosed
	}
	if e.strict == nil {
		c := e.cfg
		c.Strict = true
		client, err := c.Client("diagnostic", append(producerOptions(&c), kgo.ConnIdleTimeout(10*time.Second))...)
		if err != nil {
			return nil, err
		}
		e.strict = &producer{engine: e}
		e.strict.present.Store(&sending{client: client, clock: e.clock})
	}
	return e.strict.present.Load(), nil
}

// nameTrouble lets the ledger know what hinders p, if its oldest record has waited for a while.
// p.mu is held.
func (e *Engine) nameTrouble(p *partition, now time.Duration) {
	const patience = 500 * time.Millisecond
	deadline, waiting := p.ledger.NextDeadline()
	oldest := deadline - e.cfg.Timeout
	if !waiting || now-oldest < patience {
		return
	}
	if e.cfg.Trouble != nil {
		if reason, at, ok := e.cfg.Trouble(p.ledger.Leader()); ok {
			p.ledger.Trouble(reason, at.Sub(e.clock.epoch))
		}
	}
	e.diagnose(p, now, oldest)
}
