//go:build faults

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
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

// TestCollectorsRightsComeAndGo takes away what collectors ask the cluster as a whole for, and what they ask
// of topics: each signal that is gone is named once, with the right that it takes, all else goes on, and ten
// seconds after the grant it is back.
func TestCollectorsRightsComeAndGo(t *testing.T) {
	w := startWaysIn(t)
	for _, b := range []*kadm.ACLBuilder{onCluster(kadm.OpDescribe), onAllTopics(kadm.OpDescribe), onAllTopics(kadm.OpDescribeConfigs)} {
		w.change(t, true, b)
	}
	w.write(t, "rights.yml", fmt.Sprintf(`
clusters:
  - name: c
    bootstrap_servers: [%q]
    %s
    probes: [{kind: steady, interval: 500ms, timeout: 5s, slo: {latency: 1s}}, {kind: connect, interval: 1s, timeout: 1s}]
    collectors:
      brokers: {interval: 1s, timeout: 500ms, forget_after: 1m}
      quorum: {interval: 1s, timeout: 500ms}
      replication: {interval: 3s, timeout: 1s, min_isr_interval: 5s}
      logdirs: {interval: 5s, timeout: 2s}
      traffic: {interval: 5s}
      configs: {interval: 5s, exclude_topics: ""}
`, w.BootstrapFor(kafkatest.SASLSSLListener)[0], w.ways()[4].yaml))
	d := startDaemon(t, "--config.file="+w.path("rights.yml"))
	signal := func(name string) (value float64, known bool) {
		for _, m := range d.scrape(t)["kafka_prober_signal_available"].GetMetric() {
			if label(m, "signal") == name {
				return m.GetGauge().GetValue(), true
			}
		}
		return 0, false
	}
	all := func(names []string, want float64) func() bool {
		return func() bool {
			for _, name := range names {
				if got, known := signal(name); !known || got != want {
					return false
				}
			}
			return true
		}
	}
	delivered := func() float64 {
		return sum(d.scrape(t), recordsSeries, map[string]string{"outcome": "delivered"})
	}
	for _, tt := range []struct {
		right    string
		builders []*kadm.ACLBuilder
		signals  []string // that take it
		others   []string // that do not
	}{
		{"Describe on Cluster kafka-cluster", []*kadm.ACLBuilder{onCluster(kadm.OpDescribe)},
			[]string{"controller", "quorum", "log_dirs", "reassignments", "message_size"}, []string{"topic_configs", "min_isr"}},
		{"DescribeConfigs on Topic *", []*kadm.ACLBuilder{onAllTopics(kadm.OpDescribeConfigs), onTopic(kadm.OpDescribeConfigs)},
			[]string{"topic_configs", "min_isr"}, []string{"controller", "quorum", "log_dirs", "reassignments"}},
	} {
		t.Run(tt.right, func(t *testing.T) {
			await(t, time.Minute, "all signals", all(append(tt.signals, tt.others...), 1))
			said := len(d.output.String())
			for _, b := range tt.builders {
				w.change(t, false, b)
			}
			await(t, 40*time.Second, "the signals to go", all(tt.signals, 0))
			n, refreshed := delivered(), time.Now()
			await(t, 30*time.Second, "records, and three more refreshes of the slowest", func() bool {
				return delivered() > n+5 && time.Since(refreshed) > 16*time.Second
			})
			if !all(tt.others, 1)() {
				t.Error("signals are gone that do not take this right")
			}
			if got := sum(d.scrape(t), "kafka_prober_connect_success", nil); got != 1 {
				t.Errorf("connect_success is %v, want 1", got)
			}
			log := d.output.String()[said:]
			for _, name := range tt.signals {
				var lines int
				for line := range strings.Lines(log) {
					if strings.Contains(line, `msg="right is missing`) && strings.Contains(line, "signal="+name+" ") && strings.Contains(line, fmt.Sprintf("right=%q", tt.right)) {
						lines++
					}
				}
				if lines != 1 {
					t.Errorf("the log says %d times that %s lacks %s, want once", lines, name, tt.right)
				}
			}
			runCommand("check", "--config.file="+w.path("rights.yml")).says(t, 0, "all is well")
			for _, b := range tt.builders {
				w.change(t, true, b)
			}
			began := time.Now()
			await(t, 30*time.Second, "the signals to be back", all(tt.signals, 1))
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("healed %v after the grant, want 10 s", took)
			}
		})
	}
	d.terminate(t)
}

func onCluster(operations ...kadm.ACLOperation) *kadm.ACLBuilder {
	return allowed(kadm.NewACLs().Clusters(), operations)
}

func onAllTopics(operations ...kadm.ACLOperation) *kadm.ACLBuilder {
	return allowed(kadm.NewACLs().Topics("*"), operations)
}

func onTopic(operations ...kadm.ACLOperation) *kadm.ACLBuilder {
	return allowed(kadm.NewACLs().Topics(steadyTopic), operations)
}

func allowed(b *kadm.ACLBuilder, operations []kadm.ACLOperation) *kadm.ACLBuilder {
	return b.ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:prober").AllowHosts("*").Operations(operations...)
}
