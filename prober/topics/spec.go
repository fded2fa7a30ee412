package topics

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	// defaultReplicationFactor is what a topic gets on three brokers or more.
	defaultReplicationFactor = 3
	// defaultMaxMessageBytes is Kafka's own default of max.message.bytes.
	defaultMaxMessageBytes = 1048588
	// ownPrefix starts the name of every topic that the prober names itself.
	ownPrefix = "kafka-prober-"
)

// Names of the topic settings that the planner reads.
const (
	settingCleanupPolicy   = "cleanup.policy"
	settingMaxMessageBytes = "max.message.bytes"
	settingMinISR          = "min.insync.replicas"
	settingRetention       = "retention.ms"
	settingSegmentTime     = "segment.ms"
	settingSegmentBytes    = "segment.bytes"
	settingTimestampType   = "message.timestamp.type"
	settingCompression     = "compression.type"
	settingUncleanElection = "unclean.leader.election.enable"
)

// Spec is what a probe needs of its topic.
type Spec struct {
	Topic               string            // name
	ReplicationFactor   int16             // 0 = min(3, live brokers)
	MinISR              int               // min.insync.replicas; 0 = replication factor - 1, at least 1
	PartitionsPerBroker int               // partitions that each broker leads; 0 = 1
	MaxMessageBytes     int               // largest batch of the probe in bytes, overhead included; 0 = no demand
	Config              map[string]string // settings beside or instead of the prober's own; never left out
	Optional            map[string]string // likewise, but left out where the cluster refuses them
}

// Class orders settings by how willingly they are given up when a cluster
// refuses them, most willingly first.
type Class int

const (
	ClassSegment    Class = iota // disk space: how soon old segments can go
	ClassRetention               // disk space: how long records stay
	ClassBehaviour               // protects what is measured from odd cluster defaults
	ClassDurability              // min.insync.replicas
	ClassRequired                // without it the probe would lie, or the operator asked for it
)

// Setting is one topic setting that is set explicitly, because the defaults
// of clusters differ.
type Setting struct {
	Name  string
	Value string
	Class Class
}

// Settings lists what a topic with this replication factor is created with,
// sorted by name.
func (s Spec) Settings(replicationFactor int16) []Setting {
	byName := map[string]Setting{}
	set := func(c Class, name, value string) { byName[name] = Setting{name, value, c} }
	set(ClassRequired, settingCleanupPolicy, "delete") // compaction would eat unread records
	set(ClassBehaviour, settingTimestampType, "CreateTime")
	set(ClassBehaviour, settingCompression, "producer") // the broker must not recompress
	set(ClassBehaviour, settingUncleanElection, "false")
	set(ClassRetention, settingRetention, "3600000")
	set(ClassSegment, settingSegmentTime, "600000")
	set(ClassSegment, settingSegmentBytes, "67108864") // managed clusters want 50 MiB at least
	set(ClassDurability, settingMinISR, strconv.Itoa(s.minISR(replicationFactor)))
	if s.MaxMessageBytes > defaultMaxMessageBytes {
		set(ClassRequired, settingMaxMessageBytes, strconv.Itoa(s.MaxMessageBytes))
	} else if s.MaxMessageBytes > 0 {
		set(ClassBehaviour, settingMaxMessageBytes, strconv.Itoa(defaultMaxMessageBytes))
	}
	for name, value := range s.Optional {
		set(ClassBehaviour, name, value)
	}
	for name, value := range s.Config {
		set(ClassRequired, name, value)
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b Setting) int {
		return strings.Compare(a.Name, b.Name)
	})
}

func (s Spec) perBroker() int { return max(1, s.PartitionsPerBroker) }

// replicationFactor is the one wanted on that many live brokers.
func (s Spec) replicationFactor(brokers int) int16 {
	if s.ReplicationFactor > 0 {
		return s.ReplicationFactor
	}
	return int16(max(1, min(defaultReplicationFactor, brokers)))
}

func (s Spec) minISR(replicationFactor int16) int {
	if s.MinISR > 0 {
		return s.MinISR
	}
	return max(1, int(replicationFactor)-1)
}

// LooksOurs tells whether the topic is the prober's own: by a name that only
// the prober gives, or by settings that it sets (Kafka topics carry no
// description). Only such topics are ever changed or deleted, so that a probe
// pointed at an application's topic leaves that topic's partitions alone.
func LooksOurs(s Spec, o Observed) bool {
	if strings.HasPrefix(s.Topic, ownPrefix) {
		return true
	}
	for _, want := range s.Settings(defaultReplicationFactor) {
		switch want.Name {
		case settingCleanupPolicy, settingRetention, settingSegmentTime:
			if got, ok := o.Config[want.Name]; !ok || !got.Explicit || got.Value != want.Value {
				return false
			}
		}
	}
	return true
}
