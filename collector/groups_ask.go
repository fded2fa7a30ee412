package collector

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

const signalGroups = "consumer_groups"

var rightDescribeGroups = kind.Right{
	Operation: "Describe", ResourceType: "Group", ResourceName: "*", Purpose: "groups, their commits and members",
}

// ask asks every broker for the groups that it coordinates, their commits and
// members. complete is whether all brokers named theirs.
func (g *groups) ask(ctx context.Context, l *leadership) (all []*group, complete bool) {
	var mu sync.Mutex
	complete = true
	someGroup := false
	g.given = new(grants)
	eachBroker(l.brokers, func(id int32) {
		mine, named, err := g.list(ctx, id)
		if err != nil {
			g.account.Failed(id, err)
		} else {
			g.askCommits(ctx, l, id, mine)
			g.describe(ctx, id, mine)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, mine...)
		complete = complete && err == nil
		someGroup = someGroup || named
	})
	if complete && !someGroup { // so says a cluster too that lets the client describe none
		if err := askForGroup(ctx, l.via, nobodys); refused(err) {
			g.given.refuse(err)
		}
	}
	g.given.report(g.account, signalGroups, rightDescribeGroups)
	return all, complete
}

// askForGroup returns what a broker says against the group; it need not coordinate it to refuse it.
func askForGroup(ctx context.Context, broker *kgo.Broker, id string) error {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{id}
	resp, err := request[*kmsg.DescribeGroupsResponse](ctx, broker, req, answerTimeout)
	if err != nil || len(resp.Groups) != 1 {
		return err
	}
	return kerr.ErrorForCode(resp.Groups[0].ErrorCode)
}

// list returns the groups that a broker coordinates and that the settings choose, and whether it named any.
func (g *groups) list(ctx context.Context, id int32) (mine []*group, named bool, err error) {
	resp, err := askInTime(ctx, func(ctx context.Context) (*kmsg.ListGroupsResponse, error) {
		return kmsg.NewPtrListGroupsRequest().RequestWith(ctx, g.client.Broker(int(id)))
	})
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, false, err
	}
	for _, r := range resp.Groups {
		if !g.include.MatchString(r.Group) || g.exclude.MatchString(r.Group) {
			continue
		}
		of := &group{id: r.Group, kind: r.GroupType, state: r.GroupState, coordinator: id, idle: -1}
		if of.kind == "" {
			of.kind = typeClassic // before Kafka 3.8 there was no other
		}
		if of.state == "" {
			of.state = stateUnknown // before Kafka 2.6, until described
		}
		mine = append(mine, of)
	}
	return mine, len(resp.Groups) > 0, nil
}

// askCommits asks the coordinator for all that its groups committed: share
// groups in one request, all others in another.
func (g *groups) askCommits(ctx context.Context, l *leadership, id int32, mine []*group) {
	share, others := make(map[string]*group), make(map[string]*group)
	for _, of := range mine {
		if of.kind == typeShare {
			share[of.id] = of
		} else {
			others[of.id] = of
		}
	}
	if len(others) > 0 {
		g.fetchOffsets(ctx, l, id, others)
	}
	if len(share) > 0 {
		g.fetchShareOffsets(ctx, l, id, share)
	}
}

// fetchOffsets takes the groups one by one where the broker does not know
// several in a request (before Kafka 3.0).
func (g *groups) fetchOffsets(ctx context.Context, l *leadership, id int32, of map[string]*group) {
	ask := func(ids []string) (*kmsg.OffsetFetchResponse, bool) {
		resp, err := askInTime(ctx, func(ctx context.Context) (*kmsg.OffsetFetchResponse, error) {
			req := kmsg.NewPtrOffsetFetchRequest()
			req.Group, req.Topics = ids[0], nil // nil: all that it committed
			for _, name := range ids {
				one := kmsg.NewOffsetFetchRequestGroup()
				one.Group, one.Topics, one.MemberEpoch = name, nil, -1
				req.Groups = append(req.Groups, one)
			}
			return req.RequestWith(ctx, g.client.Broker(int(id)))
		})
		if err != nil {
			g.account.Failed(id, err)
		}
		return resp, err == nil
	}
	resp, ok := ask(keys(of))
	if ok && resp.Version >= 8 {
		for i := range resp.Groups {
			if group := of[resp.Groups[i].Group]; group != nil {
				g.takeCommits(l, group, &resp.Groups[i])
			}
		}
		return
	}
	for name, group := range of {
		if !ok { // no answer at all: neither for the others
			return
		}
		if resp, ok = ask([]string{name}); ok {
			g.takeCommits(l, group, oneGroup(resp))
		}
	}
}

// oneGroup returns an answer of the old form in the new one.
func oneGroup(resp *kmsg.OffsetFetchResponse) *kmsg.OffsetFetchResponseGroup {
	out := &kmsg.OffsetFetchResponseGroup{ErrorCode: resp.ErrorCode}
	for _, t := range resp.Topics {
		topic := kmsg.OffsetFetchResponseGroupTopic{Topic: t.Topic}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, kmsg.OffsetFetchResponseGroupTopicPartition{
				Partition: p.Partition, Offset: p.Offset, ErrorCode: p.ErrorCode,
			})
		}
		out.Topics = append(out.Topics, topic)
	}
	return out
}

func (g *groups) takeCommits(l *leadership, of *group, answer *kmsg.OffsetFetchResponseGroup) {
	if !g.given.take(g.account, of.coordinator, kerr.ErrorForCode(answer.ErrorCode)) {
		return
	}
	of.fetched = true
	for _, t := range answer.Topics {
		name := l.name(t.Topic, t.TopicID)
		if _, chosen := l.topics[name]; !chosen {
			continue
		}
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				g.account.Failed(of.coordinator, kerr.ErrorForCode(p.ErrorCode))
				of.fetched = false
			} else if p.Offset >= 0 {
				of.commits = append(of.commits, commit{name, p.Partition, p.Offset, -1})
			}
		}
	}
}

// fetchShareOffsets takes the start offsets of share groups for their commits:
// what is before them has been dealt with.
func (g *groups) fetchShareOffsets(ctx context.Context, l *leadership, id int32, of map[string]*group) {
	resp, err := askInTime(ctx, func(ctx context.Context) (*kmsg.DescribeShareGroupOffsetsResponse, error) {
		req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
		for _, name := range keys(of) {
			one := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
			one.GroupID, one.Topics = name, nil // all
			req.Groups = append(req.Groups, one)
		}
		return req.RequestWith(ctx, g.client.Broker(int(id)))
	})
	if err != nil {
		g.account.Failed(id, err)
		return
	}
	for _, answer := range resp.Groups {
		group := of[answer.GroupID]
		if group == nil || !g.given.take(g.account, id, kerr.ErrorForCode(answer.ErrorCode)) {
			continue
		}
		group.fetched = true
		for _, t := range answer.Topics {
			name := l.name(t.Topic, t.TopicID)
			if _, chosen := l.topics[name]; !chosen {
				continue
			}
			for _, p := range t.Partitions {
				if p.ErrorCode != 0 {
					g.account.Failed(id, kerr.ErrorForCode(p.ErrorCode))
					group.fetched = false
				} else if p.StartOffset >= 0 {
					group.commits = append(group.commits, commit{name, p.Partition, p.StartOffset, p.Lag})
				}
			}
		}
	}
}

// name returns a topic's name by whichever of the two the broker sent.
func (l *leadership) name(name string, id [16]byte) string {
	if name != "" {
		return name
	}
	return l.names[id]
}
