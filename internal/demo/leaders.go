package demo

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// honourAssignments makes kfake put leaders where a topic's creator asks for them, as Kafka does; by
// itself it puts them anywhere. The topic is there only after the request, so the leaders are moved when
// somebody asks where they are.
func (c *Cluster) honourAssignments() {
	var mu sync.Mutex
	wanted := map[string][]kmsg.CreateTopicsRequestTopicReplicaAssignment{}
	c.kafka.ControlKey(int16(kmsg.CreateTopics), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.kafka.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		create := request.(*kmsg.CreateTopicsRequest)
		for i := range create.Topics {
			t := &create.Topics[i]
			if !create.ValidateOnly && len(t.ReplicaAssignment) > 0 && c.kafka.TopicInfo(t.Topic) == nil {
				wanted[t.Topic] = t.ReplicaAssignment
			}
		}
		return nil, nil, false
	})
	c.kafka.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.kafka.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		for topic, assignment := range wanted {
			if c.kafka.TopicInfo(topic) == nil {
				continue
			}
			for _, a := range assignment {
				// Fails for a broker that is none; then the leader is where kfake put it.
				_ = c.kafka.MoveTopicPartition(topic, a.Partition, a.Replicas[0])
			}
			delete(wanted, topic)
		}
		return nil, nil, false
	})
}
