package collector

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// configsPage is for how many topics one request asks: 500 of 5 settings each are about 100 kB.
const configsPage = 500

// eachTopicConfig asks one broker, any of them knows, for settings of topics by name, in pages, and calls
// fn once for each topic: with the values that the broker told, or with the error of that topic. With an
// error of its own, the topics after the last call are unknown.
func eachTopicConfig(ctx context.Context, broker *kgo.Broker, topics, keys []string, fn func(topic string, values map[string]string, err error)) error {
	for page := range slices.Chunk(topics, configsPage) {
		req := kmsg.NewPtrDescribeConfigsRequest()
		for _, name := range page {
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, name, keys
			req.Resources = append(req.Resources, r)
		}
		resp, err := request[*kmsg.DescribeConfigsResponse](ctx, broker, req, pageLimit)
		if err != nil {
			return fmt.Errorf("describe topic configs: %w", err)
		}
		for i := range resp.Resources {
			r := &resp.Resources[i]
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				fn(r.ResourceName, nil, err)
				continue
			}
			values := make(map[string]string, len(keys))
			for j := range r.Configs {
				if c := &r.Configs[j]; c.Value != nil { // nil: sensitive, or the broker hides it
					values[c.Name] = *c.Value
				}
			}
			fn(r.ResourceName, values, nil)
		}
	}
	return nil
}
