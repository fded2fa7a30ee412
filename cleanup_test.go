package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestCleanup(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answer  string
		args    []string
		code    int
		want    string
		deleted bool
	}{
		{"no", "n\n", nil, 0, "default: nothing deleted\n", false},
		{"just return", "\n", nil, 0, "default: nothing deleted\n", false},
		{"anything else", "maybe\n", nil, 0, "default: nothing deleted\n", false},
		{"nobody to ask", "", nil, 1, "kafka_prober: cluster default: nothing deleted: nobody answers; --yes deletes without asking\n", false},
		{"yes", "Y\n", nil, 0, "default: topic " + steadyTopic + " deleted\n", true},
		{"not asked", "", []string{"--yes"}, 0, "default: topic " + steadyTopic + " deleted\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := fakeKafka(t, 1, kfake.SeedTopics(2, steadyTopic, "orders"))
			got := runWithInput(tt.answer, append([]string{"cleanup", servers(c)}, tt.args...)...)
			got.says(t, tt.code, "default: topic "+steadyTopic+", 2 partition(s), would be deleted\n", tt.want)
			if gone := c.TopicInfo(steadyTopic) == nil; gone != tt.deleted {
				t.Errorf("topic gone: %v, want %v", gone, tt.deleted)
			}
			if c.TopicInfo("orders") == nil {
				t.Error("deleted a topic that is not the prober's")
			}
		})
	}
}

func TestCleanupWithoutOwnTopics(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1, kfake.SeedTopics(1, "orders"))
	runCommand("cleanup", servers(c)).says(t, 0, "default: the probes have no topic here that could be deleted\n")

	path := writeConfig(t, c, "clusters: [{name: prod, bootstrap_servers: %SERVERS%, probes: [{kind: steady, topic: orders}]}]")
	runCommand("cleanup", "--yes", "--config.file="+path).says(t, 0,
		"prod: topic orders is kept: it does not look like a topic that the prober made: delete it by hand if it is\n")
	if c.TopicInfo("orders") == nil {
		t.Error("deleted an application's topic")
	}
}

func TestCleanupUnreachable(t *testing.T) {
	t.Parallel()
	runCommand("cleanup", "--yes", "--kafka.bootstrap-servers="+freeAddress(t)).says(t, 1,
		"kafka_prober: cluster default: nothing deleted: nobody listens on that port")
}
