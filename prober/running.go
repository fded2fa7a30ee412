package prober

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/engine"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// runEngine probes the topic of spec with an engine set up as c says, and keeps the topic, until ctx is
// done. What c does not say (the topic, the clients, where results go) it takes from env and spec; records
// do not compress. more adds what the kind knows to the state; it may be nil.
func runEngine(ctx context.Context, env Env, spec topics.Spec, c engine.Config, more func(*ledger.State)) error {
	admin, err := env.Factory.Client("admin", kgo.ConnIdleTimeout(time.Minute))
	if err != nil {
		return err
	}
	defer admin.Close()

	p := &running{epoch: time.Now(), more: more}
	p.keeper = topics.NewManager(admin, topics.Options{
		Spec: spec, Mode: env.Mode, Logger: env.Log, Epoch: p.epoch,
		OnAwaited: func(awaited bool) { p.engine.Await(awaited) },
		OnLayout: func(l topics.Layout) {
			if err := p.engine.SetLayout(engineLayout(l)); err != nil {
				env.Log.Error("cannot probe a partition", "err", err)
			}
		},
	})
	c.Topic, c.RandomShare = spec.Topic, 1
	c.Client, c.Reason, c.Trouble = env.Factory.Client, kafka.Reason, p.trouble(env.Factory.LastErrors())
	c.Missing = p.keeper.Trigger
	c.Sink, c.Log = watched{env.Sink, p.addKeeper}, env.Log
	if p.engine, err = engine.New(c); err != nil {
		return fmt.Errorf("start probe: %w", err)
	}

	keeping, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() { p.keeper.Run(keeping) })
	defer wait.Wait()
	defer admin.Close() // a request on a connection that a silent broker does not take up outlives its context
	defer stop()
	return p.engine.Run(ctx, DrainTime)
}

var acks = map[string]engine.Acks{"all": engine.AcksAll, "leader": engine.AcksLeader, "none": engine.AcksNone}

// running is a running probe: an engine, and the keeper of its topic.
type running struct {
	epoch  time.Time // of the keeper's times
	engine *engine.Engine
	keeper *topics.Manager
	more   func(*ledger.State) // what the kind knows beside; may be nil
}

// trouble names what hinders records to a broker: its connections' last error, or any broker's; before
// there is a topic to send to, also why there is none.
func (p *running) trouble(last *kafka.LastErrors) func(int32) (string, time.Time, bool) {
	return func(broker int32) (string, time.Time, bool) {
		if broker != ledger.UnknownBroker {
			return last.Last(broker)
		}
		if reason, at, ok := last.LastAny(); ok {
			return reason, at, true
		}
		state := p.keeper.State()
		switch {
		case len(state.Refusals) > 0:
			return state.Refusals[0].Reason, time.Now(), true
		case state.Err != nil:
			return kafka.Reason(state.Err), time.Now(), true
		}
		return "", time.Time{}, false
	}
}

// addKeeper adds to the engine's state what the keeper of its topic knows.
func (p *running) addKeeper(s *ledger.State) {
	state := p.keeper.State()
	now := time.Now()
	s.Loops = append(s.Loops, ledger.Loop{Name: "topics", Progress: now.Add(state.At - now.Sub(p.epoch))})
	for _, r := range state.Refusals {
		s.Refusals = append(s.Refusals, ledger.Refusal{Action: string(r.Kind), Reason: r.Reason})
	}
	switch {
	case state.Err != nil:
		s.LastProblem = state.Err.Error()
	case len(state.Plan.Problems) > 0:
		s.LastProblem = state.Plan.Problems[0].Text
	}
	if p.more != nil {
		p.more(s)
	}
}

// watched is a sink whose watcher is told more than the engine knows.
type watched struct {
	ledger.Sink
	add func(*ledger.State)
}

// Watch implements ledger.Sink.
func (w watched) Watch(state func() ledger.State) {
	if state == nil {
		w.Sink.Watch(nil)
		return
	}
	w.Sink.Watch(func() ledger.State {
		s := state()
		w.add(&s)
		return s
	})
}

// engineLayout is what an engine needs to know of a topic's layout.
func engineLayout(l topics.Layout) engine.Layout {
	out := engine.Layout{TopicID: l.ID}
	for _, b := range l.Brokers {
		out.Brokers = append(out.Brokers, b.ID)
	}
	probed := make(map[int32]bool, len(l.Probed))
	for _, id := range l.Probed {
		probed[id] = true
	}
	for _, p := range l.Partitions {
		if probed[p.ID] {
			out.Partitions = append(out.Partitions, engine.Assignment{Partition: p.ID, Leader: p.Leader, Preferred: p.Preferred()})
		}
	}
	return out
}
