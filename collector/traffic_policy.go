package collector

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

const (
	keyCleanupPolicy    = "cleanup.policy" // the topic setting
	signalCleanupPolicy = "topic_cleanup_policy"
	policyAge           = 10 * time.Minute // after which a topic's policy is asked for again
)

var rightCleanupPolicy = kind.Right{
	Operation: "DescribeConfigs", ResourceType: "Topic", ResourceName: "*",
	Purpose: "know the bytes and message size of topics: those of compacted topics can't be told from their logs", Optional: true,
}

// cleanupPolicies knows which topics are compacted: there a log shrinks without
// a sign. It belongs to one Refresh.
type cleanupPolicies struct {
	account *Account
	topics  map[string]cleanupPolicy
}

// cleanupPolicy is what is known of one topic.
type cleanupPolicy struct {
	id      [16]byte
	told    bool // whether compact is known
	compact bool
	asked   time.Time
}

func newCleanupPolicies(env Env) *cleanupPolicies {
	return &cleanupPolicies{account: env.Account, topics: make(map[string]cleanupPolicy)}
}

// refresh asks for the policies of topics that are new, and of all of them from
// time to time, those that were refused too. The function it returns tells
// whether a topic is known not to be compacted.
func (c *cleanupPolicies) refresh(ctx context.Context, l *leadership) func(topic string) bool {
	maps.DeleteFunc(c.topics, func(name string, p cleanupPolicy) bool {
		shape, ok := l.topics[name]
		return !ok || shape.id != p.id
	})
	var ask []string
	now := time.Now()
	for name := range l.topics {
		if p, known := c.topics[name]; !known || now.Sub(p.asked) > policyAge {
			ask = append(ask, name)
		}
	}
	slices.Sort(ask)
	var given grants
	var refusal error // counted once, however many topics it is of
	err := eachTopicConfig(ctx, l.via, ask, []string{keyCleanupPolicy}, func(topic string, values map[string]string, err error) {
		p := c.topics[topic] // a policy that was told before holds on
		p.id, p.asked = l.topics[topic].id, now
		if withheld(err) {
			refusal = err
			given.refuse(err)
			c.topics[topic] = p
			return
		}
		if !given.take(c.account, -1, err) {
			return
		}
		if policy, told := values[keyCleanupPolicy]; told {
			p.told, p.compact = true, strings.Contains(policy, "compact")
		}
		c.topics[topic] = p
	})
	if refusal != nil {
		c.account.Failed(-1, refusal)
	}
	if err != nil {
		given.take(c.account, -1, err)
	}
	given.report(c.account, signalCleanupPolicy, rightCleanupPolicy)
	return func(topic string) bool {
		p := c.topics[topic]
		return p.told && !p.compact
	}
}
