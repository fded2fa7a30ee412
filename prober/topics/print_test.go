package topics

import (
	"io"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	s := Spec{Topic: "kafka-prober-steady-internal"}
	for _, tt := range []struct {
		name  string
		print func(io.Writer, Spec, int) error
		want  string
	}{{
		"kafka-topics", PrintKafkaTopics, `kafka-topics.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --create --if-not-exists \
  --topic kafka-prober-steady-internal --partitions 3 --replication-factor 3 \
  --config cleanup.policy=delete \
  --config compression.type=producer \
  --config message.timestamp.type=CreateTime \
  --config min.insync.replicas=2 \
  --config retention.ms=3600000 \
  --config segment.bytes=67108864 \
  --config segment.ms=600000 \
  --config unclean.leader.election.enable=false
`}, {
		"strimzi", PrintStrimzi, `apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata:
  name: kafka-prober-steady-internal
  labels:
    strimzi.io/cluster: my-cluster # the name of your Kafka resource
spec:
  topicName: "kafka-prober-steady-internal"
  partitions: 3
  replicas: 3
  config:
    cleanup.policy: "delete"
    compression.type: "producer"
    message.timestamp.type: "CreateTime"
    min.insync.replicas: "2"
    retention.ms: "3600000"
    segment.bytes: "67108864"
    segment.ms: "600000"
    unclean.leader.election.enable: "false"
`}, {
		"terraform", PrintTerraform, `resource "kafka_topic" "kafka_prober_steady_internal" {
  name               = "kafka-prober-steady-internal"
  partitions         = 3
  replication_factor = 3

  config = {
    "cleanup.policy"                 = "delete"
    "compression.type"               = "producer"
    "message.timestamp.type"         = "CreateTime"
    "min.insync.replicas"            = "2"
    "retention.ms"                   = "3600000"
    "segment.bytes"                  = "67108864"
    "segment.ms"                     = "600000"
    "unclean.leader.election.enable" = "false"
  }
}
`}} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := tt.print(&b, s, 3); err != nil {
				t.Fatal(err)
			}
			if b.String() != tt.want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), tt.want)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	s := Spec{Topic: "t", MaxMessageBytes: 2_000_000, MinISR: 1, Config: map[string]string{"retention.ms": "60000", "retention.bytes": "1"}}
	var got []string
	for _, c := range s.Settings(3) {
		if c.Class == ClassRequired {
			got = append(got, c.Name+"="+c.Value)
		}
	}
	if s := strings.Join(got, " "); s != "cleanup.policy=delete max.message.bytes=2000000 retention.bytes=1 retention.ms=60000" {
		t.Errorf("required: %s", s)
	}
}

func TestParseMode(t *testing.T) {
	for _, m := range []Mode{ModeNone, ModeCreate, ModeFull} {
		if got, err := ParseMode(m.String()); got != m || err != nil {
			t.Errorf("%s: got %s, %v", m, got, err)
		}
	}
	if _, err := ParseMode("all"); err == nil || err.Error() != `topic_management "all" is unknown: use none, create or full` {
		t.Errorf("got %v", err)
	}
}
