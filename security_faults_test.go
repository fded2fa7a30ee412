//go:build faults

package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestRightsComeAndGo takes each right away while the daemon runs and gives it back: the error is named,
// what needs no such right goes on, and ten seconds after the grant all is as before.
func TestRightsComeAndGo(t *testing.T) {
	w := startWaysIn(t)
	ways := w.ways()
	scram, ssl := ways[4], ways[0] // the one with rights by ACL, the other comes in as a super user
	d := startDaemon(t, "--config.file="+w.config(t, scram, ssl))
	delivered := func(cluster string) float64 {
		return sum(d.scrape(t), recordsSeries, map[string]string{"kafka_cluster": cluster, "outcome": "delivered"})
	}
	grows := func(cluster string, limit time.Duration) {
		t.Helper()
		n := delivered(cluster)
		await(t, limit, cluster+" to deliver", func() bool { return delivered(cluster) > n+3 })
	}
	grows(scram.name, time.Minute)
	grows(ssl.name, time.Minute)
	for _, tt := range []struct {
		name      string
		operation kadm.ACLOperation
		reason    string // of failures_total; "" if records go on being delivered
	}{
		{"write", kadm.OpWrite, "TOPIC_AUTHORIZATION_FAILED"},
		{"read", kadm.OpRead, "TOPIC_AUTHORIZATION_FAILED"},
		{"describe", kadm.OpDescribe, ""}, // write and read imply it
		{"describe configs", kadm.OpDescribeConfigs, ""},
		{"alter", kadm.OpAlter, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			failures := func() float64 {
				return sum(d.scrape(t), "kafka_prober_failures_total", map[string]string{"kafka_cluster": scram.name, "reason": tt.reason})
			}
			before := failures()
			w.acls(t, false, tt.operation)
			if tt.reason == "" {
				grows(scram.name, 15*time.Second)
			} else {
				await(t, 30*time.Second, tt.reason, func() bool { return failures() > before })
			}
			grows(ssl.name, 15*time.Second)
			if got := sum(d.scrape(t), "kafka_prober_connect_success", map[string]string{"kafka_cluster": scram.name}); got != 1 {
				t.Errorf("connect_success is %v, want 1: to connect takes no right", got)
			}
			w.acls(t, true, tt.operation)
			began := time.Now()
			grows(scram.name, 30*time.Second)
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("healed %v after the grant, want 10 s", took)
			}
		})
	}
	d.terminate(t)
}
