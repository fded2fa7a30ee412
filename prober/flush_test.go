package prober

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

func defaultFlush(t *testing.T) *FlushSettings {
	t.Helper()
	k, ok := Kinds.Get("flush")
	if !ok || !k.Default {
		t.Fatal("kind flush is not registered, or not on by default")
	}
	return k.New().(*FlushSettings)
}

func TestFlushValidate(t *testing.T) {
	for want, change := range map[string]func(*FlushSettings){
		"": func(*FlushSettings) {},
		"interval: must be at least 10ms, is 1ms: each pair makes a broker and its followers flush": func(s *FlushSettings) { s.Interval = kind.Duration(time.Millisecond) },
		"pause_factor: must be from 0 to 1000000, is -1":                                            func(s *FlushSettings) { s.PauseFactor = -1 },
		"timeout: must be from 1s to 1m, is 100ms":                                                  func(s *FlushSettings) { s.Timeout = kind.Duration(100 * time.Millisecond) },
		`topic: "a b" is not a topic name: 1 to 249 letters, digits, '.', '_' and '-'`:              func(s *FlushSettings) { s.Topic = "a b" },
		`plain_topic: "" is not a topic name: 1 to 249 letters, digits, '.', '_' and '-'`:           func(s *FlushSettings) { s.PlainTopic = "" },
		`plain_topic: must be another topic than "x": flush.messages belongs to a topic`:            func(s *FlushSettings) { s.Topic, s.PlainTopic = "x", "x" },
		"replication_factor: must be a number of brokers, is -1":                                    func(s *FlushSettings) { s.ReplicationFactor = -1 },
		"thresholds.log_flush.critical: must be at most 5s, the largest bound of the classic histogram, is 1m": func(s *FlushSettings) {
			s.Thresholds.LogFlush.Critical = kind.Duration(time.Minute)
		},
		"thresholds.topics.mail.warning: must be at most 5s, the largest bound of the classic histogram, is 1h": func(s *FlushSettings) {
			s.Thresholds.Topics = map[string]Limits{"mail": {Warning: kind.Duration(time.Hour)}}
		},
	} {
		s := defaultFlush(t)
		change(s)
		got := ""
		if err := s.Validate(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("error %q, want %q", got, want)
		}
	}
}

func TestFlushThresholds(t *testing.T) {
	limits := func(warning, critical time.Duration) Limits {
		return Limits{Warning: kind.Duration(warning), Critical: kind.Duration(critical)}
	}
	thresholds := FlushThresholds{
		LogFlush: limits(100*time.Millisecond, 500*time.Millisecond),
		Topics:   map[string]Limits{"raw": limits(50*time.Millisecond, 100*time.Millisecond), "mail": limits(0, 5*time.Second), "gone": limits(time.Second, 0)},
	}
	var got []string
	for _, th := range thresholds.of([]int32{1, 2}, map[string][]int32{"raw": {2}, "mail": {2, 1}}) {
		got = append(got, fmt.Sprint(th.Broker, " ", th.Topic, " ", th.Severity, " ", th.Value))
	}
	want := []string{
		"1 * critical 500ms", "1 * warning 100ms", "1 mail critical 5s",
		"2 * critical 500ms", "2 * warning 100ms", "2 mail critical 5s", "2 raw critical 100ms", "2 raw warning 50ms",
	}
	if !slices.Equal(got, want) {
		t.Errorf("thresholds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFlushRights(t *testing.T) {
	s := defaultFlush(t)
	s.Thresholds.Topics = map[string]Limits{"raw": {}}
	var needed, optional []string
	for _, r := range s.Rights(topics.ModeNone) {
		if r.Optional {
			optional = append(optional, r.String())
		} else {
			needed = append(needed, r.String())
		}
	}
	if want := []string{"Write on Topic kafka-prober-flush-plain-internal", "Describe on Topic kafka-prober-flush-plain-internal"}; !slices.Equal(needed, want) {
		t.Errorf("needed %q, want %q", needed, want)
	}
	want := []string{
		"DescribeConfigs on Topic kafka-prober-flush-plain-internal", "Write on Topic kafka-prober-flush-internal",
		"Describe on Topic kafka-prober-flush-internal", "DescribeConfigs on Topic kafka-prober-flush-internal",
		"Describe on Cluster kafka-cluster", "Describe on Topic raw",
	}
	if !slices.Equal(optional, want) {
		t.Errorf("optional %q, want %q", optional, want)
	}
}

func TestFlushBelief(t *testing.T) {
	seen := func(topic string, changes map[string]string) topics.State {
		config := map[string]topics.Value{}
		settings := map[string]string{"flush.messages": "9223372036854775807", "index.interval.bytes": "4096", "preallocate": "false", "segment.index.bytes": "1"}
		maps.Copy(settings, changes)
		for name, v := range settings {
			config[name] = topics.Value{Value: v}
		}
		return topics.State{At: 1, Observed: topics.Observed{Topic: topic, Exists: true, Config: config}}
	}
	failed := func(err error) topics.State {
		return topics.State{At: 1, Observed: topics.Observed{Topic: "t", Exists: true, ConfigErr: err}}
	}
	plain, flushed := seen("plain", nil), seen("flushed", map[string]string{"flush.messages": "1"})
	refused := topics.State{At: 1, Observed: topics.Observed{Topic: "flushed"}, Plan: topics.Plan{Problems: []topics.Problem{
		{Text: "a hint"}, {Fatal: true, Text: "create_topic of topic flushed refused: POLICY_VIOLATION"}}}}
	for name, test := range map[string]struct {
		plain, flushed topics.State
		want           belief
	}{
		"forced":                       {plain, flushed, belief{believed: 1}},
		"nothing seen yet":             {topics.State{}, topics.State{}, belief{believed: -1}},
		"flushed topic not looked at":  {plain, topics.State{}, belief{believed: -1}},
		"flushed topic not there yet":  {plain, topics.State{At: 1}, belief{believed: -1}},
		"flushed topic can't be made":  {plain, refused, belief{why: "create_topic of topic flushed refused: POLICY_VIOLATION"}},
		"no right to read settings":    {failed(fmt.Errorf("describe: %w", kerr.TopicAuthorizationFailed)), flushed, belief{why: "the settings of topic t can't be read (TOPIC_AUTHORIZATION_FAILED): the prober needs DescribeConfigs on it"}},
		"settings not read this time":  {plain, failed(errors.New("broken")), belief{believed: -1}},
		"set, and read back otherwise": {plain, plain, belief{why: `flush.messages of the flushed topic reads back as "9223372036854775807", not 1: set it, or let the prober make the topic`}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judgeBelief(test.plain, test.flushed); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
