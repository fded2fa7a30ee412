package collector_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// literal is what a cluster says of its topics, word by word, where kfake can't be brought into the state.
type literal struct {
	mu     sync.Mutex
	topics []literalTopic
	moving map[string]map[int32][]int32 // replicas that a reassignment adds
	refuse map[kmsg.Key]int16           // error code to answer requests with
	silent map[kmsg.Key]bool            // requests that are never answered
	asked  map[kmsg.Key]int             // requests seen
}

type literalTopic struct {
	name       string
	internal   bool
	minISR     string // empty: the cluster does not tell
	partitions []literalPartition
}

type literalPartition struct {
	leader        int32
	replicas, isr []int32
	err           int16
}

// speakLiterally makes the cluster answer what l says. A page holds two partitions, so that every topic of
// three spans pages.
func speakLiterally(cluster *kfake.Cluster, l *literal) {
	l.asked = make(map[kmsg.Key]int)
	control := func(key kmsg.Key, answer func(kmsg.Request) kmsg.Response) {
		cluster.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			l.mu.Lock()
			defer l.mu.Unlock()
			l.asked[key]++
			if l.silent[key] {
				return nil, nil, true
			}
			resp := answer(req)
			return resp, nil, resp != nil
		})
	}
	control(kmsg.DescribeTopicPartitions, l.page)
	control(kmsg.ListPartitionReassignments, l.reassignments)
	control(kmsg.DescribeConfigs, l.configs)
}

func (l *literal) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *literal) count(key kmsg.Key) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked[key]
}

func (l *literal) page(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeTopicPartitionsRequest)
	resp := req.ResponseKind().(*kmsg.DescribeTopicPartitionsResponse)
	left := 2
	for _, t := range l.topics {
		first := 0
		if c := req.Cursor; c != nil {
			if t.name < c.Topic {
				continue
			} else if t.name == c.Topic {
				first = int(c.Partition)
			}
		}
		if left == 0 {
			resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseNextCursor{Topic: t.name, Partition: int32(first)}
			return resp
		}
		out := kmsg.NewDescribeTopicPartitionsResponseTopic()
		out.Topic, out.IsInternal = kmsg.StringPtr(t.name), t.internal
		for i := first; i < len(t.partitions); i++ {
			if left == 0 {
				resp.Topics = append(resp.Topics, out)
				resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseNextCursor{Topic: t.name, Partition: int32(i)}
				return resp
			}
			p := t.partitions[i]
			described := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
			described.Partition, described.LeaderID, described.Replicas, described.ISR, described.ErrorCode = int32(i), p.leader, p.replicas, p.isr, p.err
			out.Partitions = append(out.Partitions, described)
			left--
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (l *literal) reassignments(r kmsg.Request) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
	resp.ErrorCode = l.refuse[kmsg.ListPartitionReassignments]
	for name, partitions := range l.moving {
		t := kmsg.NewListPartitionReassignmentsResponseTopic()
		t.Topic = name
		for id, adding := range partitions {
			p := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
			p.Partition, p.AddingReplicas = id, adding
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func (l *literal) configs(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeConfigsRequest)
	resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for _, asked := range req.Resources {
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceName, out.ErrorCode = asked.ResourceName, l.refuse[kmsg.DescribeConfigs]
		i := slices.IndexFunc(l.topics, func(t literalTopic) bool { return t.name == asked.ResourceName })
		if out.ErrorCode == 0 && i >= 0 && l.topics[i].minISR != "" {
			c := kmsg.NewDescribeConfigsResponseResourceConfig()
			c.Name, c.Value = "min.insync.replicas", &l.topics[i].minISR
			out.Configs = append(out.Configs, c)
		}
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

// advertise makes the cluster's brokers say that they know these requests too, in version 0 only.
func advertise(t *testing.T, cluster *kfake.Cluster, nw *network, keys ...kmsg.Key) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:9092"), kgo.Dialer(nw.dial))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	known, err := kmsg.NewPtrApiVersionsRequest().RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		known.ApiKeys = append(known.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: int16(key), MaxVersion: 1})
	}
	cluster.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		resp := *known
		resp.Version = req.GetVersion()
		return &resp, nil, true
	})
}

// member is a collector with its defaults.
func member(t *testing.T, name string) collector.Member {
	t.Helper()
	k, ok := collector.Kinds.Get(name)
	if !ok {
		t.Fatalf("there is no collector %s", name)
	}
	return collector.Member{Name: k.Name, Settings: k.New()}
}

// without drops the lines that begin with one of the prefixes.
func without(text string, prefixes ...string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !hasPrefix(line, prefixes) {
			kept = append(kept, line)
		}
	}
	return lines(kept...)
}
