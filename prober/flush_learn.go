package prober

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/flush"
)

const (
	learnInterval  = 2 * time.Second  // between two looks at what has to be asked
	logDirInterval = 5 * time.Minute  // between two questions for one broker's log dir: replicas seldom move
	leaderInterval = 30 * time.Second // between two questions for the leaders of topics with thresholds
	learnTimeout   = 5 * time.Second  // for one answer
)

// unknownLogDir is the log dir of a broker that does not say.
const unknownLogDir = "unknown"

// logDirKey is a partition of the flushed topic on a broker.
type logDirKey struct{ broker, partition int32 }

// logDir is where that is, and when it was asked.
type logDir struct {
	path  string
	asked time.Time
}

// learn asks for what the topics' keepers don't: log dirs and the leaders of configured topics. Failures are
// tried again; what was known stays.
func (p *flushProbe) learn(ctx context.Context) {
	var lead time.Time
	for ctx.Err() == nil {
		var wait sync.WaitGroup
		for _, key := range p.unasked() {
			wait.Go(func() { p.learnLogDir(ctx, key) })
		}
		wait.Wait()
		if len(p.settings.Thresholds.Topics) > 0 && time.Since(lead) >= leaderInterval && p.learnLeaders(ctx) {
			lead = time.Now()
		}
		pause(ctx, learnInterval)
	}
}

// unasked returns the partitions whose log dir is to be asked for.
func (p *flushProbe) unasked() (keys []logDirKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for broker, to := range p.targets {
		key := logDirKey{broker, to.flushed}
		if dir, asked := p.dirs[key]; to.flushed >= 0 && (!asked || time.Since(dir.asked) >= logDirInterval) {
			keys = append(keys, key)
		}
	}
	return keys
}

// learnLogDir asks a broker in which of its log dirs a partition is.
func (p *flushProbe) learnLogDir(ctx context.Context, key logDirKey) {
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	req := kmsg.NewPtrDescribeLogDirsRequest()
	topic := kmsg.NewDescribeLogDirsRequestTopic()
	topic.Topic, topic.Partitions = p.settings.Topic, []int32{key.partition}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, p.admin.Broker(int(key.broker)))
	if err != nil && reasonOf(err) != kerr.UnsupportedVersion.Message {
		p.log.Debug("log dir not learnt", "broker", key.broker, "err", err)
		return
	}
	dir := logDir{path: unknownLogDir, asked: time.Now()} // older brokers refuse by an empty answer
	if err == nil {
		dir.path = pathOf(resp, dir.path)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirs[key] = dir
}

// pathOf returns the log dir of an answer about one partition that is in use, or otherwise.
func pathOf(resp *kmsg.DescribeLogDirsResponse, otherwise string) string {
	for _, d := range resp.Dirs {
		for _, t := range d.Topics {
			for _, part := range t.Partitions {
				if !part.IsFuture {
					return d.Dir
				}
			}
		}
	}
	return otherwise
}

// learnLeaders asks who leads the topics that have thresholds of their own.
func (p *flushProbe) learnLeaders(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, learnTimeout)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	for _, name := range slices.Sorted(maps.Keys(p.settings.Thresholds.Topics)) {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, p.admin)
	if err != nil {
		p.log.Debug("leaders not learnt", "err", err)
		return false
	}
	leaders := map[string][]int32{}
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			p.log.Warn("topic with a log flush threshold can't be looked at", "topic", *t.Topic, "err", err)
			continue
		}
		for _, part := range t.Partitions {
			if part.Leader >= 0 && !slices.Contains(leaders[*t.Topic], part.Leader) {
				leaders[*t.Topic] = append(leaders[*t.Topic], part.Leader)
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaders = leaders
	return true
}

// of returns the thresholds that hold: the default's for each of the brokers, and a topic's for its leaders.
func (t *FlushThresholds) of(brokers []int32, leaders map[string][]int32) []flush.Threshold {
	var all []flush.Threshold
	add := func(broker int32, topic string, l Limits) {
		for _, limit := range []struct {
			severity string
			value    kind.Duration
		}{{"warning", l.Warning}, {"critical", l.Critical}} {
			if limit.value > 0 {
				all = append(all, flush.Threshold{Broker: broker, Topic: topic, Severity: limit.severity, Value: time.Duration(limit.value)})
			}
		}
	}
	for _, broker := range brokers {
		add(broker, flush.AnyTopic, t.LogFlush)
	}
	for topic, limits := range t.Topics {
		for _, broker := range leaders[topic] {
			add(broker, topic, limits)
		}
	}
	slices.SortFunc(all, func(a, b flush.Threshold) int {
		return cmp.Or(cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Severity, b.Severity))
	})
	return all
}
