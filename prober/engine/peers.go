package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

// peers is the other probers that send to the topic, as their records say. Together they may send max
// records a second to a partition: each stretches its nominal interval by how far the sum of all nominal
// rates is above that. Nominal rates, because stretched ones would make the probers chase each other.
type peers struct {
	max     float64     // records/s; 0: no limit
	present atomic.Bool // some were seen lately

	mu     sync.Mutex
	seen   map[record.RunID]peer
	factor float64 // by which the interval was last stretched; 0 before
}

type peer struct {
	interval time.Duration // nominal
	at       time.Duration // when last seen
}

const (
	// A prober that is not seen any more counts for a minute. One of a thousand sends once in fifty seconds,
	// and a hundred may pass between two of its records: it counts for three of its intervals, taking it
	// to stretch them as we do, within reason.
	peerMemory    = time.Minute
	maxPeerMemory = 10 * time.Minute
	maxPeers      = 10_000
)

// saw notes a record of another run.
func (p *peers) saw(run record.RunID, interval, now time.Duration) {
	if p.max == 0 || interval <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.seen[run]; !known && len(p.seen) >= maxPeers {
		return
	}
	if p.seen == nil {
		p.seen = make(map[record.RunID]peer)
	}
	p.seen[run] = peer{interval, now}
}

// stretched returns the interval to use now, given the nominal one.
func (p *peers) stretched(nominal, now time.Duration) time.Duration {
	if p.max == 0 {
		return nominal
	}
	rate := 1 / nominal.Seconds()
	p.mu.Lock()
	for run, other := range p.seen {
		stretched := float64(other.interval) * max(1, p.factor)
		if now-other.at > min(max(peerMemory, time.Duration(3*stretched)), maxPeerMemory) {
			delete(p.seen, run)
			continue
		}
		rate += 1 / other.interval.Seconds()
	}
	p.factor = max(1, rate/p.max)
	p.present.Store(len(p.seen) > 0)
	defer p.mu.Unlock()
	return time.Duration(float64(nominal) * p.factor)
}

// stretch applies the rate limit. The sender calls it.
func (e *Engine) stretch(now time.Duration) {
	want := e.peers.stretched(e.cfg.nominal(), now) * time.Duration(max(1, e.cfg.Burst.Slots))
	e.mu.Lock()
	was := e.interval
	if off := float64(want)/float64(was) - 1; off > -0.02 && off < 0.02 {
		e.mu.Unlock()
		return
	}
	e.interval = want
	e.mu.Unlock()
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		p.ledger.SetInterval(want)
		p.mu.Unlock()
	}
	e.replan.Store(true)
	e.cfg.Log.Info("interval changed: probers share the topic's rate", "topic", e.cfg.Topic,
		"interval_seconds", want.Seconds(), "nominal_seconds", e.cfg.Interval.Seconds())
}
