package collector

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe asks the coordinator for state and members of its groups, with one
// request for each type: Kafka 4 answers GROUP_ID_NOT_FOUND to the wrong one.
func (g *groups) describe(ctx context.Context, id int32, mine []*group) {
	byType := make(map[string]map[string]*group)
	for _, of := range mine {
		if byType[of.kind] == nil {
			byType[of.kind] = make(map[string]*group)
		}
		byType[of.kind][of.id] = of
	}
	for name, ask := range map[string]func(context.Context, *kgo.Broker, map[string]*group) ([]description, error){
		typeClassic: describeClassic, typeConsumer: describeConsumer, typeShare: describeShare, typeStreams: describeStreams,
	} {
		of := byType[name]
		if len(of) == 0 {
			continue
		}
		answers, err := askInTime(ctx, func(ctx context.Context) ([]description, error) {
			return ask(ctx, g.client.Broker(int(id)), of)
		})
		if err != nil {
			g.account.Failed(id, err)
			continue
		}
		for _, d := range answers {
			if group := of[d.id]; group != nil && g.given.take(g.account, id, d.err) {
				group.described, group.members, group.idle = true, d.members, d.idle
				group.state = d.state
			}
		}
	}
}

// description is what a coordinator says of a group.
type description struct {
	id, state string
	members   int
	idle      int // members without a partition, -1 where unknown
	err       error
}

func describeClassic(ctx context.Context, broker *kgo.Broker, of map[string]*group) ([]description, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = keys(of)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return nil, err
	}
	var all []description
	for _, r := range resp.Groups {
		d := description{id: r.Group, state: r.State, members: len(r.Members), idle: -1, err: kerr.ErrorForCode(r.ErrorCode)}
		// Other protocols (Connect's) assign something else; while a group
		// rebalances nobody has anything.
		if r.ProtocolType == "consumer" && (r.State == "Stable" || r.State == stateEmpty) {
			d.idle = 0
			for _, m := range r.Members {
				var assignment kmsg.ConsumerMemberAssignment
				if len(m.MemberAssignment) > 0 && assignment.ReadFrom(m.MemberAssignment) != nil {
					d.idle = -1 // an assignor with a format of its own
					break
				}
				if assigned(assignment.Topics, func(t kmsg.ConsumerMemberAssignmentTopic) int { return len(t.Partitions) }) == 0 {
					d.idle++
				}
			}
		}
		all = append(all, d)
	}
	return all, nil
}

func describeConsumer(ctx context.Context, broker *kgo.Broker, of map[string]*group) ([]description, error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = keys(of)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return nil, err
	}
	var all []description
	for _, r := range resp.Groups {
		d := description{id: r.Group, state: r.State, members: len(r.Members), err: kerr.ErrorForCode(r.ErrorCode)}
		for _, m := range r.Members {
			if assigned(m.Assignment.TopicPartitions, func(t kmsg.AssignmentTopicPartition) int { return len(t.Partitions) }) == 0 {
				d.idle++
			}
		}
		all = append(all, d)
	}
	return all, nil
}

func describeShare(ctx context.Context, broker *kgo.Broker, of map[string]*group) ([]description, error) {
	req := kmsg.NewPtrShareGroupDescribeRequest()
	req.GroupIDs = keys(of)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return nil, err
	}
	var all []description
	for _, r := range resp.Groups {
		d := description{id: r.GroupID, state: r.GroupState, members: len(r.Members), err: kerr.ErrorForCode(r.ErrorCode)}
		for _, m := range r.Members {
			if assigned(m.Assignment.TopicPartitions, func(t kmsg.ShareGroupDescribeResponseGroupMemberAssignmentTopicPartition) int {
				return len(t.Partitions)
			}) == 0 {
				d.idle++
			}
		}
		all = append(all, d)
	}
	return all, nil
}

func describeStreams(ctx context.Context, broker *kgo.Broker, of map[string]*group) ([]description, error) {
	req := kmsg.NewPtrStreamsGroupDescribeRequest()
	req.Groups = keys(of)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return nil, err
	}
	var all []description
	for _, r := range resp.Groups {
		d := description{id: r.Group, state: r.State, members: len(r.Members), err: kerr.ErrorForCode(r.ErrorCode)}
		for _, m := range r.Members {
			if assigned(m.Assignment.ActiveTasks, func(t kmsg.TaskIDs) int { return len(t.Partitions) }) == 0 {
				d.idle++
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// assigned adds up the partitions of a member.
func assigned[T any](topics []T, partitions func(T) int) (n int) {
	for _, t := range topics {
		n += partitions(t)
	}
	return n
}
