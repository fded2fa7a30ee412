package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/engine"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// Env is what a bench is handed.
type Env struct {
	Client func(role string, opts ...kgo.Opt) (*kgo.Client, error) // makes a client of the cluster
	Reason func(error) string                                      // names an error
	Log    *slog.Logger
	Live   Live // is shown what happens; may be nil
	// GoTimers: see engine.Config.
	GoTimers bool
}

const (
	tick = time.Second
	// look is how often the end of a stretch is looked for.
	look = 2 * time.Millisecond
	// ballast keeps the garbage collector from running ten times a second for the sake of what a fetch leaves
	// behind: each time, records wait for it. It is never written to, so that it takes no memory; garbage may
	// take as much.
	ballast = 64 << 20
	// readyTimeout is how long the engines may take to be able to send and read.
	readyTimeout = 30 * time.Second
)

// Execute runs the plan. When ctx ends, the run under way ends early and what was measured so far is the
// report. The error is of what could not be measured at all; the report has what came before it.
func Execute(ctx context.Context, p *Plan, env Env) (*Report, error) {
	r := &Report{
		Schema: Schema, ID: record.NewRunID().String()[:16], Started: time.Now(), Profile: p.Options.Profile,
		Environment: newEnvironment(ctx, env),
	}
	for _, c := range p.Cases {
		r.Cases = append(r.Cases, CaseResult{PlannedCase: c})
	}
	if env.Live == nil {
		env.Live = Several(nil)
	}
	weight := make([]byte, ballast)
	defer runtime.KeepAlive(weight)
	var failure error
	total := len(r.Cases) * p.Options.Repeat
	for number := range total { // interleaved: what drifts hits all cases alike
		c := &r.Cases[number%len(r.Cases)]
		env.Live.Begin(r, &c.PlannedCase, number+1, total)
		run, err := runCase(ctx, p, &c.PlannedCase, env, fmt.Sprintf("kafka-prober-bench-%s-%d", r.ID, number+1))
		env.Live.End()
		if err != nil {
			if err != errInterrupted || number == 0 { // else there is a report; what is joined to it has to be told
				failure = fmt.Errorf("case %q, run %d: %w", c.Name, number/len(r.Cases)+1, err)
			}
			break
		}
		judge(run, &c.Case)
		c.Runs = append(c.Runs, *run)
		if ctx.Err() != nil {
			break
		}
	}
	r.finish(p, ctx.Err() != nil)
	return r, failure
}

// errInterrupted is of a run that was interrupted before its measured stretch.
var errInterrupted = errors.New("interrupted before the first record: nothing was measured")

// unlessInterrupted returns the error, or that it was brought about by an interruption.
func unlessInterrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// runCase runs a case once, on a topic of its own unless the plan names one. The case gets the partitions
// and replicas that the topic has.
func runCase(ctx context.Context, p *Plan, c *PlannedCase, env Env, topic string) (*Run, error) {
	if p.Options.Topic != "" {
		topic = p.Options.Topic
	}
	if c.Producers == 0 {
		run, err := consume(ctx, c, env, topic)
		return run, unlessInterrupted(ctx, err)
	}
	t, err := newTopic(env, topic)
	if err != nil {
		return nil, err
	}
	run, err := t.measure(ctx, p, c, env)
	err = unlessInterrupted(ctx, err)
	if gone := t.close(); gone != nil {
		if err != nil {
			return nil, errors.Join(err, gone)
		}
		run.Warnings = append(run.Warnings, gone.Error())
	}
	return run, err
}

// measure runs a case on the topic.
func (t *benchTopic) measure(ctx context.Context, p *Plan, c *PlannedCase, env Env) (*Run, error) {
	note, err := t.prepare(ctx, p, c)
	if err != nil {
		return nil, err
	}
	s := &stretch{c: &c.Case, env: env, topic: t, meter: newMeter()}
	if err := s.start(); err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.awaitReady(ctx); err != nil {
		return nil, err
	}
	run, err := s.measure(ctx)
	if err == nil && note != "" {
		run.Warnings = append(run.Warnings, note)
	}
	return run, err
}

// stretch is the engines of a run.
type stretch struct {
	c       *Case
	env     Env
	topic   *benchTopic
	meter   *meter
	engines []*engine.Engine
	shares  []engine.Layout // of the partitions, by engine
	end     context.CancelFunc
	ended   sync.WaitGroup
	failed  chan error
}

