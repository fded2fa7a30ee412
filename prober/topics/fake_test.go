package topics

import (
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fake starts kfake on a network in memory, so that it runs in a synctest
// bubble, and a client on it.
func fake(t *testing.T, brokers int, opts ...kfake.Opt) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	var network kfake.VirtualNetwork
	ports := make([]int, brokers)
	for i := range ports {
		ports[i] = 9001 + i
	}
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(brokers), kfake.Ports(ports...), kfake.ListenFn(network.Listen))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	honourAssignment(c)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(network.DialContext), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return c, cl
}

// honourAssignment makes kfake put leaders where CreateTopics says; by itself
// it puts them anywhere.
func honourAssignment(c *kfake.Cluster) {
	var mu sync.Mutex
	wanted := map[string][]kmsg.CreateTopicsRequestTopicReplicaAssignment{}
	c.ControlKey(int16(kmsg.CreateTopics), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if req := kreq.(*kmsg.CreateTopicsRequest); !req.ValidateOnly && c.TopicInfo(req.Topics[0].Topic) == nil {
			wanted[req.Topics[0].Topic] = req.Topics[0].ReplicaAssignment
		}
		return nil, nil, false
	})
	c.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		for topic, assignment := range wanted {
			if c.TopicInfo(topic) == nil {
				continue
			}
			for _, as := range assignment {
				if err := c.MoveTopicPartition(topic, as.Partition, as.Replicas[0]); err != nil {
					panic(err)
				}
			}
			delete(wanted, topic)
		}
		return nil, nil, false
	})
}

// policy makes the cluster judge each attempt to create a topic; nil lets it
// pass. It returns all attempts so far.
func policy(c *kfake.Cluster, judge func(kmsg.CreateTopicsRequestTopic) (*kerr.Error, string)) func() []kmsg.CreateTopicsRequestTopic {
	var mu sync.Mutex
	var attempts []kmsg.CreateTopicsRequestTopic
	c.ControlKey(int16(kmsg.CreateTopics), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.CreateTopicsRequest)
		mu.Lock()
		defer mu.Unlock()
		attempts = append(attempts, req.Topics[0])
		err, message := judge(req.Topics[0])
		if err == nil {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		rt := kmsg.NewCreateTopicsResponseTopic()
		rt.Topic, rt.ErrorCode, rt.ErrorMessage = req.Topics[0].Topic, err.Code, kmsg.StringPtr(message)
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	return func() []kmsg.CreateTopicsRequestTopic {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(attempts)
	}
}

func sets(rt kmsg.CreateTopicsRequestTopic, name string) bool {
	return slices.ContainsFunc(rt.Configs, func(c kmsg.CreateTopicsRequestTopicConfig) bool { return c.Name == name })
}
