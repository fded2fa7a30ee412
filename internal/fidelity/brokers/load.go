package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// load is topics to which records come all the time, and groups that read them. The records are not
// there: a million of them a second take no memory when the brokers only say how many there are.
type load struct{ topics, partitions, groups int }

const (
	loadPrefix  = "load-" // of the topics' names
	loadRate    = 10      // records a second and partition, on average: every topic has its own rate
	loadSize    = 1000    // bytes of a record on disk
	loadReplica = 3       // replicas of a partition
	groupTopics = 10      // topics that a group reads
)

func loadTopic(i int) string { return fmt.Sprintf("%s%04d", loadPrefix, i) }

// ofTopic returns how many records a partition of the topic has where the average has so many.
func ofTopic(name string, records int64) int64 {
	return records * int64(1+crc32.ChecksumIEEE([]byte(name))%1000) / 500
}

func (l load) apply(c *kfake.Cluster) error {
	brokers := len(c.ListenAddrs())
	for i := range l.topics {
		name := loadTopic(i)
		if err := c.CreateTopic(name, int32(l.partitions), nil); err != nil {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
		for p := range l.partitions {
			if err := c.MoveTopicPartition(name, int32(p), int32(p%brokers)); err != nil {
				return fmt.Errorf("let broker %d lead partition %d of topic %s: %w", p%brokers, p, name, err)
			}
		}
	}
	if err := l.commit(c); err != nil {
		return err
	}
	began := time.Now()
	records := func() int64 { return int64(time.Since(began).Seconds() * loadRate) }
	c.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := listOffsets(req.(*kmsg.ListOffsetsRequest), records())
		return resp, nil, resp != nil
	})
	c.ControlKey(int16(kmsg.DescribeLogDirs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := l.describeLogDirs(req.(*kmsg.DescribeLogDirsRequest), int(c.CurrentNode()), brokers, records())
		return resp, nil, resp != nil
	})
	return nil
}

// commit lets the groups commit offset 0 on every partition of their topics.
func (l load) commit(c *kfake.Cluster) error {
	if l.groups == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		return err
	}
	defer client.Close()
	for g := range l.groups {
		var offsets kadm.Offsets
		for t := range min(groupTopics, l.topics) {
			for p := range l.partitions {
				offsets.AddOffset(loadTopic((g*groupTopics+t)%l.topics), int32(p), 0, -1)
			}
		}
		if err := kadm.NewClient(client).CommitAllOffsets(context.Background(), fmt.Sprintf("reader-%03d", g), offsets); err != nil {
			return fmt.Errorf("commit offsets: %w", err)
		}
	}
	return nil
}

// listOffsets answers for logs that begin at 0 and hold so many records each. It returns nil, for the
// cluster to answer, if nobody asks for topics of the load.
func listOffsets(req *kmsg.ListOffsetsRequest, records int64) kmsg.Response {
	resp, loaded := req.ResponseKind().(*kmsg.ListOffsetsResponse), false
	for i := range req.Topics {
		asked := &req.Topics[i]
		loaded = loaded || strings.HasPrefix(asked.Topic, loadPrefix)
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = asked.Topic
		end := ofTopic(asked.Topic, records)
		for _, p := range asked.Partitions {
			answer := kmsg.NewListOffsetsResponseTopicPartition()
			answer.Partition, answer.Offset = p.Partition, 0
			if p.Timestamp == -1 {
				answer.Offset = end
			}
			topic.Partitions = append(topic.Partitions, answer)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	if !loaded {
		return nil
	}
	return resp
}

// describeLogDirs answers as the node: with the logs that are asked for, or all of which it has a replica.
func (l load) describeLogDirs(req *kmsg.DescribeLogDirsRequest, node, brokers int, records int64) kmsg.Response {
	resp, loaded := req.ResponseKind().(*kmsg.DescribeLogDirsResponse), req.Topics == nil
	dir := kmsg.NewDescribeLogDirsResponseDir()
	dir.Dir, dir.TotalBytes, dir.UsableBytes = "/data", 1<<40, 1<<39
	add := func(name string, partitions []int32) {
		topic := kmsg.NewDescribeLogDirsResponseDirTopic()
		topic.Topic = name
		size := ofTopic(name, records) * loadSize
		for _, number := range partitions {
			p := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
			p.Partition, p.Size = number, size
			topic.Partitions = append(topic.Partitions, p)
		}
		dir.Topics = append(dir.Topics, topic)
	}
	for i := range req.Topics {
		loaded = loaded || strings.HasPrefix(req.Topics[i].Topic, loadPrefix)
		add(req.Topics[i].Topic, req.Topics[i].Partitions)
	}
	if req.Topics == nil {
		var mine []int32
		for p := range l.partitions {
			if (node-p%brokers+brokers)%brokers < loadReplica {
				mine = append(mine, int32(p))
			}
		}
		for i := range l.topics {
			add(loadTopic(i), mine)
		}
	}
	if !loaded || l.topics == 0 {
		return nil
	}
	resp.Dirs = append(resp.Dirs, dir)
	return resp
}
