package topics

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const ownTopic = "kafka-prober-steady-internal"

// see writes an observation in short: brokers "1 2/rackA 3!" (! = dead) and
// partitions "1,2,3@1 2,3,1@-" (replicas@leader, - = none; "~3" = replica 3
// not in sync). No partitions = no topic.
func see(t *testing.T, brokers, parts string) Observed {
	t.Helper()
	num := func(s string) int32 {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return int32(n)
	}
	o := Observed{Topic: ownTopic, BrokersComplete: true}
	for _, f := range strings.Fields(brokers) {
		id, dead := strings.CutSuffix(f, "!")
		id, rack, _ := strings.Cut(id, "/")
		o.Brokers = append(o.Brokers, Broker{ID: num(id), Rack: rack, Alive: !dead})
	}
	for i, f := range strings.Fields(parts) {
		replicas, leader, _ := strings.Cut(f, "@")
		p := Partition{ID: int32(i), Leader: -1}
		if leader != "-" {
			p.Leader = num(leader)
		}
		for _, r := range strings.Split(replicas, ",") {
			r, behind := strings.CutPrefix(r, "~")
			p.Replicas = append(p.Replicas, num(r))
			if !behind {
				p.ISR = append(p.ISR, num(r))
			}
		}
		o.Partitions = append(o.Partitions, p)
		o.Exists = true
	}
	return o
}

// config makes explicit topic settings from "name=value" pairs.
func config(pairs ...string) map[string]Value {
	m := map[string]Value{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		m[name] = Value{Value: value, Explicit: true}
	}
	return m
}

// text renders a plan for comparison, replica assignments included.
func (p Plan) text() string {
	var b strings.Builder
	line := func(a Action) string {
		s := a.String()
		if a.Kind == CreateTopic || a.Kind == AddPartitions {
			for _, as := range a.Assignments {
				s += fmt.Sprintf(" %d:%v", as.Partition, as.Replicas)
			}
		}
		return s
	}
	for _, a := range p.Actions {
		fmt.Fprintf(&b, "do %s\n", line(a))
	}
	for _, d := range p.Deferred {
		fmt.Fprintf(&b, "later %s: %s\n", line(d.Action), d.Why)
	}
	for _, pr := range p.Problems {
		kind := "problem"
		if pr.Fatal {
			kind = "fatal"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", kind, pr.Kind, pr.Text)
	}
	return b.String()
}

// apply carries out an action on a model of a cluster.
func (o Observed) apply(a Action) Observed {
	o.Partitions = slices.Clone(o.Partitions)
	switch a.Kind {
	case CreateTopic, AddPartitions:
		o.Exists = true
		for _, as := range a.Assignments {
			if len(o.Partitions) > 0 && len(o.Partitions[0].Replicas) != len(as.Replicas) {
				panic("Kafka refuses partitions with another number of replicas")
			}
			o.Partitions = append(o.Partitions, Partition{ID: as.Partition, Leader: as.Replicas[0], Replicas: as.Replicas, ISR: as.Replicas})
		}
	case ElectLeaders:
		for i, p := range o.Partitions {
			if contains(a.Elect, p.ID) {
				o.Partitions[i].Leader = p.Preferred()
			}
		}
	case Reassign:
		for _, as := range a.Assignments {
			p := &o.Partitions[as.Partition]
			p.Replicas, p.ISR = as.Replicas, as.Replicas
			if !contains(as.Replicas, p.Leader) {
				p.Leader = as.Replicas[0]
			}
		}
	case AlterConfig:
		next := map[string]Value{}
		for name, v := range o.Config {
			next[name] = v
		}
		next[a.Settings[0].Name] = Value{a.Settings[0].Value, true}
		o.Config = next
	}
	return o
}
