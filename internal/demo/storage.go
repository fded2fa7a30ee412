package demo

import (
	"context"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kfake keeps every record in memory until retention moves the log start past
// the whole segment that holds it. So each partition may keep so many bytes, in
// segments of at most a quarter of that, and retention is applied by a ticker
// of ours: kfake's own runs once an hour, and only if a topic asks for it.
//
// A batch costs about 100 B more than its bytes. With one record of 128 B a
// batch a partition at its limit takes some 4 MB.
const (
	partitionBytes     = 2 << 20 // of topics that others create, the prober's above all
	shopPartitionBytes = 512 << 10
	segmentsPerLog     = 4
	trimInterval       = 5 * time.Second
)

// storageLimits are broker settings: a topic that names no limit gets these.
func storageLimits() map[string]string {
	return map[string]string{
		"log.retention.bytes": strconv.Itoa(partitionBytes),
		"log.segment.bytes":   strconv.Itoa(partitionBytes / segmentsPerLog),
	}
}

func shopTopicConfig() map[string]string {
	return map[string]string{
		"retention.ms":    "3600000",
		"retention.bytes": strconv.Itoa(shopPartitionBytes),
		"segment.bytes":   strconv.Itoa(shopPartitionBytes / segmentsPerLog),
	}
}

// capSegments lowers what a topic's creator asks for. The prober asks for an
// hour of retention and for segments that are small on a disk and large in
// memory; here it gets less, as it would from a cluster with such a policy.
func (c *Cluster) capSegments() {
	c.kafka.ControlKey(int16(kmsg.CreateTopics), func(request kmsg.Request) (kmsg.Response, error, bool) {
		create := request.(*kmsg.CreateTopicsRequest)
		for i := range create.Topics {
			for j := range create.Topics[i].Configs {
				config := &create.Topics[i].Configs[j]
				switch config.Name {
				case "segment.bytes":
					atMost(config, partitionBytes/segmentsPerLog)
				case "retention.bytes":
					atMost(config, partitionBytes)
				}
			}
		}
		return nil, nil, false // kfake goes on with the request as it is now
	})
}

// atMost lowers a size to limit. What is no number is left to kfake to refuse.
func atMost(config *kmsg.CreateTopicsRequestTopicConfig, limit int64) {
	if config.Value == nil {
		return
	}
	size, err := strconv.ParseInt(*config.Value, 10, 64)
	if err != nil || size >= 0 && size <= limit { // -1 is no limit
		return
	}
	lowered := strconv.FormatInt(limit, 10)
	config.Value = &lowered
}

// trim applies retention until ctx is done.
func (c *Cluster) trim(ctx context.Context) {
	ticker := time.NewTicker(c.options.trimInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.kafka.ApplyRetention()
		}
	}
}
