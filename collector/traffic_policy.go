package collector

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

const (
	policyAge  = 10 * time.Minute // after which a topic's policy is asked for again
	policyPage = 1000             // topics in one request
)

var rightCleanupPolicy = kind.Right{
	Operation: "DescribeConfigs", ResourceType: "Topic", ResourceName: "*",
	Purpose: "bytes and message size of topics: those of compacted topics can't be told from their logs", Optional: true,
}

// cleanupPolicies knows which topics are compacted: there a log shrinks without
// a sign. It belongs to one Refresh.
type cleanupPolicies struct {
	client  *kgo.Client
	account *Account
	topics  map[string]cleanupPolicy
}

// cleanupPolicy is what is known of one topic.
type cleanupPolicy struct {
	id      [16]byte
	compact bool
	asked   time.Time
}

func newCleanupPolicies(env Env) *cleanupPolicies {
	return &cleanupPolicies{client: env.Client, account: env.Account, topics: make(map[string]cleanupPolicy)}
}

// refresh asks for the policies of topics that are new, and of all of them from
// time to time. The function it returns tells whether a topic is known not to
// be compacted.
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
	next := roundRobin(l.brokers)
	for page := range slices.Chunk(ask, policyPage) {
		resp, err := hedge(ctx, func(ctx context.Context) (*kmsg.DescribeConfigsResponse, error) {
			return policyRequest(page).RequestWith(ctx, c.client.Broker(int(next())))
		})
		if err != nil {
			c.account.Failed(-1, err)
			break
		}
		c.learn(resp, l, now)
	}
	return func(topic string) bool {
		p, known := c.topics[topic]
		return known && !p.compact
	}
}

func policyRequest(topics []string) *kmsg.DescribeConfigsRequest {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
		r.ConfigNames = []string{"cleanup.policy"}
		req.Resources = append(req.Resources, r)
	}
	return req
}

func (c *cleanupPolicies) learn(resp *kmsg.DescribeConfigsResponse, l *leadership, now time.Time) {
	const signal = "topic_cleanup_policy"
	for _, r := range resp.Resources {
		err := kerr.ErrorForCode(r.ErrorCode)
		switch {
		case withheld(err):
			c.account.Unavailable(signal, rightCleanupPolicy, err)
			continue
		case err != nil: // among them topics that have just gone
			c.account.Failed(-1, err)
			continue
		}
		c.account.Available(signal)
		for _, config := range r.Configs {
			if config.Name == "cleanup.policy" {
				c.topics[r.ResourceName] = cleanupPolicy{
					id: l.topics[r.ResourceName].id, asked: now,
					compact: strings.Contains(deref(config.Value), "compact"),
				}
			}
		}
	}
}
