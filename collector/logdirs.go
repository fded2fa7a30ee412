package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// LogDirsSettings are the settings of the collector "logdirs".
type LogDirsSettings struct {
	Interval kind.Duration `yaml:"interval" help:"how often every broker is asked for the sizes of its logs"`
	Timeout  kind.Duration `yaml:"timeout" help:"how long one broker may take to add them up; at most half the interval"`

	TopicFilter `yaml:",inline"`
}

const (
	logDirsMinInterval = kind.Duration(5 * time.Second)
	logDirsMinTimeout  = kind.Duration(100 * time.Millisecond)
)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "logdirs",
		Help:    "What the logs take on the brokers' disks, how much room is left, and log directories that are offline.",
		Default: true,
		New: func() kind.Settings {
			return &LogDirsSettings{
				Interval:    kind.Duration(time.Minute),
				Timeout:     kind.Duration(10 * time.Second),
				TopicFilter: detailTopicFilter(),
			}
		},
	})
}

var (
	_ Settings   = (*LogDirsSettings)(nil)
	_ WithRights = (*LogDirsSettings)(nil)
	_ Source     = (*logDirs)(nil)
)

// Validate implements kind.Settings.
func (s *LogDirsSettings) Validate() error {
	errs := checkTimes(s.Interval, logDirsMinInterval, s.Timeout, logDirsMinTimeout)
	return errors.Join(append(errs, s.TopicFilter.Validate())...)
}

// Schedule implements Settings. The brokers are asked one after the other, so a large cluster, or one
// with several frozen brokers, may take longer than an interval.
func (s *LogDirsSettings) Schedule() Schedule {
	return Schedule{Interval: time.Duration(s.Interval), Budget: 2 * time.Duration(s.Interval)}
}

var rightLogDirs = describeCluster("see the log directories of the brokers")

// signalLogDirs is the label of signal_available.
const signalLogDirs = "log_dirs"

// Rights implements WithRights.
func (s *LogDirsSettings) Rights() []kind.Right { return []kind.Right{rightTopics, rightLogDirs} }

// New implements Settings. The client is the collector's own: on a shared connection the requests of
// others would wait until a broker has gone over all its logs.
func (s *LogDirsSettings) New(env Env) (Source, error) {
	topics, err := s.compile()
	if err != nil {
		return nil, err
	}
	client, err := env.Factory.Client("logdirs", kgo.RequestTimeoutOverhead(time.Duration(s.Timeout)))
	if err != nil {
		return nil, err
	}
	return &logDirs{
		settings: *s, topics: topics, client: client, account: env.Account,
		bytes:   env.Desc("log_dir_bytes", "Bytes of the topic's replicas in the log directory, copies on their way to another directory included; internal topics are left out.", "broker", "log_dir", "topic"),
		used:    env.Desc("log_dir_used_bytes", "Bytes of all replicas in the log directory, internal topics included.", "broker", "log_dir"),
		total:   env.Desc("log_dir_total_bytes", "Size of the file system that the log directory is on (Kafka 3.3 and later).", "broker", "log_dir"),
		usable:  env.Desc("log_dir_usable_bytes", "Bytes that are free on the log directory's file system (Kafka 3.3 and later).", "broker", "log_dir"),
		offline: env.Desc("log_dir_offline", "Whether the broker has taken the log directory offline after a storage error.", "broker", "log_dir"),
	}, nil
}

// logDirs adds up what the replicas take on disk.
//
// Budget: adding up is work for a broker, so one at a time, each in a request and an answer of about
// 22 bytes a replica: 100,000 partitions of RF 3 on 100 brokers are 100 answers of 66 kB, 0.2 MB of heap
// while each is decoded. Kept is one sum a topic and directory, 60 bytes each: with 1,000 topics on each
// of 100 brokers 6 MB, of which max_series become series, the largest.
type logDirs struct {
	settings LogDirsSettings
	topics   topicMatcher
	client   *kgo.Client
	account  *Account

	bytes, used, total, usable, offline *prometheus.Desc

	last int32 // broker asked last, so that one that is never reached in time is the first of the next refresh
}

// Describe implements Source.
func (l *logDirs) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.bytes, l.used, l.total, l.usable, l.offline} {
		ch <- d
	}
}

// Close implements Source.
func (l *logDirs) Close() { l.client.Close() }

// topicBytes is what a topic takes in one log directory.
type topicBytes struct {
	broker, dir, topic string
	bytes              int64
}

