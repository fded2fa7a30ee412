package collector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// TrafficSettings are the settings of the collector "traffic".
type TrafficSettings struct {
	Interval    kind.Duration `yaml:"interval" help:"how often log offsets and sizes are asked for; also the window of message_size_bytes"`
	TopicFilter `yaml:",inline"`
	RecordSizes RecordSizesSettings `yaml:"record_sizes" help:"sampled sizes of single records, off by default"`
}

const trafficMinInterval = kind.Duration(5 * time.Second)

// trafficSeries is how many series a topic has without record_sizes.
const trafficSeries = 5

func init() {
	Kinds.Register(kind.Kind{
		Name:    "traffic",
		Help:    "Records and bytes that topics and their leaders take in, and the size of messages, from the growth of the logs.",
		Default: true,
		New: func() kind.Settings {
			return &TrafficSettings{
				Interval:    kind.Duration(30 * time.Second),
				TopicFilter: defaultTopicFilter(),
				RecordSizes: defaultRecordSizes(),
			}
		},
	})
}

var (
	_ Settings   = (*TrafficSettings)(nil)
	_ WithRights = (*TrafficSettings)(nil)
)

// Validate implements kind.Settings.
func (s *TrafficSettings) Validate() error {
	var errs []error
	if s.Interval < trafficMinInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s", trafficMinInterval, s.Interval))
	}
	errs = append(errs, s.TopicFilter.Validate(), kind.Nest("record_sizes", s.RecordSizes.validate()))
	return errors.Join(errs...)
}

// Schedule implements Settings.
func (s *TrafficSettings) Schedule() Schedule { return Schedule{Interval: time.Duration(s.Interval)} }

// Rights implements WithRights.
func (s *TrafficSettings) Rights() []kind.Right {
	rights := []kind.Right{rightTopics, rightLogDirSizes, rightCleanupPolicy}
	if s.RecordSizes.Topics != "" {
		rights = append(rights, rightReadSamples)
	}
	return rights
}

// New implements Settings. The client is the collector's own: on a shared
// connection the requests of others would wait until a broker has gone over its
// logs, and so would the log ends that are asked around that.
func (s *TrafficSettings) New(env Env) (Source, error) {
	match, err := s.compile()
	if err != nil {
		return nil, err
	}
	if env.Client, err = env.Factory.Client("traffic", kgo.RequestTimeoutOverhead(answerTimeout)); err != nil {
		return nil, err
	}
	sampler, err := newSampler(env, s.RecordSizes)
	if err != nil {
		env.Client.Close()
		return nil, err
	}
	return &traffic{
		settings: *s, match: match, client: env.Client, account: env.Account, sampler: sampler,
		descs:     newTrafficDescs(env),
		epoch:     time.Now(),
		topics:    make(map[string]*topicTraffic),
		brokers:   make(map[int32]*brokerTraffic),
		compacted: newCleanupPolicies(env),
	}, nil
}

// traffic follows the logs of all partitions through their leaders. All of it
// belongs to Refresh.
type traffic struct {
	settings  TrafficSettings
	match     topicMatcher
	client    *kgo.Client
	account   *Account
	descs     trafficDescs
	sampler   *sampler // nil if no topic is sampled
	compacted *cleanupPolicies

	epoch   time.Time // monotonic; readings of logs count from here
	topics  map[string]*topicTraffic
	brokers map[int32]*brokerTraffic

	sizedLast int32 // broker last asked for sizes, so that one that is never reached in time is the first of the next refresh
}

// topicTraffic is what is known of one topic.
type topicTraffic struct {
	id         [16]byte
	partitions []partitionTraffic
	messages   float64 // since this process started
	bytes      float64 // since this process started
	priced     bool    // whether bytes counts anything: the size of its records is known

	mean    float64 // bytes per record when last measured, 0 before
	records float64 // measured in this refresh
	size    float64 // bytes of those
}

// partitionTraffic is what is known of one partition.
type partitionTraffic struct {
	end    int64 // last known log end offset
	has    bool  // whether end is known
	fresh  bool  // whether end and start are of this refresh
	start  int64 // log start offset
	growth logGrowth
}

// brokerTraffic is what the partitions that a broker led took in.
type brokerTraffic struct {
	messages, bytes ledCount
	sized           bool // whether bytes counts anything: a log's size was told that tells what its records take
}

// ledCount is one count of a broker.
type ledCount struct {
	total    float64 // since this process started
	window   float64 // in this refresh
	complete bool    // whether all of its partitions are in that
	windows  int     // complete ones in a row
}

func (c *ledCount) begin(complete bool) { c.window, c.complete = 0, complete }

func (c *ledCount) add(n float64) { c.total, c.window = c.total+n, c.window+n }

func (c *ledCount) end() {
	if c.windows++; !c.complete {
		c.windows = 0
	}
}

// Describe implements Source.
func (t *traffic) Describe(ch chan<- *prometheus.Desc) {
	t.descs.describe(ch)
	if t.sampler != nil {
		t.sampler.describe(ch)
	}
}

// Close implements Source.
func (t *traffic) Close() { t.client.Close() }

// Refresh implements Source. What one broker does not answer is missing, and
// caught up with when it answers again; so are the sizes of brokers that there
// was no time to ask.
func (t *traffic) Refresh(ctx context.Context) (*Snapshot, error) {
	l, err := askLeadership(ctx, t.client, t.account, func(topic topic) bool {
		return !topic.internal && t.match.match(topic.name)
	})
	if err != nil {
		return nil, err
	}
	t.begin(l)
	measurable := t.compacted.refresh(ctx, l) // before what may take all the time there is
	answers, err := t.ask(ctx, l)
	for id, a := range answers {
		t.takeEnds(id, a)
		t.takeSizes(id, a, measurable)
	}
	for _, topic := range t.topics {
		topic.price()
	}
	if t.sampler != nil {
		t.sampler.refresh(ctx, l, t.topics)
	}
	return t.snapshot(l), err
}

// begin makes the topics and brokers those of the cluster: topics that are gone,
// or are others of the same name, end.
func (t *traffic) begin(l *leadership) {
	for name, topic := range t.topics {
		if shape, ok := l.topics[name]; !ok || shape.id != topic.id {
			delete(t.topics, name)
			switch {
			case t.sampler == nil:
			case ok:
				t.sampler.restart(name)
			default:
				t.sampler.forget(name)
			}
		}
	}
	for name, shape := range l.topics {
		topic, ok := t.topics[name]
		if !ok {
			topic = &topicTraffic{id: shape.id}
			t.topics[name] = topic
		}
		if more := shape.partitions - len(topic.partitions); more > 0 { // as large as need be: there may be 100,000
			topic.partitions = slices.Grow(topic.partitions, more)[:shape.partitions]
		}
		for i := range topic.partitions {
			topic.partitions[i].fresh = false
		}
		topic.records, topic.size = 0, 0
	}
	for _, id := range l.brokers {
		if t.brokers[id] == nil {
			t.brokers[id] = new(brokerTraffic)
		}
	}
	maps.DeleteFunc(t.brokers, func(id int32, _ *brokerTraffic) bool { return l.gone(id) })
	for id, b := range t.brokers {
		none := len(l.leads[id]) == 0 // otherwise it has to answer first
		b.messages.begin(none)
		b.bytes.begin(none)
	}
}
