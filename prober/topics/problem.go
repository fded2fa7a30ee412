package topics

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// ProblemKind names a class of problems.
type ProblemKind string

const (
	ProblemMissing     ProblemKind = "topic_missing"          // there is no topic and none will be made
	ProblemRights      ProblemKind = "no_rights"              // Kafka does not show the topic
	ProblemCompacted   ProblemKind = "compacted"              // records would vanish before they are read
	ProblemMessageSize ProblemKind = "message_size"           // the probe's records do not fit
	ProblemReplication ProblemKind = "replication_factor"     // more replicas wanted than brokers, or too few present
	ProblemMinISR      ProblemKind = "min_insync_replicas"    // can never be met
	ProblemUncovered   ProblemKind = "broker_not_covered"     // a broker leads no partition that is probed
	ProblemGone        ProblemKind = "replica_on_gone_broker" // a replica sits on a broker that will not come back
	ProblemRefused     ProblemKind = "refused"                // the cluster refused an action
)

// Problem is something about a topic that a person has to know or decide.
type Problem struct {
	Kind  ProblemKind
	Text  string // what is wrong, where, and what to do
	Fatal bool   // the probe can't do its job with this topic
}

// problems looks for what is wrong with what is there.
func (p *planner) problems() {
	s, o := p.spec, p.seen
	if err := o.TopicErr; err != nil {
		if err == kerr.TopicAuthorizationFailed {
			p.problem(ProblemRights, true, "topic %s: no right to see it: %s", s.Topic,
				grant("Describe --operation Read --operation Write", "--topic "+s.Topic))
		} else {
			p.problem(ProblemRights, true, "topic %s: Kafka answers %s: choose another topic name or ask the cluster's owner", s.Topic, err.Message)
		}
		return
	}
	if !o.Exists {
		if p.mode == ModeNone {
			p.problem(ProblemMissing, true, "topic %s does not exist and topic_management is none: create it (check --print-topics prints how) or set topic_management: create", s.Topic)
		}
		return
	}
	p.settingProblems()
	p.replicaProblems()
}

func (p *planner) settingProblems() {
	s, o := p.spec, p.seen
	if v := o.Config[settingCleanupPolicy].Value; strings.Contains(v, "compact") {
		p.problem(ProblemCompacted, true, "topic %s has cleanup.policy=%s: probe records would be refused or vanish before they are read: set cleanup.policy=delete or probe another topic", s.Topic, v)
	}
	if v, err := strconv.Atoi(o.Config[settingMaxMessageBytes].Value); err == nil && v < s.MaxMessageBytes {
		p.problem(ProblemMessageSize, true, "topic %s takes at most %d bytes a batch (max.message.bytes), the probe needs %d: raise the setting or lower the probe's size", s.Topic, v, s.MaxMessageBytes)
	}
	minISR, err := strconv.Atoi(o.Config[settingMinISR].Value)
	for _, part := range o.Partitions {
		if n := len(part.Replicas); err == nil && n > 0 && minISR > n {
			p.problem(ProblemMinISR, true, "topic %s has min.insync.replicas=%d but partition %d has only %d replicas: no record with acks=all is ever accepted: lower the setting or raise the replication factor", s.Topic, minISR, part.ID, n)
			return
		}
	}
}

func (p *planner) replicaProblems() {
	s, o := p.spec, p.seen
	want := int(s.replicationFactor(len(p.targets)))
	var thin, stranded []int32
	for _, part := range o.Partitions {
		if n := len(part.Replicas); n > 0 && n < want {
			thin = append(thin, part.ID)
		}
		for _, r := range part.Replicas {
			if p.gone[r] {
				stranded = append(stranded, part.ID)
				break
			}
		}
	}
	if len(thin) > 0 && p.mode != ModeFull {
		p.problem(ProblemReplication, false, "topic %s, %s: fewer replicas than the %d wanted, so one broker less may stop the probe: raise the replication factor by kafka-reassign-partitions.sh or set topic_management: full", s.Topic, ids("partition", thin), want)
	}
	if len(stranded) > 0 && p.mode != ModeFull {
		p.problem(ProblemGone, false, "topic %s, %s: a replica is on a broker that is gone for good or to be removed: move it by kafka-reassign-partitions.sh or set topic_management: full", s.Topic, ids("partition", stranded))
	}
}

// coverageProblems names brokers that the probes will not see, counting what
// the plan is about to do.
func (p *planner) coverageProblems() {
	if !p.seen.Exists || len(p.seen.Partitions) == 0 {
		return
	}
	will := p.seen.Covered(Choose(p.seen, p.spec.perBroker(), nil))
	for _, a := range p.todo() {
		for _, as := range a.Assignments {
			will[as.Replicas[0]] = true
		}
	}
	// A preferred leader that does not lead now passes by itself: Kafka, or
	// the next plan, gives leadership back to it.
	var blind []int32
	for _, b := range p.targets {
		if !will[b.ID] && p.prefers[b.ID] == 0 {
			blind = append(blind, b.ID)
		}
	}
	if len(blind) > 0 {
		p.problem(ProblemUncovered, false, "topic %s (%s): no probed partition is led by %s: %s", p.spec.Topic, partitions(len(p.seen.Partitions)), brokers(blind), p.coverageAdvice())
	}
}

func (p *planner) coverageAdvice() string {
	switch {
	case p.mode == ModeNone:
		return "give each broker a partition that it is the preferred leader of, or set topic_management: create"
	case !p.ours:
		return "the topic does not look like the prober's own, so no partition is added: give the probe a topic of its own"
	case len(p.seen.Partitions[0].Replicas) > len(p.targets):
		return fmt.Sprintf("a new partition would need %d replicas like the others, and %d brokers are there: lower the topic's replication factor by kafka-reassign-partitions.sh or set topic_management: full", len(p.seen.Partitions[0].Replicas), len(p.targets))
	default:
		return "the cluster does not let the prober lead one there: give each broker a partition that it is the preferred leader of by kafka-reassign-partitions.sh"
	}
}

func (p *planner) problem(kind ProblemKind, fatal bool, format string, args ...any) {
	p.plan.Problems = append(p.plan.Problems, Problem{Kind: kind, Fatal: fatal, Text: fmt.Sprintf(format, args...)})
}
