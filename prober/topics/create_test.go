package topics

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestCreateGivesUpOnlyWhatIsRefused(t *testing.T) {
	type topic = kmsg.CreateTopicsRequestTopic
	refuseSetting := func(names ...string) func(topic) (*kerr.Error, string) {
		return func(rt topic) (*kerr.Error, string) {
			for _, name := range names {
				if sets(rt, name) {
					return kerr.PolicyViolation, "the policy of this cluster forbids it"
				}
			}
			return nil, ""
		}
	}
	for _, tt := range []struct {
		name     string
		judge    func(topic) (*kerr.Error, string)
		attempts int
		lacked   string
		err      string
	}{{
		name: "nothing refused", judge: refuseSetting(), attempts: 1, lacked: "[]",
	}, {
		name: "another prober was quicker", attempts: 1, lacked: "[]",
		judge: func(topic) (*kerr.Error, string) { return kerr.TopicAlreadyExists, "" },
	}, {
		name: "a setting, named", attempts: 2, lacked: "[unclean.leader.election.enable]",
		judge: func(rt topic) (*kerr.Error, string) {
			if sets(rt, "unclean.leader.election.enable") {
				return kerr.InvalidConfig, "Unknown topic config name: unclean.leader.election.enable"
			}
			return nil, ""
		},
	}, {
		name: "a class of settings, not named", attempts: 2, lacked: "[segment.bytes segment.ms]",
		judge: refuseSetting("segment.ms"),
	}, {
		name: "min ISR, not named: the classes before it go too", attempts: 5,
		lacked: "[segment.bytes segment.ms retention.ms compression.type message.timestamp.type unclean.leader.election.enable min.insync.replicas]",
		judge:  refuseSetting("min.insync.replicas"),
	}, {
		name: "manual assignment", attempts: 2, lacked: "[replica assignment]",
		judge: func(rt topic) (*kerr.Error, string) {
			if len(rt.ReplicaAssignment) > 0 {
				return kerr.InvalidReplicaAssignment, ""
			}
			return nil, ""
		},
	}, {
		name: "manual assignment, by policy without a reason: the settings come back", attempts: 6, lacked: "[replica assignment]",
		judge: func(rt topic) (*kerr.Error, string) {
			if len(rt.ReplicaAssignment) > 0 {
				return kerr.PolicyViolation, ""
			}
			return nil, ""
		},
	}, {
		name: "an even replication factor", attempts: 2, lacked: "[replica assignment replication factor]",
		judge: func(rt topic) (*kerr.Error, string) {
			if rt.ReplicationFactor == -1 && len(rt.ReplicaAssignment) == 0 {
				return nil, ""
			}
			return kerr.InvalidReplicationFactor, "replication factor must be odd"
		},
	}, {
		name: "a setting that is required", attempts: 5, err: "create_topic of topic kafka-prober-steady-internal refused: INVALID_CONFIG (no)",
		judge: func(rt topic) (*kerr.Error, string) {
			if sets(rt, "cleanup.policy") {
				return kerr.InvalidConfig, "no"
			}
			return nil, ""
		},
	}, {
		name: "no right", attempts: 1, err: "create_topic of topic kafka-prober-steady-internal refused: TOPIC_AUTHORIZATION_FAILED (no)",
		judge: func(topic) (*kerr.Error, string) { return kerr.TopicAuthorizationFailed, "no" },
	}} {
		t.Run(tt.name, func(t *testing.T) {
			c, cl := fake(t, 3)
			attempts := policy(c, tt.judge)
			o, err := Observe(context.Background(), cl, ownTopic)
			if err != nil {
				t.Fatal(err)
			}
			plan := NewPlan(Spec{Topic: ownTopic}, o, ModeCreate, Circumstances{})
			lacks, err := Apply(context.Background(), cl, plan.Actions[0])
			if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			lacked := []string{}
			for _, r := range lacks {
				lacked = append(lacked, r.Lacked)
			}
			if s := fmt.Sprint(lacked); tt.err == "" && s != tt.lacked {
				t.Errorf("gave up %s, want %s", s, tt.lacked)
			}
			if n := len(attempts()); n != tt.attempts {
				t.Errorf("%d attempts, want %d", n, tt.attempts)
			}
		})
	}
}

func TestValidateWritesNothing(t *testing.T) {
	c, cl := fake(t, 3)
	o, err := Observe(t.Context(), cl, ownTopic)
	if err != nil {
		t.Fatal(err)
	}
	a := NewPlan(Spec{Topic: ownTopic}, o, ModeCreate, Circumstances{}).Actions[0]
	if lacks, err := Validate(t.Context(), cl, a); err != nil || len(lacks) > 0 {
		t.Errorf("got %v, %v", lacks, err)
	}
	if c.TopicInfo(ownTopic) != nil {
		t.Error("the topic was created")
	}
	policy(c, func(kmsg.CreateTopicsRequestTopic) (*kerr.Error, string) { return kerr.ClusterAuthorizationFailed, "" })
	if _, err := Validate(t.Context(), cl, a); err == nil {
		t.Error("a missing right was not found")
	}
}

func TestAddPartitionsFallsBack(t *testing.T) {
	c, cl := fake(t, 3)
	if err := c.CreateTopic(ownTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	c.ControlKey(int16(kmsg.CreatePartitions), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.CreatePartitionsRequest)
		if len(req.Topics[0].Assignment) == 0 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.CreatePartitionsResponse)
		rt := kmsg.NewCreatePartitionsResponseTopic()
		rt.Topic, rt.ErrorCode = ownTopic, kerr.PolicyViolation.Code
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	o, err := Observe(t.Context(), cl, ownTopic)
	if err != nil {
		t.Fatal(err)
	}
	a := NewPlan(Spec{Topic: ownTopic}, o, ModeCreate, Circumstances{}).Actions[0]
	lacks, err := Apply(t.Context(), cl, a)
	if err != nil || len(lacks) != 1 || lacks[0].Lacked != lackedAssignment || lacks[0].Reason != "POLICY_VIOLATION" {
		t.Errorf("got %+v, %v", lacks, err)
	}
	if o, err = Observe(t.Context(), cl, ownTopic); err != nil || len(o.Partitions) != 3 {
		t.Errorf("%d partitions, %v", len(o.Partitions), err)
	}
	// Somebody else added as many: that is what was wanted.
	if _, err := Apply(t.Context(), cl, Action{Kind: AddPartitions, Topic: ownTopic, Partitions: 2}); err != nil {
		t.Errorf("fewer partitions than there are: %v", err)
	}
}
