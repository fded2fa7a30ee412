package prober

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/connect"
	"github.com/kafka-prober/kafka_prober/prober/reach"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// ConnectSettings are the settings of the kind "connect".
type ConnectSettings struct {
	Interval    kind.Duration `yaml:"interval" help:"one new connection to each broker in each interval"`
	Timeout     kind.Duration `yaml:"timeout" help:"time for all of a connection's phases; not above the interval"`
	ForgetAfter kind.Duration `yaml:"forget_after" help:"how long a broker that the cluster no longer names is still tried: one that is down is not named"`
}

func init() {
	Kinds.Register(kind.Kind{
		Name:    "connect",
		Help:    "A new connection to each broker, each phase timed and each failure named: resolve, dial, TLS, ApiVersions, SASL, Metadata.",
		Default: true,
		New: func() kind.Settings {
			return &ConnectSettings{
				Interval:    kind.Duration(10 * time.Second),
				Timeout:     kind.Duration(5 * time.Second),
				ForgetAfter: kind.Duration(time.Hour),
			}
		},
	})
}

var _ Settings = (*ConnectSettings)(nil)

// Validate implements kind.Settings.
func (s *ConnectSettings) Validate() error {
	var errs []error
	if s.Interval < kind.Duration(time.Second) {
		errs = append(errs, kind.Errorf("interval", "must be at least 1s, is %s: each attempt costs a broker a TLS handshake and an authentication", s.Interval))
	}
	if s.Timeout < kind.Duration(100*time.Millisecond) || s.Timeout > s.Interval {
		errs = append(errs, kind.Errorf("timeout", "must be from 100ms to the interval of %s, is %s", s.Interval, s.Timeout))
	}
	if s.ForgetAfter < s.Interval {
		errs = append(errs, kind.Errorf("forget_after", "must not be below the interval of %s, is %s", s.Interval, s.ForgetAfter))
	}
	return errors.Join(errs...)
}

// Promise implements Settings. There are no records, and so no topic.
func (s *ConnectSettings) Promise() Promise {
	return Promise{Interval: time.Duration(s.Interval), Timeout: time.Duration(s.Timeout)}
}

// Topics implements Settings.
func (s *ConnectSettings) Topics() []topics.Spec { return nil }

// Rights implements Settings. Every client that may log in may ask which brokers there are.
func (s *ConnectSettings) Rights(topics.Mode) []kind.Right { return nil }

// Run implements Settings.
func (s *ConnectSettings) Run(ctx context.Context, env Env) error {
	settings := env.Factory.Settings()
	p := &connectProbe{
		walker:   Walker(env.Factory, time.Duration(s.Timeout)),
		servers:  settings.BootstrapServers,
		interval: time.Duration(s.Interval), forgetAfter: time.Duration(s.ForgetAfter),
		sink: env.Reach, log: env.Log,
		brokers: map[int32]known{},
	}
	p.run(ctx)
	return nil
}

// Walker returns what walks the way to the brokers of a factory's cluster and listener, as the factory's
// clients do.
func Walker(f *kafka.Factory, timeout time.Duration) *connect.Config {
	settings := f.Settings()
	return &connect.Config{
		Timeout: timeout, ClientID: settings.ClientID, Software: kafka.SoftwareName, Version: settings.Version,
		Address: f.Address, TLS: f.TLS, Mechanism: f.Mechanism, Reason: kafka.Reason,
		Handshake: kafka.Handshake, Dial: settings.Dialer,
	}
}

// connectProbe is a running connect probe.
type connectProbe struct {
	walker      *connect.Config
	servers     []string
	interval    time.Duration
	forgetAfter time.Duration
	sink        reach.Sink
	log         *slog.Logger

	mu      sync.Mutex
	brokers map[int32]known // those that are tried
}

// known is where a broker is, and when it was last named.
type known struct {
	addr  string
	named time.Time // has a monotonic reading
}

// firstRetry is how soon the bootstrap servers are tried again while no broker is known.
const firstRetry = time.Second

// run goes round the brokers, one after the other, so that they are evenly spread over the interval. A
// round does not wait for its attempts: the timeout is not above the interval, so at most two of them are
// under way at a broker.
func (p *connectProbe) run(ctx context.Context) {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	var asking atomic.Bool // the bootstrap servers; that takes longer than a round where they are silent
	for ctx.Err() == nil {
		round := p.round()
		if len(round) == 0 {
			p.bootstrap(ctx, true)
			if len(p.round()) == 0 {
				pause(ctx, min(firstRetry, p.interval))
			}
			continue
		}
		reached := make(chan struct{}, len(round))
		for i, broker := range round {
			attempts.Go(func() {
				if p.attempt(ctx, broker) {
					reached <- struct{}{}
				}
			})
			pause(ctx, p.interval*time.Duration(i+1)/time.Duration(len(round))-p.interval*time.Duration(i)/time.Duration(len(round)))
		}
		if len(reached) == 0 && asking.CompareAndSwap(false, true) { // all may have moved: their names lead there
			attempts.Go(func() {
				defer asking.Store(false)
				p.bootstrap(ctx, false)
			})
		}
	}
}

// attempt walks to one broker, hands over how it went, and returns whether it got there.
func (p *connectProbe) attempt(ctx context.Context, to connect.Broker) bool {
	a, brokers, err := p.walker.Walk(ctx, to)
	if ctx.Err() != nil {
		return false // given up on our side: it says nothing
	}
	p.sink.Attempt(&a)
	if err != nil {
		p.log.Warn("broker can't be reached", "broker", to.ID, "addr", to.Addr, "phase", a.Failed.String(), "reason", a.Reason, "err", err)
		return false
	}
	p.learn(brokers)
	return true
}

// bootstrap asks the bootstrap servers which brokers there are. While none is known, its failures are
// what the probe has to tell.
func (p *connectProbe) bootstrap(ctx context.Context, tell bool) {
	for _, server := range p.servers {
		a, brokers, err := p.walker.Walk(ctx, connect.Broker{ID: reach.UnknownBroker, Addr: server})
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			p.learn(brokers)
			return
		case tell:
			p.sink.Attempt(&a)
			p.log.Warn("bootstrap server can't be reached", "addr", server, "phase", a.Failed.String(), "reason", a.Reason, "err", err)
		}
	}
}

// learn notes which brokers there are, forgets those that have been away for long, and says so.
func (p *connectProbe) learn(brokers []connect.Broker) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range brokers {
		p.brokers[b.ID] = known{b.Addr, now}
	}
	var ids []int32
	for id, b := range p.brokers {
		if now.Sub(b.named) > p.forgetAfter {
			delete(p.brokers, id)
			continue
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	p.sink.Brokers(ids)
}

// round returns the brokers to be tried, by node id.
func (p *connectProbe) round() []connect.Broker {
	p.mu.Lock()
	defer p.mu.Unlock()
	var round []connect.Broker
	for id, b := range p.brokers {
		round = append(round, connect.Broker{ID: id, Addr: b.addr})
	}
	slices.SortFunc(round, func(a, b connect.Broker) int { return int(a.ID) - int(b.ID) })
	return round
}

// pause returns after d, or when ctx is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