var acks = map[string]engine.Acks{"all": engine.AcksAll, "1": engine.AcksLeader, "0": engine.AcksNone}

// start makes the engines and lets them run, each with the partitions that are its own.
func (s *stretch) start() error {
	c := s.c
	partitions := len(s.topic.layout.Partitions)
	s.shares = make([]engine.Layout, c.Producers)
	for i, a := range s.topic.layout.Partitions {
		share := &s.shares[i%c.Producers]
		share.TopicID, share.Brokers = s.topic.layout.TopicID, s.topic.layout.Brokers
		share.Partitions = append(share.Partitions, a)
	}
	ctx, end := context.WithCancel(context.Background())
	s.end, s.failed = end, make(chan error, c.Producers)
	padding := c.padding()
	for _, share := range s.shares {
		e, err := engine.New(engine.Config{
			Topic: s.topic.name, Interval: s.interval(partitions), Timeout: c.Timeout, Size: c.Size, Padding: padding,
			Acks: acks[c.Acks], Granted: true, Unpaced: c.Rate == 0, Lingers: c.Linger > 0, Unread: c.Consumers == 0, OneLeg: true, Producers: 1,
			Buffer: max(1, c.BufferMemory/c.Size/partitions), Key: keys(c.Keys), Options: c.options,
			Client: s.env.Client, Reason: s.env.Reason, Sink: s.meter, Log: s.env.Log, GoTimers: s.env.GoTimers,
		})
		if err != nil {
			end()
			return err
		}
		s.engines = append(s.engines, e)
		s.ended.Go(func() {
			if err := e.Run(ctx, time.Millisecond); err != nil {
				s.failed <- err
			}
		})
		if err := e.SetLayout(share); err != nil {
			s.stop()
			return err
		}
	}
	return nil
}

// interval is the time between two records of a partition.
func (s *stretch) interval(partitions int) time.Duration {
	if s.c.Rate == 0 {
		return time.Millisecond // is not used but for how long a fetch may wait
	}
	return max(1, time.Duration(float64(time.Second)*float64(partitions)/s.c.Rate))
}

// stop ends the engines and waits for it.
func (s *stretch) stop() {
	s.end()
	s.ended.Wait()
}

func (s *stretch) awaitReady(ctx context.Context) error {
	deadline := time.NewTimer(readyTimeout)
	defer deadline.Stop()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		ready := true
		for _, e := range s.engines {
			ready = ready && e.Ready()
		}
		if ready {
			return nil
		}
		select {
		case err := <-s.failed:
			return err
		case <-ctx.Done():
			return errInterrupted
		case <-deadline.C:
			return fmt.Errorf("topic %s could not be read within %v: see `kafka_prober check` for what is in the way, or --log.level=debug", s.topic.name, readyTimeout)
		case <-poll.C:
		}
	}
}

// grant spreads n slots over all partitions.
func (s *stretch) grant(n uint64) {
	partitions := uint64(len(s.topic.layout.Partitions))
	for i, e := range s.engines {
		slots := map[int32]uint64{}
		for _, a := range s.shares[i].Partitions {
			slots[a.Partition] = n / partitions
			if uint64(s.topic.index(a.Partition)) < n%partitions {
				slots[a.Partition]++
			}
		}
		e.Grant(slots)
	}
}

// halt lets nothing more become due and returns how much less that is than was granted.
func (s *stretch) halt() (left uint64) {
	for _, e := range s.engines {
		left += e.Halt()
	}
	return left
}

func (s *stretch) all(is func(*engine.Engine) bool) bool {
	for _, e := range s.engines {
		if !is(e) {
			return false
		}
	}
	return true
}

// keys returns what gives records their keys.
func keys(kind string) func(uint64) []byte {
	if kind == "none" {
		return nil
	}
	const number, length = 10_000, 7 // OpenMessaging Benchmark's
	all := make([][]byte, number)
	for i := range all {
		all[i] = make([]byte, length)
		for j := range all[i] {
			all[i][j] = byte(rand.Uint32())
		}
	}
	if kind == "random" {
		return func(uint64) []byte { return all[rand.IntN(number)] }
	}
	return func(seq uint64) []byte { return all[seq%number] }
}
