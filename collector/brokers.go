package collector

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// BrokersSettings are the settings of the collector "brokers".
type BrokersSettings struct {
	Interval    kind.Duration `yaml:"interval" help:"how often every broker is asked whether it answers"`
	Timeout     kind.Duration `yaml:"timeout" help:"time without an answer after which a broker counts as down; at most half the interval"`
	ForgetAfter kind.Duration `yaml:"forget_after" help:"how long a broker that the cluster no longer lists goes on as down; Kafka 4 says itself which brokers are registered, and there those that were unregistered go at once"`
}

// Bounds of the settings: more often than this is load, not information.
const (
	brokersMinInterval = kind.Duration(time.Second)
	brokersMinTimeout  = kind.Duration(100 * time.Millisecond)
)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "brokers",
		Help:    "Which brokers the cluster has, and whether each answers on a connection of its own.",
		Default: true,
		New: func() kind.Settings {
			return &BrokersSettings{
				Interval:    kind.Duration(5 * time.Second),
				Timeout:     kind.Duration(2 * time.Second),
				ForgetAfter: kind.Duration(24 * time.Hour),
			}
		},
	})
}

var (
	_ Settings   = (*BrokersSettings)(nil)
	_ WithRights = (*BrokersSettings)(nil)
)

// Rights implements WithRights.
func (s *BrokersSettings) Rights() []kind.Right { return []kind.Right{rightController} }

// Validate implements kind.Settings.
func (s *BrokersSettings) Validate() error {
	errs := checkTimes(s.Interval, brokersMinInterval, s.Timeout, brokersMinTimeout)
	if s.ForgetAfter < s.Interval {
		errs = append(errs, kind.Errorf("forget_after", "must be at least the interval of %s, is %s", s.Interval, s.ForgetAfter))
	}
	return errors.Join(errs...)
}

// Schedule implements Settings. Brokers that have just appeared are asked in a
// second round, so a refresh takes up to two timeouts.
func (s *BrokersSettings) Schedule() Schedule {
	return Schedule{Interval: time.Duration(s.Interval)}
}

// New implements Settings. The client is the collector's own: on a shared
// connection a broker that is busy with a long answer would look like a dead one.
func (s *BrokersSettings) New(env Env) (Source, error) {
	client, err := env.Factory.Client("brokers",
		kgo.RequestTimeoutOverhead(time.Duration(s.Timeout)),
		kgo.RequestRetries(2),
		kgo.ConnIdleTimeout(min(max(3*time.Duration(s.Interval), 30*time.Second), 15*time.Minute)), // a kept connection is not dialled each time
	)
	if err != nil {
		return nil, err
	}
	controllers, err := env.Factory.Client("controllers", kgo.RequestTimeoutOverhead(time.Duration(s.Timeout)))
	if err != nil {
		client.Close()
		return nil, err
	}
	return &brokers{
		settings:   *s,
		client:     client,
		log:        env.Log,
		assigned:   env.assigned,
		departed:   env.departed,
		controller: newControllerWatch(env, controllers),
		configured: env.ExpectedBrokers,
		expected:   env.Desc("expected_brokers", "Brokers that the cluster should have, as expected_brokers of the configuration says."),
		up:         env.Desc("broker_up", "Whether the broker is listed by the cluster and answers; 0 also when nobody could be asked.", "broker"),
		info:       env.Desc("broker_info", "Where the broker is, as it advertises itself on this listener, and its Kafka version as the requests that it knows tell, without the patch number.", "broker", "host", "rack", "version"),
		registered: env.Desc("brokers_registered", "Brokers that the controller has registered, fenced ones included; before Kafka 4.0 those listed or assigned a replica."),
		reachable:  env.Desc("brokers_reachable", "Brokers that are up."),
		known:      make(map[int32]*broker),
	}, nil
}

// brokers knows the brokers of a cluster and whether they answer. A broker that
// was ever listed stays known while it is away, so that broker_up can say 0.
type brokers struct {
	settings BrokersSettings
	client   *kgo.Client
	log      *slog.Logger

	assigned   *assignedBrokers
	departed   func(int32)
	controller *controllerWatch
	configured int // brokers that there should be, 0 if the configuration does not say

	up, info, registered, reachable, expected *prometheus.Desc

	versions versions
	known    map[int32]*broker // by node id; belongs to Refresh
}

// broker is one known broker.
type broker struct {
	host    string    // as advertised
	rack    string    // empty if it has none
	version string    // see kafkaVersion; empty before its first answer
	listed  bool      // whether the last metadata named it
	seen    time.Time // when metadata or the controller last named it
	up      bool      // whether it is listed and answered
}

