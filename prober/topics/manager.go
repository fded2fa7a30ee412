package topics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	minPause       = 250 * time.Millisecond // first back-off, and between an action and the next look
	maxPause       = 10 * time.Second       // last back-off
	minLookGap     = time.Second            // between two looks, however often Trigger is called
	observeTimeout = 15 * time.Second
	applyTimeout   = 30 * time.Second
	repeatLog      = 5 * time.Minute // an error that stays is logged this often
)

// State is what the Manager last saw and thought, for a status page.
type State struct {
	Observed Observed      // last observation that succeeded
	Plan     Plan          // made from it
	Probed   []int32       // partitions that are probed
	Refusals []Refusal     // that still count
	Err      error         // why the last look failed, or nil
	At       time.Duration // time of the last look, since the epoch; 0 = none yet
}

// Manager looks after one topic. Run does the work; Trigger and State may be
// called from any goroutine.
type Manager struct {
	cl      *kgo.Client
	opt     Options
	trigger chan struct{}

	mu    sync.Mutex
	state State

	// Below only Run's goroutine.
	history  *history
	layout   Layout
	problems []Problem
	awaited  bool // as last told
	held     bool // the log says that the topic is not created yet
	failures int  // looks that failed in a row
	acts     int  // looks that acted in a row
	loggedAt time.Duration
	logged   string
}

// NewManager makes a Manager on an admin client, which it does not close.
func NewManager(cl *kgo.Client, o Options) *Manager {
	o = o.withDefaults()
	return &Manager{cl: cl, opt: o, trigger: make(chan struct{}, 1), history: newHistory(o)}
}

// Trigger asks for an early look, for instance after UNKNOWN_TOPIC_OR_PARTITION.
func (m *Manager) Trigger() {
	select {
	case m.trigger <- struct{}{}:
	default:
	}
}

// State returns the last state. Its slices and maps must not be changed.
func (m *Manager) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Run looks after the topic until ctx is done. No error ends it: what fails is
// tried again with capped, jittered back-off.
func (m *Manager) Run(ctx context.Context) {
	for ctx.Err() == nil {
		started := time.Now()
		timer := time.NewTimer(m.look(ctx))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-m.trigger:
			timer.Reset(max(0, minLookGap-time.Since(started)))
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
		}
		timer.Stop()
	}
}

// look observes, plans, publishes and applies once, and says how long to wait.
func (m *Manager) look(ctx context.Context) time.Duration {
	seen, err := m.observe(ctx)
	if err != nil {
		m.await(false)
		m.update(func(s *State) { s.Err = err })
		return m.failed(ctx, err)
	}
	now := m.now()
	seen = m.history.take(seen, now)
	plan := NewPlan(m.opt.Spec, seen, m.opt.Mode, m.history.circumstances(now))
	m.publish(seen, plan, now)
	m.await(plan.Awaited)
	acted, err := m.apply(ctx, plan)
	if err != nil {
		m.await(false)
		m.update(func(s *State) { s.Err = err })
		return m.failed(ctx, err)
	}
	if m.failures > 0 {
		m.opt.Logger.Info("topic care works again", "failed_looks", m.failures)
	}
	m.failures, m.logged = 0, ""
	if acted {
		m.acts++
		return min(m.opt.Interval, backoff(m.acts))
	}
	m.acts = 0
	return jitter(m.opt.Interval, 0.1)
}

// await tells the probe whether the topic is missing only because it is yet to be created.
func (m *Manager) await(awaited bool) {
	if awaited != m.awaited {
		m.awaited = awaited
		m.opt.OnAwaited(awaited)
	}
}

func (m *Manager) observe(ctx context.Context) (Observed, error) {
	ctx, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	return Observe(ctx, m.cl, m.opt.Spec.Topic)
}

// publish hands out what changed.
func (m *Manager) publish(seen Observed, plan Plan, now time.Duration) {
	var previous []int32
	if seen.TopicID == m.layout.ID {
		previous = m.layout.Probed
	}
	l := Layout{
		Topic: seen.Topic, ID: seen.TopicID, Partitions: seen.Partitions, Brokers: seen.Brokers,
		Probed: Choose(seen, m.opt.Spec.perBroker(), previous), At: now,
	}
	m.update(func(s *State) {
		*s = State{Observed: seen, Plan: plan, Probed: l.Probed, Refusals: m.history.held(now)}
	})
	if len(seen.Partitions) > 0 && !l.same(m.layout) {
		m.layout = l
		m.opt.OnLayout(l)
	}
	if !slices.Equal(plan.Problems, m.problems) {
		for _, p := range plan.Problems {
			if !slices.Contains(m.problems, p) {
				m.opt.Logger.Warn("topic problem", "kind", string(p.Kind), "fatal", p.Fatal, "problem", p.Text)
			}
		}
		m.problems = plan.Problems
		m.opt.OnProblems(slices.Clone(plan.Problems))
	}
}

// apply carries out the plan. A refusal is remembered and is no error.
func (m *Manager) apply(ctx context.Context, plan Plan) (acted bool, err error) {
	for _, d := range plan.Deferred {
		level := slog.LevelDebug
		if d.Action.Kind == CreateTopic && !m.held {
			m.held, level = true, slog.LevelInfo // nothing is probed until then: whoever looks on should know why
		}
		m.opt.Logger.Log(ctx, level, "topic action deferred", "action", d.Action.String(), "why", d.Why)
	}
	for _, a := range plan.Actions {
		ctx, cancel := context.WithTimeout(ctx, applyTimeout)
		lacks, err := Apply(ctx, m.cl, a)
		cancel()
		m.history.tried(a, m.now())
		var refused *Refusal
		switch {
		case errors.As(err, &refused):
			lacks = append(lacks, *refused)
		case err != nil:
			return acted, fmt.Errorf("apply topic plan: %w", err)
		default:
			m.opt.Logger.Info("topic action done", "action", a.String())
		}
		acted = true
		for _, r := range lacks {
			m.history.refused(r, m.now())
			if r.Lacked != "" { // what failed altogether is logged as a problem
				m.opt.Logger.Warn("topic action partly refused", "action", a.String(), "without", r.Lacked, "reason", r.Reason, "detail", r.Detail)
			}
			m.opt.OnRefused(r)
		}
	}
	return acted, nil
}

// failed logs an error, not more than once in a while when it stays the same,
// and gives the back-off.
func (m *Manager) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	m.failures++
	now := m.now()
	if s := err.Error(); m.logged == "" || now-m.loggedAt >= repeatLog || (s != m.logged && now-m.loggedAt >= maxPause) {
		m.logged, m.loggedAt = s, now
		m.opt.Logger.Warn("topic care failed, trying again", "err", err, "failed_looks", m.failures)
	}
	return backoff(m.failures)
}

func (m *Manager) update(change func(*State)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.state)
	m.state.At = m.now()
}

func (m *Manager) now() time.Duration { return time.Since(m.opt.Epoch) }

// backoff doubles from minPause to maxPause, with jitter.
func backoff(n int) time.Duration {
	return jitter(min(maxPause, minPause<<min(n-1, 10)), 0.25)
}

// jitter spreads d by the share either way, so that many probers do not march
// in step.
func jitter(d time.Duration, share float64) time.Duration {
	return time.Duration(float64(d) * (1 + share*(2*rand.Float64()-1)))
}
