package collector

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// keyMinISR is the topic setting.
const keyMinISR = "min.insync.replicas"

// minISRKept is for how many intervals a value stands in while nobody says another one.
const minISRKept = 10

// minISR is what was learnt of one topic's min.insync.replicas.
type minISR struct {
	topic [16]byte // id of the topic of that name
	asked time.Time
	value int // 0 if the cluster did not say
}

// learnMinISRs judges the topics by their min.insync.replicas, asking for those that are new or were
// asked an interval ago. It seldom changes, so without an answer the last one holds on for a while. Topics
// of which it is not known stay without a judgement.
func (r *replication) learnMinISRs(ctx context.Context, count *replicationCount) error {
	now := time.Now()
	kept := minISRKept * time.Duration(max(r.settings.MinISRInterval, r.settings.Interval))
	known := make(map[string]minISR, len(count.topics)) // without the topics that are gone
	var ask []string
	for i := range count.topics {
		t := &count.topics[i]
		m, ok := r.minISRs[t.name]
		ok = ok && m.topic == t.id
		age := now.Sub(m.asked)
		if ok && age < kept {
			known[t.name] = m
		}
		if !ok || age >= time.Duration(r.settings.MinISRInterval) {
			ask = append(ask, t.name)
		}
	}
	answers := make(map[string]int, len(ask))
	err := r.askMinISRs(ctx, count.moving.via, ask, answers)
	short := false // whether any topic has fewer replicas than that
	for i := range count.topics {
		t := &count.topics[i]
		if value, ok := answers[t.name]; ok {
			known[t.name] = minISR{topic: t.id, asked: now, value: value}
		}
		short = short || t.short(known[t.name].value)
	}
	if short && now.Sub(r.uncapped.asked) >= time.Duration(r.settings.MinISRInterval) {
		r.askUncapped(ctx, count.moving.via, now)
	}
	count.uncapped = r.uncapped.is
	for i := range count.topics {
		t := &count.topics[i]
		if m := known[t.name]; m.value > 0 {
			t.judge(m.value, count.uncapped)
		}
	}
	r.minISRs = known
	return err
}

// producesCapped is the version of Produce that Kafka 3.7 came with, as did that min.insync.replicas is
// capped at the number of replicas (KAFKA-15583).
const producesCapped = 10

// askUncapped asks a broker whether it is older than that. Without an answer the last one holds.
func (r *replication) askUncapped(ctx context.Context, via int32, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.settings.Timeout))
	defer cancel()
	resp, err := askVersions(ctx, r.client, r.client.Broker(int(via)))
	if err != nil {
		r.account.Failed(via, fmt.Errorf("ask for the version: %w", err))
		return
	}
	i := slices.IndexFunc(resp.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == int16(kmsg.Produce) })
	r.uncapped.is, r.uncapped.asked = i >= 0 && resp.ApiKeys[i].MaxVersion < producesCapped, now
}

// askMinISRs fills answers with the topics' min.insync.replicas, 0 where the cluster does not tell it.
func (r *replication) askMinISRs(ctx context.Context, via int32, topics []string, answers map[string]int) error {
	var refusal error
	told := false
	err := eachTopicConfig(ctx, r.client.Broker(int(via)), topics, []string{keyMinISR}, func(topic string, values map[string]string, err error) {
		answers[topic] = 0
		switch {
		case refused(err):
			refusal = err
			return
		case err != nil:
			delete(answers, topic) // ask again
			r.account.Failed(-1, fmt.Errorf("describe configs of topic %q: %w", topic, err))
			return
		}
		if value, err := strconv.Atoi(values[keyMinISR]); err == nil {
			answers[topic], told = value, true
		}
	})
	switch {
	case told:
		r.account.Available(signalMinISR)
	case refusal != nil:
		r.account.Unavailable(signalMinISR, rightMinISR, refusal)
	case unsupported(err):
		r.account.Unavailable(signalMinISR, rightMinISR, err)
		return nil
	}
	return err
}
