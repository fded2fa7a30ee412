package topics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Broker is one broker that the cluster knows.
type Broker struct {
	ID    int32  // node id
	Rack  string // "" when it has none
	Alive bool   // false: fenced, shut down or crashed
}

// Partition is one partition of the topic.
type Partition struct {
	ID          int32
	Leader      int32   // node id, -1 without a leader
	LeaderEpoch int32   // -1 when the broker does not say
	Replicas    []int32 // node ids, the preferred leader first
	ISR         []int32 // in-sync replicas
	Offline     []int32 // replicas on dead brokers or broken disks
}

// Preferred is the node id of the preferred leader, -1 without replicas.
func (p Partition) Preferred() int32 {
	if len(p.Replicas) == 0 {
		return -1
	}
	return p.Replicas[0]
}

// Value is a topic setting as the cluster reports it.
type Value struct {
	Value    string
	Explicit bool // set on the topic, not inherited from broker or cluster
}

// Observed is the state of one topic and of the brokers at one moment.
type Observed struct {
	Topic           string
	Brokers         []Broker         // sorted by id; alive ones, and dead ones as far as they are known
	BrokersComplete bool             // dead brokers are listed by the cluster too (Kafka 4.0 and later)
	Exists          bool             // the topic exists
	TopicID         [16]byte         // zero before Kafka 2.8
	Partitions      []Partition      // sorted by id
	Config          map[string]Value // nil when the settings may not or cannot be read
	TopicErr        *kerr.Error      // why Kafka does not show the topic (rights, bad name), or nil
	ConfigErr       error            // why Config is nil, or nil
}

// Live lists the ids of the brokers that are alive, ascending.
func (o Observed) Live() []int32 {
	var live []int32
	for _, b := range o.Brokers {
		if b.Alive {
			live = append(live, b.ID)
		}
	}
	return live
}

// Observe asks the cluster, bypassing the client's metadata cache. The error
// means that nothing is known (no broker answered); what the cluster refuses
// to tell is in TopicErr and ConfigErr instead. It never creates the topic.
func Observe(ctx context.Context, cl *kgo.Client, topic string) (Observed, error) {
	o := Observed{Topic: topic}
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, rt)
	meta, err := req.RequestWith(ctx, cl)
	if err != nil {
		return o, fmt.Errorf("read metadata of topic %s: %w", topic, err)
	}
	if err := o.takeTopic(meta); err != nil {
		return o, err
	}
	if err := o.takeBrokers(ctx, cl, meta); err != nil {
		return o, err
	}
	if o.Exists {
		o.Config, o.ConfigErr = describeTopic(ctx, cl, topic)
		if o.ConfigErr != nil && ctx.Err() != nil {
			return o, o.ConfigErr
		}
	}
	return o, nil
}

func (o *Observed) takeTopic(meta *kmsg.MetadataResponse) error {
	if len(meta.Topics) != 1 {
		return fmt.Errorf("read metadata of topic %s: got %d topics, asked for 1", o.Topic, len(meta.Topics))
	}
	t := meta.Topics[0]
	switch err := kerr.TypedErrorForCode(t.ErrorCode); {
	case err == nil:
		o.Exists = true
	case errors.Is(err, kerr.UnknownTopicOrPartition):
	case err.Retriable:
		return fmt.Errorf("read metadata of topic %s: %w", o.Topic, err)
	default:
		o.TopicErr = err
	}
	o.TopicID = t.TopicID
	for _, p := range t.Partitions {
		o.Partitions = append(o.Partitions, Partition{
			ID: p.Partition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
			Replicas: p.Replicas, ISR: p.ISR, Offline: p.OfflineReplicas,
		})
	}
	slices.SortFunc(o.Partitions, func(a, b Partition) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// takeBrokers joins what metadata (alive brokers), DescribeCluster (fenced
// ones too, Kafka 4.0 and later) and the replica lists say. A broker is alive
// only when no source denies it: a stale answer must delay, not mislead.
func (o *Observed) takeBrokers(ctx context.Context, cl *kgo.Client, meta *kmsg.MetadataResponse) error {
	known := map[int32]Broker{}
	for _, p := range o.Partitions {
		for _, id := range p.Replicas {
			known[id] = Broker{ID: id}
		}
	}
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeFencedBrokers = true
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	fenced := map[int32]bool{}
	switch {
	case err == nil:
		o.BrokersComplete = resp.Version >= 2
		for _, b := range resp.Brokers {
			known[b.NodeID] = Broker{ID: b.NodeID, Rack: deref(b.Rack)}
			fenced[b.NodeID] = b.IsFenced
		}
	case ctx.Err() != nil:
		return fmt.Errorf("describe cluster: %w", err)
	default: // Kafka before 2.8 does not know the request: live brokers and replica lists must do
	}
	for _, b := range meta.Brokers {
		known[b.NodeID] = Broker{ID: b.NodeID, Rack: deref(b.Rack), Alive: !fenced[b.NodeID]}
	}
	o.Brokers = make([]Broker, 0, len(known))
	for _, b := range known {
		o.Brokers = append(o.Brokers, b)
	}
	slices.SortFunc(o.Brokers, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// describeTopic reads the settings of a topic; it needs DescribeConfigs on it.
func describeTopic(ctx context.Context, cl *kgo.Client, topic string) (map[string]Value, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	rr := kmsg.NewDescribeConfigsRequestResource()
	rr.ResourceType = kmsg.ConfigResourceTypeTopic
	rr.ResourceName = topic
	req.Resources = append(req.Resources, rr)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("describe settings of topic %s: %w", topic, err)
	}
	config := map[string]Value{}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return nil, fmt.Errorf("describe settings of topic %s: %w", topic, err)
		}
		for _, c := range r.Configs {
			explicit := c.Source == kmsg.ConfigSourceDynamicTopicConfig || (c.Source < 0 && !c.IsDefault)
			config[c.Name] = Value{Value: deref(c.Value), Explicit: explicit}
		}
	}
	return config, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
