//go:build faults

package collector_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// Brokers without a controller go on telling what they heard last: that is unknown, not healthy.
func TestReplicationUnknownWithoutController(t *testing.T) {
	r := startReal(t, quick(t, "replication"), quick(t, "brokers"))
	r.create(map[string]int16{"repl-unknown": 3}, "2")
	r.await(30*time.Second, "the topic and the controller to be seen", func() bool {
		_, seen := r.values("under_replicated_partitions")["topic=repl-unknown"]
		return seen && r.values("active_controllers")[""] == 1 && r.values("controller_info")["broker="+strconv.Itoa(kafkatest.ControllerID)] == 1
	})
	if err := r.Controller().Pause(); err != nil {
		t.Fatal(err)
	}
	took := r.await(30*time.Second, "no controller: its count 0, no statement on partitions", func() bool {
		active, known := r.values("active_controllers")[""]
		return known && active == 0 && len(r.values("under_replicated_partitions")) == 0 && r.values("collector_success")["collector=replication"] == 0
	})
	t.Logf("controller frozen: unknown after %v", took.Round(100*time.Millisecond))
	// A broker that looks for a controller in vain is up all the same.
	refreshed := func() float64 { return r.values("collector_last_success_timestamp_seconds")["collector=brokers"] }
	before := refreshed()
	r.await(20*time.Second, "the brokers to be asked again", func() bool {
		if got := r.values("brokers_reachable")[""]; got != 3 {
			t.Fatalf("%v brokers reachable, want 3: it is the controller that is gone", got)
		}
		return refreshed() > before+4
	})
}
