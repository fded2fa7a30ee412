//go:build kafka

package collector_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// The lag of a frozen broker in the metadata log lies between what kafka-metadata-quorum says before and after.
func TestQuorumMatchesKafkaMetadataQuorum(t *testing.T) {
	r := startReal(t, quick(t, "quorum"), quick(t, "logdirs"), quick(t, "configs"))
	r.create(map[string]int16{"repl-configs": 3}, "2")
	r.await(30*time.Second, "everything to be known", func() bool {
		return len(r.values("quorum_lag_records")) == 4 && len(r.values("log_dir_usable_bytes")) == 3 && r.values("topic_min_isr")["topic=repl-configs"] == 2
	})
	if got := r.values("quorum_leader_info"); got["broker="+strconv.Itoa(kafkatest.ControllerID)] != 1 {
		t.Errorf("leader %v, want %d", got, kafkatest.ControllerID)
	}
	if err := r.Broker(3).Pause(); err != nil {
		t.Fatal(err)
	}
	lag := func() float64 { return r.values("quorum_lag_records")["broker=3,role=observer"] }
	r.await(30*time.Second, "the frozen broker to lag by 10 records", func() bool { return lag() >= 10 })
	before := r.quorumLags()["3"]
	r.await(20*time.Second, "a refresh after the tool's", func() bool { return lag() >= before })
	got, seconds := lag(), r.values("quorum_lag_seconds")["broker=3,role=observer"]
	after := r.quorumLags()["3"]
	t.Logf("lag of the frozen broker: tool %v, here %v records and %.1f s, tool %v", before, got, seconds, after)
	if got < before || got > after {
		t.Errorf("got a lag of %v records, want between %v and %v", got, before, after)
	}
	if seconds < 2 || seconds > 120 {
		t.Errorf("got a lag of %v s for a broker frozen some seconds ago", seconds)
	}
	if other := r.values("quorum_lag_records")["broker=1,role=observer"]; other > 3 {
		t.Errorf("broker 1 lags by %v records, want hardly any", other)
	}
}

// quorumLags returns the lag of each node as Kafka's tool says it.
func (r *real) quorumLags() map[string]float64 {
	r.t.Helper()
	out, err := r.Tool(r.t.Context(), "org.apache.kafka.tools.MetadataQuorumCommand", "--bootstrap-server", r.Broker(1).Addr(), "describe", "--replication")
	if err != nil {
		r.t.Fatal(err)
	}
	rows := slices.Collect(strings.Lines(out))
	if len(rows) == 0 {
		r.t.Fatal("the tool printed nothing")
	}
	column := slices.Index(strings.Fields(rows[0]), "Lag")
	if column < 0 {
		r.t.Fatalf("no column Lag in\n%s", out)
	}
	lags := make(map[string]float64)
	for _, row := range rows[1:] {
		if fields := strings.Fields(row); len(fields) > column {
			if lags[fields[0]], err = strconv.ParseFloat(fields[column], 64); err != nil {
				r.t.Fatalf("%v in\n%s", err, out)
			}
		}
	}
	return lags
}
