package main

import (
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestCheckSaysWhatTheDaemonWouldDo is a cluster without the probe's topic.
func TestCheckSaysWhatTheDaemonWouldDo(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 3)
	written := observeWrites(c)
	runCommand("check", servers(c)).says(t, 0,
		"configuration: every key is understood, 1 cluster\n",
		"ok       bootstrap server "+c.ListenAddrs()[0]+" answers",
		"ok       broker 0 at 127.0.0.1:", "ok       broker 1 at 127.0.0.1:", "ok       broker 2 at 127.0.0.1:",
		"probe steady (steady)",
		"would    create topic "+steadyTopic+" with 3 partitions, replication factor 3, min.insync.replicas 2",
		"all is well: the daemon can do its job\n")
	if keys := written(); len(keys) > 0 {
		t.Errorf("check wrote to the cluster: %v", keys)
	}
	if c.TopicInfo(steadyTopic) != nil {
		t.Error("check created the topic")
	}
}

// TestCheckTopics is about topics that exist and can't serve, or that can't be made.
func TestCheckTopics(t *testing.T) {
	t.Parallel()
	const cluster = "clusters: [{name: prod, bootstrap_servers: %SERVERS%, "
	for _, tt := range []struct {
		name       string
		yaml       string            // after the cluster's name and servers
		partitions int32             // of the topic; 0: there is none
		settings   map[string]string // of the topic
		code       int
		want       string
	}{
		{"compacted", `probes: [{kind: steady}]}]`, 3, map[string]string{"cleanup.policy": "compact"}, 1,
			"PROBLEM  topic " + steadyTopic + " has cleanup.policy=compact: probe records would be refused or vanish before they are read: set cleanup.policy=delete or probe another topic"},
		{"message size above the topic's limit", `probes: [{kind: steady, size: 4KiB}]}]`, 3, map[string]string{"max.message.bytes": "2000"}, 1,
			"PROBLEM  topic " + steadyTopic + " takes at most 2000 bytes a batch (max.message.bytes), the probe needs 4352: raise the setting or lower the probe's size"},
		{"too few partitions, none may be added", `topic_management: none, probes: [{kind: steady}]}]`, 1, nil, 1,
			"PROBLEM  topic " + steadyTopic + " (1 partition): no probed partition is led by brokers"},
		{"too few partitions, of somebody else's topic", `probes: [{kind: steady, topic: orders}]}]`, 1, nil, 1,
			"the topic does not look like the prober's own, so no partition is added: give the probe a topic of its own"},
		{"too few partitions, to be added", `probes: [{kind: steady}]}]`, 1, nil, 0,
			"would    add 2 partitions to topic " + steadyTopic},
		{"replication factor above the number of brokers", `probes: [{kind: steady, replication_factor: 5}]}]`, 0, nil, 1,
			"PROBLEM  topic " + steadyTopic + ": replication_factor 5 is above the number of brokers (3): lower it or add brokers"},
		{"missing, none may be made", `topic_management: none, probes: [{kind: steady}]}]`, 0, nil, 1,
			"PROBLEM  topic " + steadyTopic + " does not exist and topic_management is none: create it (check --print-topics prints how) or set topic_management: create"},
		{"no probe", `probes: []}]`, 0, nil, 0,
			"warning  no probe is configured: nothing is measured on this cluster"},
		{"fewer brokers than expected", `expected_brokers: 4, probes: []}]`, 0, nil, 1,
			"PROBLEM  the cluster has 3 broker(s), expected_brokers says 4: start the others, or mend the configuration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := fakeKafka(t, 3)
			for _, topic := range []string{steadyTopic, "orders"} {
				if tt.partitions > 0 {
					if err := c.CreateTopic(topic, tt.partitions, tt.settings); err != nil {
						t.Fatal(err)
					}
				}
			}
			written := observeWrites(c)
			got := runCommand("check", "--config.file="+writeConfig(t, c, cluster+tt.yaml))
			got.says(t, tt.code, tt.want)
			if tt.code != 0 {
				got.says(t, tt.code, "kafka_prober: the daemon could not do its whole job on prod: see each PROBLEM above\n")
			}
			if keys := written(); len(keys) > 0 {
				t.Errorf("check wrote to the cluster: %v", keys)
			}
		})
	}
}

// TestCheckRights is a cluster whose prober may see its topic but not write to it, and one where it may
// not create it.
func TestCheckRights(t *testing.T) {
	t.Parallel()
	t.Run("write", func(t *testing.T) {
		t.Parallel()
		c := fakeKafka(t, 1, kfake.SeedTopics(1, steadyTopic))
		c.ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			req := kreq.(*kmsg.MetadataRequest)
			if !req.IncludeTopicAuthorizedOperations {
				return nil, nil, false
			}
			resp := req.ResponseKind().(*kmsg.MetadataResponse)
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic = kmsg.StringPtr(steadyTopic)
			topic.AuthorizedOperations = 1<<operationBits["Read"] | 1<<operationBits["Describe"] | 1<<operationBits["DescribeConfigs"] | 1<<operationBits["Create"]
			resp.Topics = append(resp.Topics, topic)
			return resp, nil, true
		})
		runCommand("check", servers(c)).says(t, 1,
			"PROBLEM  missing right: Write on Topic "+steadyTopic+", needed to send probe records\n",
			`--add --allow-principal User:<prober> --operation Write --topic `+steadyTopic,
			"warning  missing right: Alter on Topic "+steadyTopic+", needed to add partitions for new brokers; the rest goes on without\n")
	})
	t.Run("create", func(t *testing.T) {
		t.Parallel()
		c := fakeKafka(t, 1)
		c.ControlKey(int16(kmsg.CreateTopics), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			req := kreq.(*kmsg.CreateTopicsRequest)
			resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
			topic := kmsg.NewCreateTopicsResponseTopic()
			topic.Topic, topic.ErrorCode = req.Topics[0].Topic, kerr.TopicAuthorizationFailed.Code
			resp.Topics = append(resp.Topics, topic)
			return resp, nil, true
		})
		runCommand("check", servers(c)).says(t, 1,
			"PROBLEM  create_topic of topic "+steadyTopic+" refused: TOPIC_AUTHORIZATION_FAILED: grant the right with kafka-acls.sh")
	})
}

// observeWrites returns the keys of the requests so far that are not known to leave a cluster as it is.
func observeWrites(c *kfake.Cluster) func() []string {
	var mu sync.Mutex
	var written []string
	c.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		reads := false
		switch req := req.(type) {
		case *kmsg.ApiVersionsRequest, *kmsg.DescribeClusterRequest, *kmsg.DescribeConfigsRequest:
			reads = true
		case *kmsg.MetadataRequest:
			reads = !req.AllowAutoTopicCreation
		case *kmsg.CreateTopicsRequest:
			reads = req.ValidateOnly
		case *kmsg.CreatePartitionsRequest:
			reads = req.ValidateOnly
		}
		if !reads {
			mu.Lock()
			defer mu.Unlock()
			written = append(written, kmsg.NameForKey(req.Key()))
		}
		return nil, nil, false
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return written
	}
}