// Describe implements Source.
func (b *brokers) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{b.up, b.info, b.registered, b.reachable, b.expected} {
		ch <- d
	}
	b.controller.describe(ch)
}

// Close implements Source.
func (b *brokers) Close() {
	b.client.Close()
	b.controller.client.Close()
}

// Refresh implements Source. That a broker is down is an answer and no error;
// that nobody says which brokers there are is one, and then the brokers known
// from before are told.
func (b *brokers) Refresh(ctx context.Context) (*Snapshot, error) {
	var (
		members membership
		listErr error
		wg      sync.WaitGroup
	)
	wg.Go(func() { members, listErr = b.list(ctx) })
	answers := b.ask(ctx, b.listed())
	wg.Wait()

	controller := controllerAnswer{err: errNoAnswer}
	if members.view.brokers != nil {
		b.learn(members, time.Now())
		next := b.promising(members.view)
		wg.Go(func() { controller = b.controller.ask(ctx, members.view, next, time.Duration(b.settings.Timeout)) })
		maps.Copy(answers, b.ask(ctx, b.unasked(answers)))
		wg.Wait()
	}
	b.judge(answers)
	if len(b.known) == 0 {
		return nil, listErr
	}
	return b.snapshot(members, controller), listErr
}

// brokerAnswer is what one broker said, if anything.
type brokerAnswer struct {
	version string // see kafkaVersion
	err     error
}

// ask asks the brokers, all at the same time.
func (b *brokers) ask(ctx context.Context, ids []int32) map[int32]brokerAnswer {
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		answers = make(map[int32]brokerAnswer, len(ids))
	)
	for _, id := range ids {
		wg.Go(func() {
			answer := b.askOne(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			answers[id] = answer
		})
	}
	wg.Wait()
	return answers
}

// askOne asks whether the broker answers in time. ApiVersions is the cheapest
// request there is, and needs no right. A kept connection that turns out to be
// broken says that the broker was away, not that it is: it is asked once more.
func (b *brokers) askOne(ctx context.Context, id int32) brokerAnswer {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(b.settings.Timeout))
	defer cancel()
	broker := b.client.Broker(int(id))
	resp, err := askVersions(ctx, b.client, broker)
	switch kafka.Reason(err) {
	case kafka.ReasonConnectionClosed, kafka.ReasonConnectionReset:
		resp, err = askVersions(ctx, b.client, broker)
	}
	if err != nil {
		return brokerAnswer{err: err}
	}
	return brokerAnswer{version: b.versions.of(resp)}
}

// listed returns the brokers that the last metadata named.
func (b *brokers) listed() (ids []int32) {
	for id, broker := range b.known {
		if broker.listed {
			ids = append(ids, id)
		}
	}
	return ids
}

// unasked returns the listed brokers that are not among the answers.
func (b *brokers) unasked(answers map[int32]brokerAnswer) (ids []int32) {
	for _, id := range b.listed() {
		if _, asked := answers[id]; !asked {
			ids = append(ids, id)
		}
	}
	return ids
}

// judge decides which brokers are up and logs those that changed.
func (b *brokers) judge(answers map[int32]brokerAnswer) {
	for id, broker := range b.known {
		answer, asked := answers[id]
		err, was := answer.err, broker.up
		broker.up = broker.listed && asked && err == nil
		if broker.up {
			broker.version = answer.version
		}
		switch {
		case was && !broker.listed:
			b.log.Warn("broker left the cluster", "broker", id)
		case was && !broker.up:
			b.log.Warn("broker does not answer", "broker", id, "reason", kafka.Reason(err), "err", err)
		case !was && broker.up:
			b.log.Info("broker answers", "broker", id, "host", broker.host, "rack", broker.rack)
		}
	}
}

// snapshot returns the series of what is known.
func (b *brokers) snapshot(members membership, controller controllerAnswer) *Snapshot {
	s, reachable := new(Snapshot), 0
	for id, broker := range b.known {
		label := strconv.Itoa(int(id))
		s.Gauge(b.up, boolFloat(broker.up), label)
		s.Gauge(b.info, 1, label, broker.host, broker.rack, broker.version)
		if broker.up {
			reachable++
		}
	}
	s.Gauge(b.reachable, float64(reachable))
	if n, known := members.count(b.assigned.get()); known {
		s.Gauge(b.registered, float64(n))
	}
	if b.configured > 0 {
		s.Gauge(b.expected, float64(b.configured))
	}
	b.controller.learn(s, members.view, controller, reachable)
	return s
}
