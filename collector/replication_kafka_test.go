//go:build kafka

package collector_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// The counts are kafka-topics' own, for every topic: with a broker stopped, with two, and with all back.
func TestReplicationMatchesKafkaTopics(t *testing.T) {
	r := startReal(t, quick(t, "replication"), quick(t, "brokers"))
	r.create(map[string]int16{"repl-three": 3, "repl-two": 2, "repl-one": 1}, "2")
	r.await(30*time.Second, "all topics to be seen, all in sync", func() bool {
		return len(r.values("under_replicated_partitions")) >= 3 && total(r.values("under_replicated_partitions")) == 0
	})

	compare := func(what string) {
		t.Helper()
		for series, listed := range map[string]func() map[string]float64{
			"under_replicated_partitions":         func() map[string]float64 { return r.described(everyRow, "--under-replicated-partitions") },
			"offline_partitions":                  func() map[string]float64 { return r.described(everyRow, "--unavailable-partitions") },
			"partitions_without_preferred_leader": func() map[string]float64 { return r.described(notPreferred) },
		} {
			want := listed()
			took := r.await(20*time.Second, fmt.Sprintf("%s: %s to be %v, are %v", what, series, want, nonzero(r.values(series))), func() bool {
				return maps.Equal(nonzero(r.values(series)), want)
			})
			t.Logf("%s: %s %v after %v", what, series, want, took.Round(100*time.Millisecond))
		}
	}
	if err := r.Broker(3).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := r.await(20*time.Second, "a broker stopped: every partition of repl-three under-replicated", func() bool {
		return r.values("under_replicated_partitions")["topic=repl-three"] == 6
	})
	t.Logf("one broker stopped: repl-three under-replicated after %v", took.Round(100*time.Millisecond))
	compare("one stopped")
	// A broker's own metric counts the partitions that it leads, and nobody leads those that are offline.
	shown := r.series()
	got, offline := shown["cluster_under_replicated_partitions"][""], shown["cluster_offline_partitions"][""]
	jmx := r.jmxUnderReplicated()
	t.Logf("one stopped: %v partitions under-replicated, %v of them offline; JMX, summed: %v", got, offline, jmx)
	if got != jmx+offline || jmx == 0 {
		t.Errorf("%v partitions under-replicated, %v of them offline; the brokers' own JMX says %v", got, offline, jmx)
	}
	if got := r.values("at_min_isr_partitions")["topic=repl-three"]; got != 6 {
		t.Errorf("repl-three: %v partitions at min ISR, want 6", got)
	}
	two, one := r.values("under_replicated_partitions")["topic=repl-two"], r.values("offline_partitions")["topic=repl-one"]
	if got := r.values("under_min_isr_partitions")["topic=repl-two"]; got != two || two == 0 {
		t.Errorf("repl-two: %v partitions below min ISR, want the %v that lack a replica", got, two)
	}
	if got := r.values("under_min_isr_partitions")["topic=repl-one"]; got != one || one == 0 {
		t.Errorf("repl-one: %v partitions below min ISR, want the %v without a leader: one replica is all they need", got, one)
	}
	outOfSync, held := r.values("out_of_sync_replicas"), r.values("replicas")["broker=3"]
	// Before Kafka 4 the last replica of a partition stays in its in-sync replicas when it is down.
	if got := outOfSync["broker=3"]; got != held && got != held-one || outOfSync["broker=1"] != 0 {
		t.Errorf("replicas out of sync: %v, want the %v of broker 3 and no other", outOfSync, held)
	}
	if got := r.values("leaders")["broker=3"]; got != 0 {
		t.Errorf("broker 3 leads %v partitions, want 0", got)
	}
	r.reassignTo(3, "repl-moving")
	compare("one stopped, partitions being moved to it")

	if err := r.Broker(2).Kill(); err != nil {
		t.Fatal(err)
	}
	r.await(30*time.Second, "two stopped: every partition of repl-three below min ISR", func() bool {
		return r.values("under_min_isr_partitions")["topic=repl-three"] == 6
	})
	compare("two stopped")
	if got := total(r.values("offline_partitions")); got == 0 {
		t.Error("no partition is offline")
	}

	if err := r.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	took = r.await(30*time.Second, "all back: nothing in trouble", func() bool {
		return len(r.values("partition_in_trouble")) == 0 && r.values("cluster_under_min_isr_partitions")[""] == 0 &&
			r.values("cluster_under_replicated_partitions")[""] == 0 && r.values("collector_success")["collector=replication"] == 1
	})
	t.Logf("all back: zero after %v", took.Round(100*time.Millisecond))
}

