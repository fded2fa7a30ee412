package topics

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// shape is what a topic made by hand should look like on that many brokers.
func (s Spec) shape(brokers int) (partitions int, replicationFactor int16, settings []Setting) {
	brokers = max(1, brokers)
	rf := s.replicationFactor(brokers)
	return brokers * s.perBroker(), rf, s.Settings(rf)
}

// PrintKafkaTopics writes the kafka-topics.sh command that creates the topic.
func PrintKafkaTopics(w io.Writer, s Spec, brokers int) error {
	n, rf, settings := s.shape(brokers)
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-topics.sh --bootstrap-server \"$BOOTSTRAP_SERVERS\" --create --if-not-exists \\\n")
	fmt.Fprintf(&b, "  --topic %s --partitions %d --replication-factor %d", s.Topic, n, rf)
	for _, c := range settings {
		fmt.Fprintf(&b, " \\\n  --config %s=%s", c.Name, c.Value)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintStrimzi writes a KafkaTopic resource for Strimzi's topic operator.
func PrintStrimzi(w io.Writer, s Spec, brokers int) error {
	n, rf, settings := s.shape(brokers)
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata:
  name: %s
  labels:
    strimzi.io/cluster: my-cluster # the name of your Kafka resource
spec:
  topicName: %s
  partitions: %d
  replicas: %d
  config:
`, resourceName(s.Topic, '-'), strconv.Quote(s.Topic), n, rf)
	for _, c := range settings {
		fmt.Fprintf(&b, "    %s: %s\n", c.Name, strconv.Quote(c.Value))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintTerraform writes a kafka_topic resource for the Terraform provider
// Mongey/kafka.
func PrintTerraform(w io.Writer, s Spec, brokers int) error {
	n, rf, settings := s.shape(brokers)
	var b strings.Builder
	fmt.Fprintf(&b, "resource \"kafka_topic\" %q {\n", resourceName(s.Topic, '_'))
	fmt.Fprintf(&b, "  name               = %q\n  partitions         = %d\n  replication_factor = %d\n\n  config = {\n", s.Topic, n, rf)
	for _, c := range settings {
		fmt.Fprintf(&b, "    %-32q = %q\n", c.Name, c.Value)
	}
	b.WriteString("  }\n}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// resourceName turns a topic name into one that Kubernetes ('-') or Terraform
// ('_') takes.
func resourceName(topic string, filler rune) string {
	return strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			return r
		}
		return filler
	}, strings.ToLower(topic))
}