// Refresh implements Source. A broker that does not answer has no series, the others do.
func (l *logDirs) Refresh(ctx context.Context) (*Snapshot, error) {
	view, err := askCluster(ctx, l.client)
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	internal, err := l.internalTopics(ctx, view)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	s, failed := newSnapshot(l.settings.MaxSeries), 0
	var sums []topicBytes
	for _, id := range l.turn(view) {
		l.last = id
		resp, err := l.ask(ctx, id)
		switch {
		case withheld(err): // by the others too
			l.account.Unavailable(signalLogDirs, rightLogDirs, err)
			return new(Snapshot), nil
		case err != nil:
			l.account.Failed(id, fmt.Errorf("describe log directories: %w", err))
			failed++
			if ctx.Err() != nil {
				return l.finish(s, sums), fmt.Errorf("describe log directories: out of time at broker %d: %w", id, ctx.Err())
			}
			continue
		}
		l.account.Available(signalLogDirs)
		sums = append(sums, l.add(s, id, resp, internal)...)
	}
	if failed == len(view.brokers) {
		return nil, errors.New("no broker described its log directories: collector_partial_errors_total has the reasons")
	}
	return l.finish(s, sums), nil
}

// internalTopics asks for the topics that are Kafka's own.
func (l *logDirs) internalTopics(ctx context.Context, view clusterView) (map[string]bool, error) {
	broker, err := view.awake(ctx, l.client)
	if err != nil {
		return nil, err
	}
	internal := make(map[string]bool)
	return internal, eachTopic(ctx, broker, l.account, func(t topic) {
		if t.internal {
			internal[t.name] = true
		}
	})
}

// turn returns the brokers in the order to ask them: after the one asked last.
func (l *logDirs) turn(view clusterView) []int32 {
	ids := view.ids()
	slices.Sort(ids)
	i, found := slices.BinarySearch(ids, l.last)
	if found {
		i++
	}
	return slices.Concat(ids[i:], ids[:i])
}

// ask asks one broker for all its logs.
func (l *logDirs) ask(ctx context.Context, id int32) (*kmsg.DescribeLogDirsResponse, error) {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.Topics = nil // all
	resp, err := request[*kmsg.DescribeLogDirsResponse](ctx, l.client.Broker(int(id)), req, time.Duration(l.settings.Timeout))
	switch {
	case err != nil:
		return nil, err
	case resp.ErrorCode != 0:
		return nil, kerr.ErrorForCode(resp.ErrorCode)
	case len(resp.Dirs) == 0 && resp.Version < 3: // how older brokers refuse
		return nil, kerr.ClusterAuthorizationFailed
	}
	return resp, nil
}

// add adds the series of a broker's directories and returns its topics' sums.
func (l *logDirs) add(s *Snapshot, id int32, resp *kmsg.DescribeLogDirsResponse, internal map[string]bool) (sums []topicBytes) {
	broker := strconv.Itoa(int(id))
	for i := range resp.Dirs {
		dir := &resp.Dirs[i]
		offline := dir.ErrorCode == kerr.KafkaStorageError.Code
		if err := kerr.ErrorForCode(dir.ErrorCode); err != nil && !offline {
			l.account.Failed(id, fmt.Errorf("describe log directory %q: %w", dir.Dir, err))
			continue
		}
		s.Gauge(l.offline, boolFloat(offline), broker, dir.Dir)
		if offline {
			continue // nothing is known of what is on it
		}
		var used int64
		for j := range dir.Topics {
			t := &dir.Topics[j]
			sum := topicBytes{broker: broker, dir: dir.Dir, topic: t.Topic}
			for _, p := range t.Partitions {
				sum.bytes += p.Size
			}
			used += sum.bytes
			if !internal[t.Topic] && l.topics.match(t.Topic) {
				sums = append(sums, sum)
			}
		}
		s.Gauge(l.used, float64(used), broker, dir.Dir)
		if resp.Version >= 4 && dir.TotalBytes >= 0 { // -1: the broker could not find out
			s.Gauge(l.total, float64(dir.TotalBytes), broker, dir.Dir)
			s.Gauge(l.usable, float64(dir.UsableBytes), broker, dir.Dir)
		}
	}
	return sums
}

// finish adds the series by topic, the largest where the cap cuts.
func (l *logDirs) finish(s *Snapshot, sums []topicBytes) *Snapshot {
	if s.series+len(sums) > s.limit {
		slices.SortFunc(sums, func(a, b topicBytes) int { return cmp.Compare(b.bytes, a.bytes) })
	}
	for _, t := range sums {
		s.Gauge(l.bytes, float64(t.bytes), t.broker, t.dir, t.topic)
	}
	return s
}
