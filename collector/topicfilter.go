package collector

import (
	"errors"
	"regexp"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// TopicFilter are the settings by which a collector chooses the topics that get series of their own.
// Embed it with `yaml:",inline"`.
type TopicFilter struct {
	IncludeTopics string `yaml:"include_topics" help:"RE2 pattern that the whole name of a topic matches to get series of its own"`
	ExcludeTopics string `yaml:"exclude_topics" help:"RE2 pattern that the whole name of a topic matches to get none, whatever include_topics says"`
	MaxSeries     int    `yaml:"max_series" help:"most series that the collector exports, those of the cluster and its brokers first; what is left out counts in series_dropped_total"`
}

// defaultTopicFilter lets every topic pass.
func defaultTopicFilter() TopicFilter { return TopicFilter{IncludeTopics: ".*", MaxSeries: 20_000} }

// Validate reports what is wrong with the settings.
func (f *TopicFilter) Validate() error {
	_, err := f.compile()
	if f.MaxSeries < 1 {
		err = errors.Join(err, kind.Errorf("max_series", "must be at least 1, is %d", f.MaxSeries))
	}
	return err
}

// detailTopicFilter lets every topic pass but the prober's own: how large those are and how they are set is
// a dozen series each that nobody asks for. Sums over brokers and clusters hold them all the same.
func detailTopicFilter() TopicFilter {
	f := defaultTopicFilter()
	f.ExcludeTopics = "kafka-prober-.*-internal"
	return f
}

// topicMatcher is a compiled TopicFilter. Safe for concurrent use.
type topicMatcher struct{ include, exclude *regexp.Regexp }

func (f *TopicFilter) compile() (topicMatcher, error) {
	include, err1 := wholePattern("include_topics", f.IncludeTopics)
	exclude, err2 := wholePattern("exclude_topics", f.ExcludeTopics)
	return topicMatcher{include, exclude}, errors.Join(err1, err2)
}

// wholePattern compiles a pattern that a whole name has to match. An empty one matches no name.
func wholePattern(key, pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil { // as written, so that the message shows it as written
		return nil, kind.Errorf(key, "%v: write an RE2 pattern such as orders-.*", err)
	}
	return regexp.MustCompile(`^(?:` + pattern + `)$`), nil
}

// match tells whether the topic gets series of its own.
func (m topicMatcher) match(topic string) bool {
	return m.include.MatchString(topic) && !m.exclude.MatchString(topic)
}
