package topics

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// actionTimeoutMillis is how long the controller may take for one request.
const actionTimeoutMillis = 10_000

// lackedAssignment is Refusal.Lacked when the cluster placed the replicas itself.
const lackedAssignment = "replica assignment"

// Apply carries out one action. It returns what the cluster refused while the
// action succeeded without it (settings, the replica assignment). The error
// is a *Refusal when Kafka refused for good; any other error may pass. An
// action that somebody else was quicker with has succeeded.
func Apply(ctx context.Context, cl *kgo.Client, a Action) ([]Refusal, error) {
	switch a.Kind {
	case CreateTopic:
		return createTopic(ctx, cl, a, false)
	case AddPartitions:
		return addPartitions(ctx, cl, a, false)
	case ElectLeaders:
		return nil, electLeaders(ctx, cl, a)
	case Reassign:
		return nil, reassign(ctx, cl, a)
	case AlterConfig:
		return nil, alterConfig(ctx, cl, a)
	}
	return nil, fmt.Errorf("topic action %q is unknown", a.Kind)
}

// Validate asks the cluster whether it would carry out the action, and writes
// nothing. Actions that Kafka can't validate pass.
func Validate(ctx context.Context, cl *kgo.Client, a Action) ([]Refusal, error) {
	switch a.Kind {
	case CreateTopic:
		return createTopic(ctx, cl, a, true)
	case AddPartitions:
		return addPartitions(ctx, cl, a, true)
	}
	return nil, nil
}

func addPartitions(ctx context.Context, cl *kgo.Client, a Action, validateOnly bool) ([]Refusal, error) {
	send := func(placed bool) error {
		req := kmsg.NewPtrCreatePartitionsRequest()
		req.TimeoutMillis = actionTimeoutMillis
		req.ValidateOnly = validateOnly
		rt := kmsg.NewCreatePartitionsRequestTopic()
		rt.Topic = a.Topic
		rt.Count = int32(a.Partitions)
		for _, as := range a.Assignments {
			if placed {
				ra := kmsg.NewCreatePartitionsRequestTopicAssignment()
				ra.Replicas = as.Replicas
				rt.Assignment = append(rt.Assignment, ra)
			}
		}
		req.Topics = append(req.Topics, rt)
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return a.judge(err, nil)
		}
		for _, t := range resp.Topics {
			// Another prober was quicker: the topic has that many already.
			if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.InvalidPartitions) {
				return a.judge(err, t.ErrorMessage)
			}
		}
		return nil
	}
	err := send(true)
	var refused *Refusal
	if !errors.As(err, &refused) || !assignmentMayBeWhy(refused.Reason) {
		return nil, err
	}
	if err := send(false); err != nil {
		return nil, err
	}
	refused.Lacked = lackedAssignment
	return []Refusal{*refused}, nil
}

func electLeaders(ctx context.Context, cl *kgo.Client, a Action) error {
	req := kmsg.NewPtrElectLeadersRequest()
	req.ElectionType = 0 // preferred
	req.TimeoutMillis = actionTimeoutMillis
	rt := kmsg.NewElectLeadersRequestTopic()
	rt.Topic = a.Topic
	rt.Partitions = a.Elect
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return a.judge(err, nil)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return a.judge(err, nil)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil && !errors.Is(err, kerr.ElectionNotNeeded) {
				return a.judge(err, p.ErrorMessage)
			}
		}
	}
	return nil
}

func reassign(ctx context.Context, cl *kgo.Client, a Action) error {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.TimeoutMillis = actionTimeoutMillis
	rt := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	rt.Topic = a.Topic
	for _, as := range a.Assignments {
		rp := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		rp.Partition = as.Partition
		rp.Replicas = as.Replicas
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return a.judge(err, nil)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return a.judge(err, resp.ErrorMessage)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return a.judge(err, p.ErrorMessage)
			}
		}
	}
	return nil
}

func alterConfig(ctx context.Context, cl *kgo.Client, a Action) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	rr := kmsg.NewIncrementalAlterConfigsRequestResource()
	rr.ResourceType = kmsg.ConfigResourceTypeTopic
	rr.ResourceName = a.Topic
	for _, s := range a.Settings {
		rc := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		rc.Name = s.Name
		rc.Op = kmsg.IncrementalAlterConfigOpSet
		rc.Value = kmsg.StringPtr(s.Value)
		rr.Configs = append(rr.Configs, rc)
	}
	req.Resources = append(req.Resources, rr)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return a.judge(err, nil)
	}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return a.judge(err, r.ErrorMessage)
		}
	}
	return nil
}

// judge makes a *Refusal of an answer that will not change by asking again
// soon, and wraps any other error.
func (a Action) judge(err error, message *string) error {
	var ke *kerr.Error
	switch {
	case errors.As(err, &ke) && !ke.Retriable && !errors.Is(err, kerr.ReassignmentInProgress):
		return &Refusal{Topic: a.Topic, Kind: a.Kind, Reason: ke.Message, Detail: deref(message), key: a.key()}
	case tooOld(err):
		return &Refusal{Topic: a.Topic, Kind: a.Kind, Reason: kerr.UnsupportedVersion.Message, key: a.key()}
	}
	return fmt.Errorf("%s: %w", a, err)
}

// tooOld recognises kgo's own errors for requests that the broker does not
// know; kgo does not export them.
func tooOld(err error) bool {
	s := err.Error()
	return strings.Contains(s, "broker is too old") || strings.Contains(s, "request key is unknown")
}

// assignmentMayBeWhy tells which refusals may be about a manual assignment.
func assignmentMayBeWhy(reason string) bool {
	switch reason {
	case kerr.InvalidReplicaAssignment.Message, kerr.InvalidRequest.Message,
		kerr.PolicyViolation.Message, kerr.UnsupportedVersion.Message:
		return true
	}
	return false
}
