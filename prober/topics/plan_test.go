package topics

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

func TestNewPlan(t *testing.T) {
	own := Spec{Topic: ownTopic}
	calm := Circumstances{StableFor: time.Minute, Settle: 30 * time.Second}
	for _, tt := range []struct {
		name    string
		spec    Spec
		mode    Mode
		brokers string
		parts   string
		change  func(*Observed)
		c       Circumstances
		want    string
	}{{
		name: "nothing there, three brokers", mode: ModeCreate, brokers: "1 2 3",
		want: "do create topic kafka-prober-steady-internal with 3 partitions, replication factor 3, min.insync.replicas 2 0:[1 2 3] 1:[2 3 1] 2:[3 1 2]\n",
	}, {
		name: "one broker", mode: ModeCreate, brokers: "7",
		want: "do create topic kafka-prober-steady-internal with 1 partition, replication factor 1, min.insync.replicas 1 0:[7]\n",
	}, {
		name: "racks are spread", mode: ModeCreate, brokers: "1/a 2/a 3/b 4/b", spec: Spec{ReplicationFactor: 2},
		want: "do create topic kafka-prober-steady-internal with 4 partitions, replication factor 2, min.insync.replicas 1 0:[1 3] 1:[2 4] 2:[3 1] 3:[4 2]\n",
	}, {
		name: "two partitions a broker", mode: ModeCreate, brokers: "1 2", spec: Spec{PartitionsPerBroker: 2},
		want: "do create topic kafka-prober-steady-internal with 4 partitions, replication factor 2, min.insync.replicas 1 0:[1 2] 1:[2 1] 2:[1 2] 3:[2 1]\n",
	}, {
		name: "mode none and nothing there", mode: ModeNone, brokers: "1 2 3",
		want: "fatal topic_missing: topic kafka-prober-steady-internal does not exist and topic_management is none: create it (check --print-topics prints how) or set topic_management: create\n",
	}, {
		name: "a known broker is down at first creation: wait a little", mode: ModeCreate, brokers: "1 2 3!",
		c:    Circumstances{StableFor: 5 * time.Second, Settle: 30 * time.Second},
		want: "later create topic kafka-prober-steady-internal with 2 partitions, replication factor 2, min.insync.replicas 1 0:[1 2] 1:[2 1]: only brokers 1, 2 alive so far, waiting until the brokers have been stable for 30s\n",
	}, {
		name: "but not for ever", mode: ModeCreate, brokers: "1 2 3!", c: calm,
		want: "do create topic kafka-prober-steady-internal with 2 partitions, replication factor 2, min.insync.replicas 1 0:[1 2] 1:[2 1]\n",
	}, {
		name: "an old Kafka shows one broker: others may be starting", mode: ModeCreate, brokers: "1",
		change: func(o *Observed) { o.BrokersComplete = false },
		c:      Circumstances{Settle: 30 * time.Second},
		want:   "later create topic kafka-prober-steady-internal with 1 partition, replication factor 1, min.insync.replicas 1 0:[1]: only broker 1 alive so far, waiting until the brokers have been stable for 30s\n",
	}, {
		name: "an old Kafka shows three brokers: enough", mode: ModeCreate, brokers: "1 2 3",
		change: func(o *Observed) { o.BrokersComplete = false },
		c:      Circumstances{Settle: 30 * time.Second},
		want:   "do create topic kafka-prober-steady-internal with 3 partitions, replication factor 3, min.insync.replicas 2 0:[1 2 3] 1:[2 3 1] 2:[3 1 2]\n",
	}, {
		name: "replication factor above the number of brokers", mode: ModeCreate, brokers: "1 2 3", spec: Spec{ReplicationFactor: 5},
		want: "fatal replication_factor: topic kafka-prober-steady-internal: replication_factor 5 is above the number of brokers (3): lower it or add brokers\n",
	}, {
		name: "replication factor above the live brokers only", mode: ModeCreate, brokers: "1 2 3!", spec: Spec{ReplicationFactor: 3}, c: calm,
		want: "later create topic kafka-prober-steady-internal with 2 partitions, replication factor 3, min.insync.replicas 2 0:[1 2] 1:[2 1]: it needs 3 live brokers, there are 2\n",
	}, {
		name: "min ISR above the replication factor", mode: ModeCreate, brokers: "1 2 3", spec: Spec{ReplicationFactor: 1, MinISR: 2},
		want: "fatal min_insync_replicas: topic kafka-prober-steady-internal: min_insync_replicas 2 is above its replication factor 1: lower it\n",
	}, {
		name: "all well", mode: ModeCreate, brokers: "1 2 3", parts: "1,2,3@1 2,3,1@2 3,1,2@3", c: calm,
	}, {
		name: "rolling restart: broker 2 is down", mode: ModeFull, brokers: "1 2! 3", parts: "1,~2,3@1 ~2,3,1@3 3,1,~2@3", c: calm,
	}, {
		name: "rolling restart: broker 2 is back, not in sync yet", mode: ModeCreate, brokers: "1 2 3", parts: "1,~2,3@1 ~2,3,1@3 3,1,2@3", c: calm,
	}, {
		name: "rolling restart: in sync, not settled", mode: ModeCreate, brokers: "1 2 3", parts: "1,2,3@1 2,3,1@3 3,1,2@3",
		c:    Circumstances{StableFor: 5 * time.Second, Settle: 30 * time.Second},
		want: "later elect the preferred leader of topic kafka-prober-steady-internal, partition 1: brokers or leaders changed 5s ago, waiting until they have been stable for 30s\n",
	}, {
		name: "rolling restart: settled", mode: ModeCreate, brokers: "1 2 3", parts: "1,2,3@1 2,3,1@3 3,1,2@3", c: calm,
		want: "do elect the preferred leader of topic kafka-prober-steady-internal, partition 1\n",
	}, {
		name: "elected a moment ago", mode: ModeCreate, brokers: "1 2 3", parts: "1,2,3@1 2,3,1@3 3,1,2@3",
		c:    Circumstances{StableFor: time.Minute, ElectionsHeld: true},
		want: "later elect the preferred leader of topic kafka-prober-steady-internal, partition 1: leaders were elected a short while ago\n",
	}, {
		name: "one leader to bring back, another broker missing", mode: ModeCreate, brokers: "1 2 3 4!", parts: "1,2@1 2,3@3 3,1@3 ~4,1@1", spec: Spec{ReplicationFactor: 2}, c: calm,
		want: "later elect the preferred leader of topic kafka-prober-steady-internal, partition 1: broker 4 missing: nothing is changed before it is back\n",
	}, {
		name: "elections refused", mode: ModeCreate, brokers: "1 2 3", parts: "1,2,3@1 2,3,1@3 3,1,2@3",
		c:    Circumstances{Refused: []Refusal{{Topic: ownTopic, Kind: ElectLeaders, Reason: "CLUSTER_AUTHORIZATION_FAILED", key: "elect_leaders"}}},
		want: "problem refused: elect_leaders of topic kafka-prober-steady-internal refused: CLUSTER_AUTHORIZATION_FAILED: grant the right with kafka-acls.sh --bootstrap-server <address> --add --allow-principal User:<prober> --operation Alter --cluster\n",
	}, {
		name: "a new broker", mode: ModeCreate, brokers: "1 2 3 4", parts: "1,2,3@1 2,3,1@2 3,1,2@3", c: calm,
		want: "do add 1 partition to topic kafka-prober-steady-internal, led by broker 4 (4 in all) 3:[4 1 2]\n",
	}, {
		name: "a new broker, one is missing", mode: ModeCreate, brokers: "1 2! 3 4", parts: "1,~2,3@1 ~2,3,1@3 3,1,~2@3", c: calm,
		want: "later add 1 partition to topic kafka-prober-steady-internal, led by broker 4 (4 in all) 3:[4 1 3]: broker 2 missing: nothing is changed before it is back\n",
	}, {
		name: "a surplus partition that the broker leads is enough", mode: ModeCreate, brokers: "1 2", parts: "1,2@1 1,2@2 2,1@2", spec: Spec{ReplicationFactor: 2}, c: calm,
	}, {
		name: "more partitions do not help for ever", mode: ModeCreate, brokers: "1 2", parts: "1,2@1 1,2@1 1,2@1 1,2@1", c: calm,
		want: "problem broker_not_covered: topic kafka-prober-steady-internal (4 partitions): no probed partition is led by broker 2: the cluster does not let the prober lead one there: give each broker a partition that it is the preferred leader of by kafka-reassign-partitions.sh\n",
	}, {
		name: "without a say in the placement no more than one a broker", mode: ModeCreate, brokers: "1 2", parts: "1,2@1 1,2@1",
		c:    Circumstances{Refused: []Refusal{{Kind: AddPartitions, Reason: "POLICY_VIOLATION", Lacked: lackedAssignment, key: "add_partitions"}}},
		want: "problem broker_not_covered: topic kafka-prober-steady-internal (2 partitions): no probed partition is led by broker 2: the cluster does not let the prober lead one there: give each broker a partition that it is the preferred leader of by kafka-reassign-partitions.sh\n",
	}, {
		name: "somebody else's topic is left alone", mode: ModeFull, brokers: "1 2", parts: "1,2@2", spec: Spec{Topic: "orders", ReplicationFactor: 2}, c: calm,
	}, {
		name: "somebody else's topic without a leader on broker 2", mode: ModeCreate, brokers: "1 2", parts: "1,2@1", spec: Spec{Topic: "orders", ReplicationFactor: 2}, c: calm,
		want: "problem broker_not_covered: topic orders (1 partition): no probed partition is led by broker 2: the topic does not look like the prober's own, so no partition is added: give the probe a topic of its own\n",
	}, {
		name: "mode none, one partition", mode: ModeNone, brokers: "1 2 3", parts: "1,2,3@1",
		want: "problem broker_not_covered: topic kafka-prober-steady-internal (1 partition): no probed partition is led by brokers 2, 3: give each broker a partition that it is the preferred leader of, or set topic_management: create\n",
	}, {
		name: "compacted", mode: ModeCreate, brokers: "1", parts: "1@1", change: func(o *Observed) { o.Config = config("cleanup.policy=compact,delete") },
		want: "fatal compacted: topic kafka-prober-steady-internal has cleanup.policy=compact,delete: probe records would be refused or vanish before they are read: set cleanup.policy=delete or probe another topic\n",
	}, {
		name: "compacted, to be repaired", mode: ModeFull, brokers: "1", parts: "1@1", change: func(o *Observed) { o.Config = config("cleanup.policy=compact") },
		want: "do set cleanup.policy of topic kafka-prober-steady-internal to delete\n" +
			"fatal compacted: topic kafka-prober-steady-internal has cleanup.policy=compact: probe records would be refused or vanish before they are read: set cleanup.policy=delete or probe another topic\n",
	}, {
		name: "records too big", mode: ModeCreate, brokers: "1", parts: "1@1", spec: Spec{MaxMessageBytes: 2000}, change: func(o *Observed) { o.Config = config("max.message.bytes=1000") },
		want: "fatal message_size: topic kafka-prober-steady-internal takes at most 1000 bytes a batch (max.message.bytes), the probe needs 2000: raise the setting or lower the probe's size\n",
	}, {
		name: "min ISR can't be met", mode: ModeCreate, brokers: "1", parts: "1@1", change: func(o *Observed) { o.Config = config("min.insync.replicas=2") },
		want: "fatal min_insync_replicas: topic kafka-prober-steady-internal has min.insync.replicas=2 but partition 0 has only 1 replicas: no record with acks=all is ever accepted: lower the setting or raise the replication factor\n",
	}, {
		name: "no right to see the topic", mode: ModeCreate, brokers: "1", change: func(o *Observed) { o.TopicErr = kerr.TopicAuthorizationFailed },
		want: "fatal no_rights: topic kafka-prober-steady-internal: no right to see it: grant the right with kafka-acls.sh --bootstrap-server <address> --add --allow-principal User:<prober> --operation Describe --operation Read --operation Write --topic kafka-prober-steady-internal\n",
	}, {
		name: "a bad name", mode: ModeCreate, brokers: "1", spec: Spec{Topic: "a b"}, change: func(o *Observed) { o.TopicErr = kerr.InvalidTopicException },
		want: "fatal no_rights: topic a b: Kafka answers INVALID_TOPIC_EXCEPTION: choose another topic name or ask the cluster's owner\n",
	}, {
		name: "settings that can't be read are no obstacle", mode: ModeFull, brokers: "1", parts: "1@1", change: func(o *Observed) { o.ConfigErr = errors.New("refused") },
	}, {
		name: "no right to create", mode: ModeCreate, brokers: "1",
		c:    Circumstances{Refused: []Refusal{{Topic: ownTopic, Kind: CreateTopic, Reason: "TOPIC_AUTHORIZATION_FAILED", key: "create_topic"}}},
		want: "fatal refused: create_topic of topic kafka-prober-steady-internal refused: TOPIC_AUTHORIZATION_FAILED: grant the right with kafka-acls.sh --bootstrap-server <address> --add --allow-principal User:<prober> --operation Create --topic kafka-prober-steady-internal\n",
	}, {
		name: "no live broker", mode: ModeCreate, brokers: "1!", c: calm,
		want: "later create topic kafka-prober-steady-internal with 0 partitions, replication factor 1, min.insync.replicas 1: no broker is alive\n",
	}, {
		name: "too few replicas", mode: ModeCreate, brokers: "1 2", parts: "1@1 2@2", c: calm,
		want: "problem replication_factor: topic kafka-prober-steady-internal, partitions 0, 1: fewer replicas than the 2 wanted, so one broker less may stop the probe: raise the replication factor by kafka-reassign-partitions.sh or set topic_management: full\n",
	}, {
		name: "full: too few replicas", mode: ModeFull, brokers: "1 2", parts: "1@1 2@2", c: calm,
		want: "do move replicas of topic kafka-prober-steady-internal: partition 0 to brokers 1, 2, partition 1 to brokers 2, 1\n",
	}, {
		name: "full: off a broker that is gone", mode: ModeFull, brokers: "1 2 3! 4", parts: "1,2,~3@1 2,~3,4@2 ~3,1,2@1 4,1,2@4",
		c:    Circumstances{StableFor: time.Minute, Gone: []int32{3}},
		want: "do move replicas of topic kafka-prober-steady-internal: partition 0 to brokers 1, 2, 4, partition 1 to brokers 2, 1, 4, partition 2 to brokers 4, 1, 2\n",
	}, {
		name: "create: a broker that is gone", mode: ModeCreate, brokers: "1 2 3!", parts: "1,2@1 2,~3@2 ~3,1@1", spec: Spec{ReplicationFactor: 2},
		c:    Circumstances{StableFor: time.Minute, Gone: []int32{3}},
		want: "problem replica_on_gone_broker: topic kafka-prober-steady-internal, partitions 1, 2: a replica is on a broker that is gone for good or to be removed: move it by kafka-reassign-partitions.sh or set topic_management: full\n",
	}, {
		name: "full: one rack twice", mode: ModeFull, brokers: "1/a 2/a 3/b 4/c", parts: "1,2,3@1 2,3,4@2 3,4,1@3 4,1,3@4", c: calm,
		want: "do move replicas of topic kafka-prober-steady-internal: partition 0 to brokers 1, 4, 3\n",
	}, {
		name: "full: still catching up", mode: ModeFull, brokers: "1/a 2/a 3/b 4/c", parts: "1,2,3@1 2,3,~4@2 3,4,1@3 4,1,3@4", c: calm,
		want: "later move replicas of topic kafka-prober-steady-internal: partition 0 to brokers 1, 4, 3: replicas are still catching up\n",
	}, {
		name: "full: moved a moment ago", mode: ModeFull, brokers: "1/a 2/a 3/b 4/c", parts: "1,2,3@1 2,3,4@2 3,4,1@3 4,1,3@4",
		c:    Circumstances{MovesHeld: true},
		want: "later move replicas of topic kafka-prober-steady-internal: partition 0 to brokers 1, 4, 3: replicas were moved a short while ago\n",
	}, {
		name: "full: never while a broker is missing", mode: ModeFull, brokers: "1/a 2/a 3/b 4/c 5!", parts: "1,2,3@1 2,3,4@2 3,4,1@3 4,1,3@4 ~5,3,1@3", c: calm,
		want: "later move replicas of topic kafka-prober-steady-internal: partition 0 to brokers 1, 4, 3: broker 5 missing: nothing is changed before it is back\n",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			spec := tt.spec
			if spec.Topic == "" {
				spec.Topic = own.Topic
			}
			o := see(t, tt.brokers, tt.parts)
			if tt.change != nil {
				tt.change(&o)
			}
			if got := NewPlan(spec, o, tt.mode, tt.c).text(); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestPlanOfManyBrokers(t *testing.T) {
	var list strings.Builder
	for i := range 100 {
		fmt.Fprintf(&list, "%d/r%d ", i, i%4)
	}
	o := see(t, list.String(), "")
	p := NewPlan(Spec{Topic: ownTopic}, o, ModeCreate, Circumstances{})
	if len(p.Actions) != 1 || len(p.Actions[0].Assignments) != 100 {
		t.Fatalf("got %s", p.text())
	}
	load := map[int32]int{}
	for i, as := range p.Actions[0].Assignments {
		if int(as.Replicas[0]) != i {
			t.Errorf("partition %d is led by broker %d", i, as.Replicas[0])
		}
		racks := map[string]bool{}
		for _, r := range as.Replicas {
			racks[o.Brokers[r].Rack] = true
			load[r]++
		}
		if len(racks) != 3 {
			t.Errorf("partition %d lies in %d racks: %v", i, len(racks), as.Replicas)
		}
	}
	for id, n := range load {
		if n < 2 || n > 4 {
			t.Errorf("broker %d holds %d replicas, want about 3", id, n)
		}
	}
	if again := NewPlan(Spec{Topic: ownTopic}, o, ModeCreate, Circumstances{}); again.text() != p.text() {
		t.Error("the same observation gives two plans")
	}
}
