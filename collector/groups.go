package collector

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// GroupsSettings are the settings of the collector "groups".
type GroupsSettings struct {
	Interval      kind.Duration `yaml:"interval" help:"how often groups and log ends are asked for; also what lag in seconds is exact to"`
	IncludeGroups string        `yaml:"include_groups" help:"RE2 pattern that the whole id of a group matches to get series"`
	ExcludeGroups string        `yaml:"exclude_groups" help:"RE2 pattern that the whole id of a group matches to get none, whatever include_groups says"`
	TopicFilter   `yaml:",inline"`
	Partitions    bool             `yaml:"partitions" help:"whether committed offset and lag are also exported by partition"`
	History       kind.Duration    `yaml:"history" help:"how long log ends are remembered: a lag that is longer is only known to be at least that"`
	ExactLag      ExactLagSettings `yaml:"exact_lag" help:"lag in seconds from the timestamps of records, off by default"`
}

const groupsMinInterval = kind.Duration(5 * time.Second)

func init() {
	Kinds.Register(kind.Kind{
		Name:    "groups",
		Help:    "Committed offsets, lag in records and seconds, state and members of consumer and share groups.",
		Default: true,
		New: func() kind.Settings {
			return &GroupsSettings{
				Interval:      kind.Duration(30 * time.Second),
				IncludeGroups: ".*",
				ExcludeGroups: "console-consumer-.*",
				TopicFilter:   defaultTopicFilter(),
				History:       kind.Duration(time.Hour),
				ExactLag:      defaultExactLag(),
			}
		},
	})
}

var (
	_ Settings   = (*GroupsSettings)(nil)
	_ WithRights = (*GroupsSettings)(nil)
)

// Validate implements kind.Settings.
func (s *GroupsSettings) Validate() error {
	var errs []error
	if s.Interval < groupsMinInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s", groupsMinInterval, s.Interval))
	}
	if s.History < s.Interval {
		errs = append(errs, kind.Errorf("history", "must be at least the interval of %s, is %s", s.Interval, s.History))
	}
	_, err1 := wholePattern("include_groups", s.IncludeGroups)
	_, err2 := wholePattern("exclude_groups", s.ExcludeGroups)
	errs = append(errs, err1, err2, s.TopicFilter.Validate(), kind.Nest("exact_lag", s.ExactLag.validate()))
	return errors.Join(errs...)
}

// Schedule implements Settings.
func (s *GroupsSettings) Schedule() Schedule { return Schedule{Interval: time.Duration(s.Interval)} }

// Rights implements WithRights.
func (s *GroupsSettings) Rights() []kind.Right {
	rights := []kind.Right{rightDescribeGroups, rightTopics}
	if s.ExactLag.Groups != "" {
		rights = append(rights, rightReadTimestamps)
	}
	return rights
}

// New implements Settings.
func (s *GroupsSettings) New(env Env) (Source, error) {
	topics, err1 := s.compile()
	include, err2 := wholePattern("include_groups", s.IncludeGroups)
	exclude, err3 := wholePattern("exclude_groups", s.ExcludeGroups)
	exact, err4 := newTimestamps(env, s.ExactLag)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	return &groups{
		settings: *s, topics: topics, include: include, exclude: exclude,
		client: env.Client, account: env.Account, descs: newGroupDescs(env),
		history: newEndHistory(time.Now(), time.Duration(s.History)),
		moves:   make(map[string]*groupMoves), exact: exact,
	}, nil
}

// groups follows the groups of a cluster. All of it belongs to Refresh.
type groups struct {
	settings         GroupsSettings
	topics           topicMatcher
	include, exclude *regexp.Regexp
	client           *kgo.Client
	account          *Account
	given            *grants // in this refresh
	descs            groupDescs

	history *endHistory
	moves   map[string]*groupMoves // by group id
	exact   *timestamps            // nil if no group asks for them
}

// group is one group in one refresh.
type group struct {
	id          string
	kind        string // as Kafka names the type: classic, consumer, share, streams
	state       string // as Kafka names it; stateUnknown if nobody said
	coordinator int32

	described bool // whether members is known
	members   int
	idle      int // members without a partition; -1 where the group's protocol does not say

	fetched bool // whether commits holds all that the group committed
	commits []commit
}

// commit is a committed offset, or the start offset of a share group.
type commit struct {
	topic     string
	partition int32
	offset    int64
	lag       int64 // as the broker works it out, for share groups; -1 otherwise
}

// Types and states of groups, as Kafka names them.
const (
	typeClassic  = "classic"
	typeConsumer = "consumer"
	typeShare    = "share"
	typeStreams  = "streams"
	stateUnknown = "Unknown"
	stateEmpty   = "Empty"
)

// Describe implements Source.
func (g *groups) Describe(ch chan<- *prometheus.Desc) { g.descs.describe(ch) }

// Close implements Source.
func (g *groups) Close() {}

// Refresh implements Source. Commits are asked for before log ends, so that a
// group which keeps up has no negative lag.
func (g *groups) Refresh(ctx context.Context) (*Snapshot, error) {
	l, err := askLeadership(ctx, g.client, g.account, func(t topic) bool { return !t.internal && g.topics.match(t.name) })
	if err != nil {
		return nil, err
	}
	all, complete := g.ask(ctx, l)
	if !complete {
		all = append(all, g.unseen(all)...)
	}
	ends := g.askEnds(ctx, l, all)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	now := time.Now()
	g.watch(l, all, complete, now)
	lags := g.lags(ctx, l, all, ends, now)
	return g.snapshot(all, lags, now), nil
}

// askEnds asks for the log ends of the partitions with a commit, as a consumer
// sees them, one request per leader, and remembers them.
func (g *groups) askEnds(ctx context.Context, l *leadership, all []*group) *endOffsets {
	committed := make(map[string]map[int32]bool)
	for _, group := range all {
		for _, c := range group.commits {
			if committed[c.topic] == nil {
				committed[c.topic] = make(map[int32]bool)
			}
			committed[c.topic][c.partition] = true
		}
	}
	wanted := make(map[int32][]led)
	for leader, leads := range l.leads {
		for _, led := range leads {
			if with := led.only(committed[led.topic]); len(with.partitions) > 0 {
				wanted[leader] = append(wanted[leader], with)
			}
		}
	}
	ends := newEndOffsets()
	eachBroker(keys(wanted), func(id int32) {
		o, err := askInTime(ctx, func(ctx context.Context) (offsets, error) {
			return listOffsets(ctx, g.client, id, wanted[id], atLogEnd, asConsumer)
		})
		if err != nil {
			g.account.Failed(id, err)
			return
		}
		for _, refusal := range o.refusals {
			g.account.Failed(id, refusal)
		}
		ends.add(wanted[id], o)
	})
	g.remember(l, ends, time.Now())
	return ends
}

// remember notes where log ends stand.
func (g *groups) remember(l *leadership, ends *endOffsets, now time.Time) {
	for topic := range ends.ends {
		g.history.identify(topic, l.topics[topic].id)
	}
	ends.each(func(topic string, partition int32, end int64) {
		if fell := g.history.add(topic, partition, end, ends.at); fell {
			g.doubt(topic, partition)
		}
	})
	g.history.sweep(func(topic string) bool { _, ok := l.topics[topic]; return ok }, now)
}
