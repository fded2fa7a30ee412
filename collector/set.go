package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// adminOverhead is how long the shared client waits for an answer. Listing log
// directories or a hundred groups may take a busy broker seconds.
const adminOverhead = 10 * time.Second

// Member is one collector to run.
type Member struct {
	Name     string        // value of the label collector
	Settings kind.Settings // validated; of the type that its Kind makes
}

// Set runs the collectors of one cluster and listener, each in a goroutine, and
// exports what they last learnt. Safe for concurrent use.
type Set struct {
	client  *kgo.Client
	members []*member
	success *prometheus.Desc
	took    *prometheus.Desc
	lastOK  *prometheus.Desc
	account accountDescs
	signals *signals

	mu     sync.Mutex
	stop   context.CancelFunc // nil until Start
	closed bool
	wg     sync.WaitGroup
}

var _ prometheus.Gatherer = (*Set)(nil)

// NewSet makes the collectors without starting them; it does no I/O. What env
// lacks is made here. Close the set also when it was never started.
func NewSet(env Env, members []Member) (*Set, error) {
	client, err := env.Factory.Client("collector", kgo.RequestTimeoutOverhead(adminOverhead))
	if err != nil {
		return nil, err
	}
	s := &Set{
		client:  client,
		success: env.Desc("collector_success", "Whether the collector's last refresh went well and is not older than three intervals.", "collector"),
		took:    env.Desc("collector_duration_seconds", "How long the collector's last refresh took.", "collector"),
		lastOK:  env.Desc("collector_last_success_timestamp_seconds", "When the collector last refreshed without an error, in Unix time.", "collector"),
		account: newAccountDescs(env),
		signals: newSignals(env),
	}
	env.Client, env.assigned, env.departed = client, new(assignedBrokers), s.forget
	for _, m := range members {
		if err := s.add(env, m); err != nil {
			s.Close()
			return nil, fmt.Errorf("make collector %q of cluster %q: %w", m.Name, env.Cluster, err)
		}
	}
	return s, nil
}

func (s *Set) add(env Env, m Member) error {
	settings, ok := m.Settings.(Settings)
	if !ok {
		return fmt.Errorf("settings of type %T are not a collector's", m.Settings)
	}
	schedule := settings.Schedule()
	if schedule.Interval <= 0 {
		return errors.New("the interval must be above 0")
	}
	if schedule.Budget <= 0 {
		schedule.Budget = schedule.Interval
	}
	env.Log = env.Log.With("kafka_cluster", env.Cluster, "listener", env.Listener, "collector", m.Name)
	env.Account = newAccount(env.Log, s.signals)
	source, err := settings.New(env)
	if err != nil {
		return err
	}
	s.members = append(s.members, &member{name: m.Name, source: source, schedule: schedule, log: env.Log, account: env.Account})
	return nil
}

// forget ends the series of a broker in the accounts of all collectors.
func (s *Set) forget(broker int32) {
	for _, m := range s.members {
		m.account.forget(broker)
	}
}

// Start begins refreshing, until ctx ends or Close is called. Only the first
// call counts.
func (s *Set) Start(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.stop != nil {
		return
	}
	ctx, s.stop = context.WithCancel(ctx)
	for _, m := range s.members {
		s.wg.Go(func() { m.run(ctx) })
	}
}

// Close stops refreshing, waits until the refreshes under way have given up, and
// closes connections. The last snapshots stay until they are too old.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if s.stop != nil {
		s.stop()
	}
	s.wg.Wait()
	for _, m := range s.members {
		m.source.Close()
	}
	s.client.Close()
}

// Describe sends a Desc of every series that the Set may have.
func (s *Set) Describe(ch chan<- *prometheus.Desc) {
	s.describeOwn(ch)
	for _, m := range s.members {
		m.source.Describe(ch)
	}
}

func (s *Set) describeOwn(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.success, s.took, s.lastOK, s.signals.available} {
		ch <- d
	}
	s.account.describe(ch)
}

// Gather implements prometheus.Gatherer: it hands on what the refreshes made, and talks to nobody. What it
// returns is not to be changed.
func (s *Set) Gather() ([]*dto.MetricFamily, error) {
	var errs prometheus.MultiError
	var all []*dto.MetricFamily
	var own []prometheus.Metric
	now := time.Now()
	for _, m := range s.members {
		v := m.view(now)
		all = append(append(all, v.counters...), v.state...)
		errs.Append(v.wrong)
		own = append(own, m.account.metrics(s.account, m.name)...)
		if v.refreshed {
			own = append(own,
				constMetric(s.success, prometheus.GaugeValue, boolFloat(v.success), []string{m.name}),
				constMetric(s.took, prometheus.GaugeValue, v.took.Seconds(), []string{m.name}))
		}
		if !v.lastOK.IsZero() {
			own = append(own, constMetric(s.lastOK, prometheus.GaugeValue, float64(v.lastOK.UnixMilli())/1e3, []string{m.name}))
		}
	}
	families, err := gather(s.describeOwn, append(own, s.signals.metrics()...))
	errs.Append(err)
	return merge(append(all, families...)), errs.MaybeUnwrap()
}

func boolFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
