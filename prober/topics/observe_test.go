package topics

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestObserve(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(*kfake.Cluster)
		brokers  string
		complete bool
		topic    string // what is known of the topic
		err      string
	}{{
		name: "all well", brokers: "0 1 2 ", complete: true, topic: "exists, 2 partitions, settings",
	}, {
		name:    "one fenced, one known to no client",
		brokers: "0 1! 2 9! ", complete: true, topic: "exists, 2 partitions, settings",
		change: func(c *kfake.Cluster) {
			c.ControlKey(int16(kmsg.DescribeCluster), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
				resp := kreq.ResponseKind().(*kmsg.DescribeClusterResponse)
				resp.ClusterID = "kfake"
				for _, id := range []int32{0, 1, 2, 9} {
					b := kmsg.NewDescribeClusterResponseBroker()
					b.NodeID, b.IsFenced = id, id == 1 || id == 9
					resp.Brokers = append(resp.Brokers, b)
				}
				return resp, nil, kreq.(*kmsg.DescribeClusterRequest).IncludeFencedBrokers
			})
		},
	}, {
		name:    "DescribeCluster refused",
		brokers: "0 1 2 ", topic: "exists, 2 partitions, settings",
		change: func(c *kfake.Cluster) {
			c.ControlKey(int16(kmsg.DescribeCluster), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
				resp := kreq.ResponseKind().(*kmsg.DescribeClusterResponse)
				resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
				return resp, nil, true
			})
		},
	}, {
		name:    "settings may not be read",
		brokers: "0 1 2 ", complete: true, topic: "exists, 2 partitions, no settings: TOPIC_AUTHORIZATION_FAILED",
		change: func(c *kfake.Cluster) {
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
		},
	}, {
		name:    "the topic may not be seen",
		brokers: "0 1 2 ", complete: true, topic: "hidden: TOPIC_AUTHORIZATION_FAILED",
		change: func(c *kfake.Cluster) {
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: ownTopic, Err: kerr.TopicAuthorizationFailed, Count: -1})
		},
	}, {
		name:    "no topic",
		brokers: "0 1 2 ", complete: true, topic: "does not exist",
		change: func(c *kfake.Cluster) {
			if err := c.DeleteTopic(ownTopic); err != nil {
				panic(err)
			}
		},
	}, {
		name: "the topic is being made",
		err:  "read metadata of topic kafka-prober-steady-internal: LEADER_NOT_AVAILABLE: There is no leader for this topic-partition as we are in the middle of a leadership election.",
		change: func(c *kfake.Cluster) {
			c.ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				req := kreq.(*kmsg.MetadataRequest)
				if len(req.Topics) == 0 {
					return nil, nil, false
				}
				resp := req.ResponseKind().(*kmsg.MetadataResponse)
				resp.ClusterID = kmsg.StringPtr("kfake")
				rt := kmsg.NewMetadataResponseTopic()
				rt.Topic, rt.ErrorCode = req.Topics[0].Topic, kerr.LeaderNotAvailable.Code
				resp.Topics = append(resp.Topics, rt)
				return resp, nil, true
			})
		},
	}} {
		t.Run(tt.name, func(t *testing.T) {
			c, cl := fake(t, 3)
			if err := c.CreateTopic(ownTopic, 2, nil); err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(c)
			}
			o, err := Observe(t.Context(), cl, ownTopic)
			if err != nil || tt.err != "" {
				if fmt.Sprint(err) != tt.err {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			brokers := ""
			for _, b := range o.Brokers {
				brokers += fmt.Sprint(b.ID)
				if !b.Alive {
					brokers += "!"
				}
				brokers += " "
			}
			if brokers != tt.brokers || o.BrokersComplete != tt.complete {
				t.Errorf("brokers %s complete %t, want %s %t", brokers, o.BrokersComplete, tt.brokers, tt.complete)
			}
			if got := known(o); got != tt.topic {
				t.Errorf("topic %s, want %s", got, tt.topic)
			}
		})
	}
}

// known says in words what an observation tells of its topic.
func known(o Observed) string {
	switch {
	case o.TopicErr != nil:
		return "hidden: " + o.TopicErr.Message
	case !o.Exists:
		return "does not exist"
	}
	s := fmt.Sprintf("exists, %d partitions, ", len(o.Partitions))
	var ke *kerr.Error
	if errors.As(o.ConfigErr, &ke) {
		return s + "no settings: " + ke.Message
	}
	if o.Config[settingCleanupPolicy].Value == "delete" && !o.Config[settingCleanupPolicy].Explicit {
		return s + "settings"
	}
	return s + fmt.Sprint(o.Config)
}
