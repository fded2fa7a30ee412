package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
// exports what they last learnt. Register it once; Collect takes no longer than
// copying. Safe for concurrent use.
type Set struct {
	client  *kgo.Client
	members []*member
	success *prometheus.Desc
	took    *prometheus.Desc
	lastOK  *prometheus.Desc
	account accountDescs

	mu     sync.Mutex
	stop   context.CancelFunc // nil until Start
	closed bool
	wg     sync.WaitGroup
}

var _ prometheus.Collector = (*Set)(nil)

// NewSet makes the collectors without starting them; it does no I/O. What env
// lacks is made here. Close the set also when it was never started.
func NewSet(env Env, members []Member) (*Set, error) {
	client, err := env.Factory.Client("collector", kgo.RequestTimeoutOverhead(adminOverhead))
	if err != nil {
		return nil, err
	}
	env.Client, env.assigned = client, new(assignedBrokers)
	s := &Set{
		client:  client,
		success: env.Desc("collector_success", "Whether the collector's last refresh went well and is not older than three intervals.", "collector"),
		took:    env.Desc("collector_duration_seconds", "How long the collector's last refresh took.", "collector"),
		lastOK:  env.Desc("collector_last_success_timestamp_seconds", "When the collector last refreshed without an error, in Unix time.", "collector"),
		account: newAccountDescs(env),
	}
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
	env.Account = newAccount(env.Log)
	source, err := settings.New(env)
	if err != nil {
		return err
	}
	s.members = append(s.members, &member{name: m.Name, source: source, schedule: schedule, log: env.Log, account: env.Account})
	return nil
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

// Describe implements prometheus.Collector.
func (s *Set) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.success, s.took, s.lastOK} {
		ch <- d
	}
	s.account.describe(ch)
	for _, m := range s.members {
		m.source.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (s *Set) Collect(ch chan<- prometheus.Metric) {
	for _, m := range s.members {
		v := m.view(time.Now())
		for _, metric := range v.counters {
			ch <- metric
		}
		for _, metric := range v.state {
			ch <- metric
		}
		m.account.collect(ch, s.account, m.name)
		if v.refreshed {
			ch <- constMetric(s.success, prometheus.GaugeValue, boolFloat(v.success), []string{m.name})
			ch <- constMetric(s.took, prometheus.GaugeValue, v.took.Seconds(), []string{m.name})
		}
		if !v.lastOK.IsZero() {
			ch <- constMetric(s.lastOK, prometheus.GaugeValue, float64(v.lastOK.UnixMilli())/1e3, []string{m.name})
		}
	}
}

func boolFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
