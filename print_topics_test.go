package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

const twoTopics = `
clusters:
  - name: prod
    bootstrap_servers: ["kafka-1:9092", "kafka-2:9092"]
    probes:
      - kind: steady
      - {kind: steady, name: large, topic: kafka-prober-large-internal, size: 2MiB, replication_factor: 2}
`

// TestPrintTopics compares the whole output of each form, as it is to be piped on.
func TestPrintTopics(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, nil, twoTopics)
	for form, file := range map[string]string{"kafka-topics": "topics.sh", "strimzi": "topics.yaml", "terraform": "topics.tf"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			got := runCommand("check", "--config.file="+path, "--print-topics="+form, "--brokers=3")
			got.says(t, 0)
			if got.stderr != "" {
				t.Errorf("printed on standard error: %s", got.stderr)
			}
			checkGolden(t, file, got.stdout)
		})
	}
}

func TestPrintTopicsCountsBrokers(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 2, kfake.SeedTopics(1, "orders"))
	runCommand("check", servers(c), "--print-topics=kafka-topics").says(t, 0, "--partitions 2 --replication-factor 2")

	runCommand("check", "--kafka.bootstrap-servers="+freeAddress(t), "--print-topics=strimzi").says(t, 1,
		"kafka_prober: cluster default: count its brokers: nobody listens on that port", "give --brokers=N to print without asking\n")
	runCommand("check", servers(c), "--print-topics=ansible").says(t, 2, "must be one of kafka-topics,strimzi,terraform")
}
