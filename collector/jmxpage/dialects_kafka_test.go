//go:build kafka

package jmxpage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/collector/jmxpage"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// Partitions and records of the test's topic.
const (
	partitions = 4
	records    = 200
)

// unrecorded is a page that was recorded apart, with Jolokia's of the same moment: the reporter's library
// and jmx_exporter's agent do not get on in one broker.
const unrecorded = "strimzi_reporter.prom"

// TestDialectsOfARealBroker brings a broker into a state that shows (a follower away, a refused write,
// flushes, reads), lets it rest, and reads it through every dialect: each page tells the same, and the same
// as the cluster says over Kafka's protocol. UPDATE_GOLDEN=1 records the pages for TestDialects.
func TestDialectsOfARealBroker(t *testing.T) {
	cluster := kafkatest.Start(t, kafkatest.Brokers(2), kafkatest.JMXPages(), kafkatest.Jolokia())
	loseFollower(t, cluster)

	pages := make(map[string][]byte, len(recorded))
	rest(t, cluster, func(jolokia []byte) {
		pages["jolokia.json"] = jolokia
		for _, d := range recorded {
			rules := filepath.Join("testdata/rules", strings.TrimSuffix(d.file, ".prom")+".yml")
			switch d.file {
			case "jolokia.json", unrecorded:
				continue
			case "ours.prom":
				rules = "../../deploy/jmx_exporter/kafka.yml"
			}
			text, err := os.ReadFile(rules)
			if err != nil {
				t.Fatal(err)
			}
			if err := cluster.SetJMXRules(text); err != nil {
				t.Fatal(err)
			}
			pages[d.file] = get(t, cluster.Broker(1).JMXURL())
		}
	})
	if os.Getenv("UPDATE_GOLDEN") != "" {
		for name, page := range pages {
			if err := os.WriteFile(filepath.Join("testdata", name), shorten(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	reference := parse(t, "jolokia.json", pages["jolokia.json"])
	for _, d := range recorded {
		if d.file == unrecorded {
			continue
		}
		t.Run(d.file, func(t *testing.T) {
			t.Logf("%d series, %d bytes", bytes.Count(pages[d.file], []byte("\n"))-bytes.Count(pages[d.file], []byte("\n#")), len(pages[d.file]))
			compareDialect(t, d, parse(t, d.file, pages[d.file]), reference)
		})
	}
	agreeWithKafka(t, cluster, reference)
}

// loseFollower writes and reads with both brokers, then stops broker 2 and has a write refused for it.
func loseFollower(t *testing.T, cluster *kafkatest.Cluster) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Broker(1).Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordRetries(0),
		kgo.ConsumeTopics("pages"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	createTopic(t, client)
	for i := range records {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "pages", Partition: int32(i % partitions), Value: []byte("page")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; n < records; {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		n += fetches.NumRecords()
	}
	if err := cluster.Broker(2).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "the in-sync sets to shrink", func() bool { return underReplicated(t, client) == partitions })
	err = client.ProduceSync(t.Context(), &kgo.Record{Topic: "pages", Value: []byte("refused")}).FirstErr()
	if !errors.Is(err, kerr.NotEnoughReplicas) {
		t.Fatalf("a write without the follower: %v", err)
	}
}

// createTopic creates a topic whose partitions broker 1 leads, and which it flushes at every record.
func createTopic(t *testing.T, client *kgo.Client) {
	t.Helper()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "pages", -1, -1
	for p := range int32(partitions) {
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: p, Replicas: []int32{1, 2}})
	}
	for name, value := range map[string]string{"min.insync.replicas": "2", "flush.messages": "1"} {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: name, Value: &value})
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the topic's leaders", func() bool {
		topics, err := kadm.NewClient(client).ListTopics(t.Context(), "pages")
		return err == nil && len(topics["pages"].Partitions) == partitions && underReplicated(t, client) == 0
	})
}

// underReplicated returns the partitions that broker 1 leads with a replica out of sync.
func underReplicated(t *testing.T, client *kgo.Client) (n int) {
	t.Helper()
	topics, err := kadm.NewClient(client).ListTopicsWithInternal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	topics.EachPartition(func(p kadm.PartitionDetail) {
		if p.Leader == 1 && len(p.ISR) < len(p.Replicas) {
			n++
		}
	})
	return n
}

