package topics

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// attempt is one way to ask for a topic. Managed clusters refuse some
// settings and manual assignments, so a refused attempt is followed by one
// that asks for less.
type attempt struct {
	settings  []Setting
	placed    bool // with the replica assignment of the plan
	defaultRF bool // with the cluster's own replication factor
	nextClass Class
	lacked    []string // what this attempt gave up, compared with the plan
}

// next asks for less, by what the refusal is about; false when there is
// nothing left to give up. Settings that the refusal names go first, then one
// class of settings after the other, then the manual assignment. A policy
// violation that names nothing may be about either, so dropping the
// assignment brings the settings back.
func (at attempt) next(a Action, r *Refusal) (attempt, bool) {
	switch r.Reason {
	case kerr.InvalidConfig.Message:
		return at.dropSettings(r.Detail)
	case kerr.PolicyViolation.Message:
		if at.placed && strings.Contains(strings.ToLower(r.Detail), "assignment") {
			return at.dropAssignment(), true
		}
		if less, ok := at.dropSettings(r.Detail); ok {
			return less, true
		}
		if at.placed {
			return firstAttempt(a).dropAssignment(), true
		}
	case kerr.InvalidReplicaAssignment.Message, kerr.InvalidRequest.Message, kerr.UnsupportedVersion.Message:
		if at.placed {
			return at.dropAssignment(), true
		}
	case kerr.InvalidReplicationFactor.Message:
		if a.AutoReplication && !at.defaultRF {
			less := at
			if less.placed {
				less = less.dropAssignment()
			}
			less.defaultRF = true
			less.lacked = append(slices.Clone(less.lacked), "replication factor")
			return less, true
		}
	}
	return at, false
}

func firstAttempt(a Action) attempt { return attempt{settings: a.Settings, placed: true} }

func (at attempt) dropAssignment() attempt {
	at.placed = false
	at.lacked = append(slices.Clone(at.lacked), lackedAssignment)
	return at
}

func (at attempt) dropSettings(detail string) (attempt, bool) {
	drop := func(unwanted func(Setting) bool) (attempt, bool) {
		less := at
		less.settings, less.lacked = nil, slices.Clone(at.lacked)
		for _, s := range at.settings {
			if s.Class != ClassRequired && unwanted(s) {
				less.lacked = append(less.lacked, s.Name)
			} else {
				less.settings = append(less.settings, s)
			}
		}
		return less, len(less.settings) < len(at.settings)
	}
	if less, ok := drop(func(s Setting) bool { return strings.Contains(detail, s.Name) }); ok {
		return less, true
	}
	for class := at.nextClass; class < ClassRequired; class++ {
		if less, ok := drop(func(s Setting) bool { return s.Class == class }); ok {
			less.nextClass = class + 1
			return less, true
		}
	}
	return at, false
}

// createTopic asks for the topic, and again for less as long as that is what
// the cluster refuses. The refusals name what the created topic lacks.
func createTopic(ctx context.Context, cl *kgo.Client, a Action, validateOnly bool) ([]Refusal, error) {
	at := firstAttempt(a)
	var last *Refusal
	for {
		err := at.send(ctx, cl, a, validateOnly)
		var refused *Refusal
		switch {
		case err == nil:
			var lacks []Refusal
			for _, what := range at.lacked {
				lack := *last
				lack.Lacked = what
				lacks = append(lacks, lack)
			}
			return lacks, nil
		case !errors.As(err, &refused):
			return nil, err
		}
		less, ok := at.next(a, refused)
		if !ok {
			return nil, refused
		}
		at, last = less, refused
	}
}

func (at attempt) send(ctx context.Context, cl *kgo.Client, a Action, validateOnly bool) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = actionTimeoutMillis
	req.ValidateOnly = validateOnly
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic = a.Topic
	if at.placed {
		rt.NumPartitions, rt.ReplicationFactor = -1, -1 // the assignment says both
		for _, as := range a.Assignments {
			ra := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
			ra.Partition, ra.Replicas = as.Partition, as.Replicas
			rt.ReplicaAssignment = append(rt.ReplicaAssignment, ra)
		}
	} else {
		rt.NumPartitions, rt.ReplicationFactor = int32(a.Partitions), a.ReplicationFactor
		if at.defaultRF {
			rt.ReplicationFactor = -1
		}
	}
	for _, s := range at.settings {
		rc := kmsg.NewCreateTopicsRequestTopicConfig()
		rc.Name, rc.Value = s.Name, kmsg.StringPtr(s.Value)
		rt.Configs = append(rt.Configs, rc)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return a.judge(err, nil)
	}
	for _, t := range resp.Topics {
		// Two probers may create it at once: both have what they want.
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return a.judge(err, t.ErrorMessage)
		}
	}
	return nil
}