// reassignTo moves a new topic's partitions to a broker that is down, which does not end, and looks for
// that in the series and in the list of Kafka's own tool.
func (r *real) reassignTo(broker int32, topic string) {
	r.t.Helper()
	r.create(map[string]int16{topic: 1}, "1")
	client := r.client()
	admin := kadm.NewClient(client)
	var req kadm.AlterPartitionAssignmentsReq
	r.await(20*time.Second, topic+" to have leaders", func() bool {
		described, err := admin.ListTopics(r.t.Context(), topic)
		if err != nil {
			r.t.Fatal(err)
		}
		for number, p := range described[topic].Partitions {
			if p.Leader > 0 && p.Leader != broker {
				req.Assign(topic, number, []int32{p.Leader, broker})
			}
		}
		return len(req[topic]) >= 3
	})
	if altered, err := admin.AlterPartitionAssignments(r.t.Context(), req); err != nil || altered.Error() != nil {
		r.t.Fatal(err, altered.Error())
	}
	out, err := r.Tool(r.t.Context(), "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
		"--bootstrap-server", r.Broker(1).Addr(), "--list")
	if err != nil {
		r.t.Fatal(err)
	}
	listed := float64(strings.Count(out, topic+"-"))
	if want := len(req[topic]); listed != float64(want) {
		r.t.Fatalf("ReassignPartitionsCommand lists %v partitions of %s, want %d:\n%s", listed, topic, want, out)
	}
	r.await(20*time.Second, "the reassignments to be seen", func() bool { return r.values("reassigning_partitions")[""] == listed })
	if got := r.values("under_replicated_partitions")["topic="+topic]; got != 0 {
		r.t.Errorf("%v partitions of %s under-replicated, want 0: what is missing is what is being added", got, topic)
	}
}

// jmxUnderReplicated adds up what the running brokers' JMX pages say.
func (r *real) jmxUnderReplicated() (sum float64) {
	r.t.Helper()
	for _, b := range r.Brokers() {
		if !b.Running() {
			continue
		}
		resp, err := http.Get(b.JMXURL())
		if err != nil {
			r.t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			r.t.Fatal(err)
		}
		m := jmxUnderReplicated.FindSubmatch(page)
		if m == nil {
			r.t.Fatalf("%s has no UnderReplicatedPartitions on its page", b)
		}
		n, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			r.t.Fatal(err)
		}
		sum += n
	}
	return sum
}

var jmxUnderReplicated = regexp.MustCompile(`(?m)^kafka_server_replicamanager_underreplicatedpartitions ([0-9.]+)$`)

// described counts, by topic, the partitions that kafka-topics --describe lists with more options and that
// count. A row is "Topic: orders Partition: 0 Leader: 1 Replicas: 1,2,3 Isr: 1,2,3 ...".
func (r *real) described(counts func(row []string) bool, options ...string) map[string]float64 {
	r.t.Helper()
	var up []string
	for id := 1; id <= 3; id++ {
		if n := r.Broker(id); n.Running() {
			up = append(up, n.Addr())
		}
	}
	args := append([]string{"--bootstrap-server", strings.Join(up, ","), "--describe"}, options...)
	out, err := r.Tool(r.t.Context(), "org.apache.kafka.tools.TopicCommand", args...)
	if err != nil {
		r.t.Fatal(err)
	}
	n := make(map[string]float64)
	for line := range strings.Lines(out) {
		row := strings.Fields(line)
		if len(row) > 7 && row[0] == "Topic:" && row[2] == "Partition:" && counts(row) {
			n["topic="+row[1]]++
		}
	}
	return n
}

func everyRow([]string) bool { return true }

// notPreferred tells whether a row's leader is not the first of its replicas.
func notPreferred(row []string) bool {
	first, _, _ := strings.Cut(row[7], ",")
	return row[5] != first
}

// nonzero leaves out the zeros.
func nonzero(values map[string]float64) map[string]float64 {
	maps.DeleteFunc(values, func(_ string, v float64) bool { return v == 0 })
	return values
}
