//go:build kafka

package collector_test

import (
	"strings"
	"testing"
	"time"
)

// Real brokers tell their version, and that is what they are.
func TestBrokersOnKafka(t *testing.T) {
	r := startReal(t, brokersMember(t))
	r.await(20*time.Second, "all brokers", func() bool { return len(r.values("broker_info")) == 3 })
	for labels := range r.values("broker_info") {
		if !strings.HasSuffix(labels, ",version=4.3") {
			t.Errorf("broker_info %s, want version 4.3", labels)
		}
	}
}