// rest calls f with Jolokia's page of broker 1, again until the broker has counted nothing meanwhile.
func rest(t *testing.T, cluster *kafkatest.Cluster, f func(jolokia []byte)) {
	t.Helper()
	await(t, "a broker that rests", func() bool {
		before := jolokia(t, cluster)
		f(before)
		a, b := numbers(parse(t, "jolokia.json", before)), numbers(parse(t, "jolokia.json", jolokia(t, cluster)))
		for _, all := range []map[string]float64{a, b} {
			maps.DeleteFunc(all, func(line string, _ float64) bool { return begins(line, moving) })
		}
		return maps.Equal(a, b)
	})
}

// agreeWithKafka compares a page with what the cluster says over Kafka's protocol.
func agreeWithKafka(t *testing.T, cluster *kafkatest.Cluster, page *jmxpage.Page) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Broker(1).Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "pages")
	if err != nil {
		t.Fatal(err)
	}
	var end int64
	ends.Each(func(o kadm.ListedOffset) { end += o.Offset })
	got := numbers(page)
	for line, want := range map[string]float64{
		"under_replicated.value":                           float64(underReplicated(t, client)),
		"under_min_isr.value":                              partitions,
		"messages_in.count":                                float64(end),
		"request_errors.count Produce NOT_ENOUGH_REPLICAS": 1,
	} {
		if got[line] != want {
			t.Errorf("%s is %v on the page, %v over Kafka's protocol", line, got[line], want)
		}
	}
	if got["log_flush.count"] < records {
		t.Errorf("%v flushes for %d records, each flushed", got["log_flush.count"], records)
	}
	controller := numbers(parse(t, "controller", get(t, cluster.Controller().JMXURL())))
	if controller["active_controller.value"] != 1 || controller["offline_partitions.value"] != 0 {
		t.Errorf("the controller's page: %v", controller)
	}
}

// jolokia returns Jolokia's answer of broker 1.
func jolokia(t *testing.T, cluster *kafkatest.Cluster) []byte {
	t.Helper()
	resp, err := http.Post(cluster.Broker(1).JolokiaURL()+"/", "application/json", bytes.NewReader(jmxpage.JolokiaRequest()))
	return body(t, resp, err)
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	return body(t, resp, err)
}

func body(t *testing.T, resp *http.Response, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", resp.Status, err, data)
	}
	return data
}

// await asks ten times a second until ok, for at most half a minute.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// shorten drops most of what no reader asks for from a page that is to be kept.
func shorten(page []byte) []byte {
	if bytes.HasPrefix(page, []byte("[")) {
		return page
	}
	var kept bytes.Buffer
	others := make(map[string]int)
	for line := range bytes.Lines(page) {
		text := strings.ToLower(string(line))
		group := text[:min(len(text), 25)]
		switch {
		case strings.HasPrefix(text, "#"):
			continue
		case begins(text, []string{"kafka_log_logflush", "kafka_log_logmanager", "kafka_server_replicamanager", "kafka_server_brokertopicmetrics", "kafka_server_kafkarequesthandlerpool",
			"kafka_server_delayedoperationpurgatory", "kafka_controller", "kafka_network_requestchannel", "kafka_network_socketserver", "process_", "jvm_memory", "jvm_gc", "java_lang_operating", "java_lang_memory_heap", "java_lang_garbage"}):
		case strings.HasPrefix(text, "kafka_network_requestmetrics") &&
			(strings.Contains(text, "errors") || strings.Contains(text, `"produce"`) || strings.Contains(text, `"fetchconsumer"`) || strings.Contains(text, `"fetchfollower"`)):
		case others[group] >= 2:
			continue
		default:
			others[group]++
		}
		fmt.Fprintf(&kept, "%s", line)
	}
	return kept.Bytes()
}

// parse reads a page.
func parse(t *testing.T, name string, data []byte) *jmxpage.Page {
	t.Helper()
	page, err := read(name, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return page
}
