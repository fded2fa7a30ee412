package topics

import (
	"fmt"
	"strings"
)

// Kind names what an action does; it is a label value of refusals.
type Kind string

const (
	CreateTopic   Kind = "create_topic"
	AddPartitions Kind = "add_partitions"
	ElectLeaders  Kind = "elect_leaders"
	Reassign      Kind = "reassign_partitions"
	AlterConfig   Kind = "alter_config"
)

// Assignment says where the replicas of a partition go.
type Assignment struct {
	Partition int32
	Replicas  []int32 // node ids, the preferred leader first
}

// Action is one step of a plan. Which fields count depends on Kind.
type Action struct {
	Kind              Kind
	Topic             string
	Assignments       []Assignment // CreateTopic, AddPartitions (the new ones), Reassign
	Partitions        int          // CreateTopic, AddPartitions: partitions of the topic afterwards
	ReplicationFactor int16        // CreateTopic
	AutoReplication   bool         // CreateTopic: the factor was not asked for, the cluster's default will do
	Settings          []Setting    // CreateTopic; AlterConfig: exactly one
	Elect             []int32      // ElectLeaders: partitions
}

// key identifies what a cluster may refuse, so that it is not asked again soon.
func (a Action) key() string {
	if a.Kind == AlterConfig && len(a.Settings) == 1 {
		return string(a.Kind) + ":" + a.Settings[0].Name
	}
	return string(a.Kind)
}

// String says in plain words what the action does.
func (a Action) String() string {
	switch a.Kind {
	case CreateTopic:
		s := fmt.Sprintf("create topic %s with %s, replication factor %d", a.Topic, partitions(a.Partitions), a.ReplicationFactor)
		for _, c := range a.Settings {
			if c.Name == settingMinISR {
				s += ", " + settingMinISR + " " + c.Value
			}
		}
		return s
	case AddPartitions:
		var leaders []int32
		for _, as := range a.Assignments {
			leaders = append(leaders, as.Replicas[0])
		}
		return fmt.Sprintf("add %s to topic %s, led by %s (%d in all)", partitions(len(a.Assignments)), a.Topic, brokers(leaders), a.Partitions)
	case ElectLeaders:
		return fmt.Sprintf("elect the preferred leader of topic %s, %s", a.Topic, ids("partition", a.Elect))
	case Reassign:
		var moves []string
		for _, as := range a.Assignments {
			moves = append(moves, fmt.Sprintf("partition %d to %s", as.Partition, brokers(as.Replicas)))
		}
		return fmt.Sprintf("move replicas of topic %s: %s", a.Topic, strings.Join(moves, ", "))
	case AlterConfig:
		return fmt.Sprintf("set %s of topic %s to %s", a.Settings[0].Name, a.Topic, a.Settings[0].Value)
	}
	return string(a.Kind) + " " + a.Topic
}

func partitions(n int) string {
	if n == 1 {
		return "1 partition"
	}
	return fmt.Sprintf("%d partitions", n)
}

func brokers(list []int32) string { return ids("broker", list) }

// ids writes "broker 1" or "brokers 1, 2".
func ids(noun string, list []int32) string {
	var b strings.Builder
	b.WriteString(noun)
	if len(list) != 1 {
		b.WriteByte('s')
	}
	for i, id := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %d", id)
	}
	return b.String()
}
