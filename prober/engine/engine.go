package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// Engine runs one probe of one cluster. SetLayout and the sink's state function may be called from any
// goroutine; Run is called once.
type Engine struct {
	cfg         Config
	clock       *clock
	run         record.RunID
	seed        uint64
	blanks      *record.Blanks
	bufferLimit int
	promise     func(*kgo.Record, error)

	sender sender
	reader reader
	load   load
	peers  peers
	clocks brokerClocks

	parts    atomic.Pointer[[]*partition] // sorted by number, the virtual one first; replaced, never changed
	replan   atomic.Bool                  // the sender has to look at all partitions again
	draining atomic.Bool                  // nothing becomes due any more
	excused  atomic.Int64                 // until when a missing topic, or one that is not open yet, is the prober's own doing
	sent     atomic.Int64                 // when the sender last got round
	missed   atomic.Int64                 // when the topic was last said to be missing

	mu        sync.Mutex // guards the layout: what follows
	layout    Layout
	interval  time.Duration // as stretched by the rate limit
	producers map[int32]*producer
	shards    []*producer
	series    map[int32]ledger.Series
	strict    *producer // for diagnostic records; nil until needed
	ended     bool      // no client is made any more

	absentMu sync.Mutex // one goroutine at a time finds out that all were absent
}

// New returns an engine for c. It does no I/O.
func New(c Config) (*Engine, error) {
	switch {
	case c.Size < record.HeaderSize:
		return nil, fmt.Errorf("record size %d is below the header's %d bytes", c.Size, record.HeaderSize)
	case c.Interval <= 0 || c.Timeout <= 0:
		return nil, fmt.Errorf("interval %v and timeout %v must be above 0", c.Interval, c.Timeout)
	case c.Burst.Slots > 0 && (c.Burst.Spacing <= 0 || c.Burst.Jitter+c.Burst.Length() > c.Interval):
		return nil, fmt.Errorf("bursts of %d records, %v apart, do not fit into the interval of %v with a jitter of %v",
			c.Burst.Slots, c.Burst.Spacing, c.Interval, c.Burst.Jitter)
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	if c.Padding == nil {
		c.Padding = record.NewPool(c.Size, c.RandomShare)
	}
	e := &Engine{
		cfg: c, clock: newClock(), run: record.NewRunID(), seed: c.Seed,
		blanks: record.NewBlanks(c.Size, c.Padding), bufferLimit: c.bufferLimit(),
		interval:  c.Interval,
		producers: map[int32]*producer{}, series: map[int32]ledger.Series{},
	}
	e.promise = e.promised
	e.peers.max = c.MaxTopicRate
	e.sender = newSender(e, &c)
	e.reader.engine, e.reader.pulse = e, make(chan struct{}, 1)
	v := e.newPartition(virtual, e.clock.now(), nil)
	v.active = !c.Granted
	v.ledger.Lead(ledger.UnknownBroker, e.seriesOf(ledger.UnknownBroker))
	e.parts.Store(&[]*partition{v})
	e.replan.Store(true)
	e.excused.Store(int64(startGrace))
	return e, nil
}

// RunID names this engine's records among those of other probers.
func (e *Engine) RunID() record.RunID { return e.run }

// Run probes until ctx is done; then it sends nothing more, waits up to drain for what is outstanding,
// skips the rest and closes its clients. It returns an error only if a client could not be made.
func (e *Engine) Run(ctx context.Context, drain time.Duration) error {
	if !e.cfg.Unread {
		if err := e.reader.start(); err != nil {
			return err
		}
	}
	e.cfg.Sink.Watch(e.state)
	defer e.cfg.Sink.Watch(nil)

	life, end := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { e.sender.run(life) })
	if !e.cfg.Unread {
		loops.Go(func() { e.reader.run(life) })
		loops.Go(func() { e.reader.open(life) })
	}

	<-ctx.Done()
	e.draining.Store(true)
	e.awaitQuiet(drain)
	end()
	if !e.cfg.Unread {
		e.reader.stop()
	}
	loops.Wait()
	e.sender.alarm.close()
	e.closeProducers()
	now := e.clock.now()
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		p.ledger.Judge(now)
		p.ledger.Drop(now, ledger.ShuttingDown)
		p.settle()
	}
	return nil
}

// rouse lets the sender look at all partitions at once: what it knew of their times may be wrong.
func (e *Engine) rouse() {
	e.replan.Store(true)
	e.sender.alarm.ring()
}

// awaitQuiet waits until nothing is outstanding, at most for d.
func (e *Engine) awaitQuiet(d time.Duration) {
	const look = 5 * time.Millisecond
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !e.quiet() {
		select {
		case <-deadline.C:
			return
		case <-tick.C:
		}
	}
}

func (e *Engine) quiet() bool {
	for _, p := range *e.parts.Load() {
		if p.id == virtual {
			continue // nothing of it can arrive
		}
		p.mu.Lock()
		quiet := p.ledger.Quiet()
		p.mu.Unlock()
		if !quiet {
			return false
		}
	}
	return true
}

// present returns the time. If it shows that the process did not run for a while, everything that was
// due or outstanding meanwhile is skipped first: whoever gets here first after the stop sees to that,
// before anything is measured against a clock that went on.
func (e *Engine) present() time.Duration {
	now := e.clock.now()
	if !e.clock.absent(now) {
		return now
	}
	e.absentMu.Lock()
	defer e.absentMu.Unlock()
	if e.clock.absent(now) {
		e.cfg.Log.Warn("process was suspended or starved; skipping what was due meanwhile",
			"absent_seconds", (now - time.Duration(e.clock.expected.Load())).Seconds())
		e.skip(now, ledger.Suspended)
		e.clock.expect(now + maxPause)
	}
	return e.clock.now()
}

// skip gives everything that is due by now and outstanding the outcome skipped.
func (e *Engine) skip(now time.Duration, why ledger.Skip) {
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		switch {
		case !p.active || e.draining.Load():
			p.ledger.Drop(now, why)
		case e.cfg.Granted:
			p.granted -= p.ledger.SkipUpTo(now, why, p.granted)
		default:
			p.ledger.Skip(now, why)
		}
		p.settle()
	}
}

// housekeeping is what the sender does twice a second, between two sends.
func (e *Engine) housekeeping(now time.Duration) {
	e.clock.look()
	if e.clock.slept() {
		e.cfg.Log.Warn("machine was suspended; skipping what was outstanding")
		e.skip(now, ledger.Suspended)
	}
	if e.excused.Load() == forever {
		e.skipVirtual(now)
	}
	e.load.turn(now)
	e.stretch(now)
	e.prune()
}

// missing asks for a new look at the topic, at most once a second.
func (e *Engine) missing() {
	now := int64(e.clock.now())
	last := e.missed.Load()
	if e.cfg.Missing == nil || last != 0 && now-last < int64(time.Second) || !e.missed.CompareAndSwap(last, now) {
		return
	}
	e.cfg.Missing()
}

// seriesOf returns the sink's series of a broker. e.mu is held, or the engine is not yet running.
func (e *Engine) seriesOf(broker int32) ledger.Series {
	s := e.series[broker]
	if s == nil {
		s = e.cfg.Sink.Series(e.cfg.Topic, broker)
		e.series[broker] = s
	}
	return s
}
