//go:build e2e

package alerts_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/child"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// shortening is what every window of the rules and examples is divided by.
const shortening = 30

// shopSize is the size of the application's records in good times.
const shopSize = 1000

// e2eConfig is the prober's configuration, for the bootstrap servers. It asks oftener than by default, as the
// windows are shorter, and its objective is lower: a failover takes its real five seconds, which are two and a
// half minutes of the shortened hour.
const e2eConfig = `
clusters:
  - name: prod
    bootstrap_servers: [%s]
    expected_brokers: 3
    probes:
      - kind: steady
        timeout: 10s
        slo: {objective: 0.95, latency: 200ms}
        thresholds: {end_to_end: {warning: 300ms, critical: 500ms}}
      - {kind: connect, interval: 2s, timeout: 1s}
      - {kind: burst, interval: 10s, timeout: 5s}
      - kind: flush
        interval: 2s
        pause_factor: 20
        timeout: 2s
        thresholds: {topics: {raw-events: {warning: 70ms, critical: 0s}}}
    collectors:
      configs: {interval: 5s}
      groups: {interval: 5s}
      logdirs: {interval: 5s, timeout: 2s}
      quorum: {interval: 3s, timeout: 1s}
      replication: {interval: 3s, timeout: 1s}
      traffic: {interval: 5s}
`

// stack is everything between a fault and whoever is paged for it, each part a real one.
type stack struct {
	kafka      *kafkatest.Cluster
	shop       *kafkatest.Shop
	prober     *child.Process
	prometheus *promtest.Prometheus
	webhook    *promtest.Webhook

	startProber func()
}

// scenario is a fault, its mending, and what is to be heard of it.
type scenario struct {
	name       string
	fault, fix func(context.Context) error
	want       []labels // of alerts that must arrive, "receiver" among them
	also       []labels // of alerts that follow from the fault, too, and may arrive: as pages if they say so
}

type labels map[string]string

// tickets returns the labels of tickets by their alerts' names, and of no pages.
func tickets(names ...string) (all []labels) {
	for _, name := range names {
		all = append(all, labels{"alertname": name, "receiver": "tickets"})
	}
	return all
}

// always may be heard at any time: this machine runs Kafka and all the rest besides the prober, and is at times
// busy for what a rule takes for half an hour.
var always = append(tickets("KafkaProberOverloaded", "KafkaProberNoEvents", "KafkaProberLatencyRegressed", "KafkaLogFlushRegressed"),
	labels{"alertname": "KafkaDiskFilling"}) // its hours ahead are not shortened: the disk is whoever's builds fill it

// later are resolved when their windows of hours have passed, which is after this test.
var later = tickets("KafkaProberSLOBudgetBurnSlow", "KafkaProberSLOBudgetBurnTrickle", "KafkaProberBurstThroughputRegressed")

// TestEndToEnd lets real faults happen to a real cluster and looks at what arrives at the webhook behind a real
// Alertmanager, by the rules and the examples of this repository with their windows shortened.
func TestEndToEnd(t *testing.T) {
	s := startStack(t)
	broker := s.kafka.Broker(2)
	gone := append(tickets("KafkaBrokersMissing", "KafkaAtMinISRPartitions", "KafkaProberCollectorFailing",
		"KafkaProberBurstThroughputRegressed", "KafkaProberClusterLatencyP95High", "KafkaBrokerTrafficImbalance"),
		// For a few seconds a third of all records wait, which is minutes of the shortened windows.
		labels{"alertname": "KafkaBrokerHoldsUpCluster", "broker": "2", "receiver": "pager"},
		labels{"alertname": "KafkaProberClusterLatencyP95High", "receiver": "pager"},
		labels{"alertname": "KafkaProberLatencyP95High", "broker": "2", "receiver": "pager"},
		labels{"alertname": "KafkaProberLatencyP95High", "broker": "2", "receiver": "tickets"}, // seconds before the cluster's
		labels{"alertname": "KafkaReplicasOutOfSync", "broker": "2", "receiver": "tickets"},
		labels{"alertname": "KafkaQuorumLag", "broker": "2", "receiver": "tickets"},
		labels{"alertname": "KafkaProberBrokerNotCovered", "broker": "2", "receiver": "tickets"},
		labels{"alertname": "KafkaProberProduceErrors", "broker": "2", "receiver": "tickets"},
		labels{"alertname": "KafkaProberBurstFailed", "broker": "2", "receiver": "tickets"})
	s.calm(t)
	for _, sc := range []scenario{
		{
			name:  "broker frozen",
			fault: func(context.Context) error { return broker.Pause() },
			fix:   func(context.Context) error { return broker.Resume() },
			want:  []labels{{"receiver": "tickets", "alertname": "KafkaBrokerUnreachable", "broker": "2", "severity": "warning"}},
			also:  gone,
		},
		{
			name:  "broker killed",
			fault: func(context.Context) error { return broker.Kill() },
			fix:   broker.Start,
			want:  []labels{{"receiver": "tickets", "alertname": "KafkaBrokerUnreachable", "broker": "2", "severity": "warning"}},
			also:  gone,
		},
		{
			name:  "slow disk",
			fault: func(context.Context) error { return broker.DelayFsync(120 * time.Millisecond) },
			fix:   func(context.Context) error { return broker.DelayFsync(0) },
			want: []labels{
				{"receiver": "ingest-team", "alertname": "KafkaLogFlushP95High", "broker": "2", "topic": "raw-events", "severity": "warning"},
				{"receiver": "tickets", "alertname": "KafkaLogFlushP95High", "broker": "2", "topic": "raw-events", "severity": "warning"},
			},
			also: []labels{{"receiver": "tickets", "alertname": "KafkaLogFlushP95High", "broker": "2", "topic": "*"}},
		},
		{
			name:  "message size jumped",
			fault: func(context.Context) error { s.shop.Size.Store(10 * shopSize); return nil },
			fix:   func(context.Context) error { s.shop.Size.Store(shopSize); return nil },
			want: []labels{
				{"receiver": "ingest-team", "alertname": "KafkaMessageSizeJump", "topic": "raw-events", "severity": "warning"},
				{"receiver": "tickets", "alertname": "KafkaMessageSizeJump", "topic": "raw-events", "severity": "warning"},
			},
		},
		{
			name:  "prober killed",
			fault: func(context.Context) error { return s.prober.Kill() },
			fix:   func(context.Context) error { s.startProber(); return nil },
			want: []labels{
				{"receiver": "pager", "alertname": "KafkaProberAbsent", "kafka_cluster": "prod", "severity": "critical"},
				{"receiver": "pager", "alertname": "KafkaProberDown", "job": "kafka_prober", "severity": "critical"},
			},
			also: tickets("KafkaProberDown", "KafkaProberNoEvents"),
		},
		{
			name:  "all brokers down",
			fault: func(context.Context) error { return s.each((*kafkatest.Node).Kill) },
			fix: func(ctx context.Context) error {
				return s.each(func(n *kafkatest.Node) error { return n.Start(ctx) })
			},
			want: []labels{
				{"receiver": "pager", "alertname": "KafkaProberClusterLatencyP95High", "severity": "critical"},
				{"receiver": "pager", "alertname": "KafkaBrokersUnreachable", "broker": "1", "severity": "critical"},
				{"receiver": "pager", "alertname": "KafkaBrokersUnreachable", "broker": "2", "severity": "critical"},
				{"receiver": "pager", "alertname": "KafkaBrokersUnreachable", "broker": "3", "severity": "critical"},
			},
			also: append(tickets("KafkaProberClusterLatencyP95High", "KafkaProberLatencyP95High", "KafkaProberProduceErrors",
				"KafkaBrokersMissing", "KafkaBrokerUnreachable", "KafkaReplicasOutOfSync", "KafkaAtMinISRPartitions", "KafkaQuorumLag",
				"KafkaProberCollectorFailing", "KafkaProberBrokerNotCovered", "KafkaProberBurstFailed", "KafkaProberSLOBudgetBurnSlow",
				"KafkaConsumerGroupStuck", "KafkaBrokerTrafficImbalance", "KafkaProberBurstThroughputRegressed"),
				labels{"alertname": "KafkaProberSLOBudgetBurnFast", "receiver": "pager"},
				labels{"alertname": "KafkaOfflinePartitions", "receiver": "pager"}),
		},
	} {
		t.Run(sc.name, func(t *testing.T) { s.play(t, sc) })
	}
}

// startStack starts every part.
func startStack(t *testing.T) *stack {
	t.Helper()
	dir := t.TempDir()
	shorten := exec.Command("go", "run", "./alerts/shorten", "-by", fmt.Sprint(shortening), "-to", dir,
		"alerts/kafka_prober.rules.yml", "alerts/kafka_prober_recording.rules.yml", "deploy/prometheus.yml", "deploy/alertmanager.yml")
	shorten.Dir = ".."
	if out, err := shorten.CombinedOutput(); err != nil {
		t.Fatalf("shorten: %v\n%s", err, out)
	}
	s := &stack{kafka: kafkatest.Start(t, kafkatest.SlowDisk()), webhook: promtest.StartWebhook(t)}
	s.shop = kafkatest.OpenShop(t, s.kafka, "raw-events", "ingest", shopSize)

	binary, err := promtest.BuildProber(dir)
	if err != nil {
		t.Fatal(err)
	}
	address := promtest.FreeAddress(t)
	s.startProber = func() {
		s.prober = promtest.StartProber(t, binary, fmt.Sprintf(e2eConfig, strings.Join(s.kafka.Bootstrap(), ", ")), address)
	}
	s.startProber()

	alertmanager := promtest.StartAlertmanager(t, edit(t, filepath.Join(dir, "deploy/alertmanager.yml"), "http://127.0.0.1:9095", s.webhook.URL))
	// What is on its way again and again must not be late by more than the shortened windows are long.
	s.prometheus = promtest.StartPrometheus(t, edit(t, filepath.Join(dir, "deploy/prometheus.yml"), "127.0.0.1:10092", address, "127.0.0.1:9093", alertmanager),
		"--rules.alert.resend-delay=2s")
	return s
}

// edit replaces what is there exactly once in a file, and returns the file's path.
func edit(t *testing.T, path string, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			t.Fatalf("%s has no %s", path, pairs[i])
		}
	}
	if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// each does something to all brokers at the same time.
func (s *stack) each(do func(*kafkatest.Node) error) error {
	failed := make(chan error)
	for _, b := range s.kafka.Brokers() {
		go func() { failed <- do(b) }()
	}
	var first error
	for range s.kafka.Brokers() {
		if err := <-failed; first == nil {
			first = err
		}
	}
	return first
}

// calm waits until every rule has what it looks at, and then wants nobody to hear of anything for a while.
func (s *stack) calm(t *testing.T) {
	t.Helper()
	began := time.Now()
	for _, expr := range []string{
		`count(kafka_cluster_listener_broker:kafka_prober_broker_reachable:ratio == 1) == 3`,
		`count(kafka_cluster_listener_probe_topic_broker:kafka_prober_end_to_end_latency_seconds:p95_rate5m{probe="steady"}) == 3`,
		`count(kafka_cluster_listener_broker:kafka_prober_log_flush_seconds:p95{source="probe"}) == 3`,
		// What is compared with its own past has one.
		`kafka_cluster_listener_topic:kafka_prober_message_size_bytes:max{topic="raw-events"} offset 45s`,
	} {
		promtest.Await(t, 3*time.Minute, expr, func() bool { return len(s.prometheus.Query(t, expr)) > 0 })
	}
	s.await(t, "what the start, a busy time, has set off to be over", func() []string { return s.unresolved(t, began) })
	t.Logf("all is there after %.0f s", time.Since(began).Seconds())
	calm := time.Now()
	promtest.Await(t, time.Minute, "a while without a fault", func() bool { return time.Since(calm) > 20*time.Second })
	for _, a := range s.webhook.Alerts(calm) {
		if !a.Resolved && !among(a, always) {
			t.Errorf("nothing is wrong yet, and %v", a)
		}
	}
}

// play lets a fault happen, waits for what is to be heard of it, mends it, and waits until all of it is resolved.
func (s *stack) play(t *testing.T, sc scenario) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	began := time.Now()
	if err := sc.fault(ctx); err != nil {
		t.Fatal(err)
	}
	s.await(t, "the alerts", func() (missing []string) {
		for _, want := range sc.want {
			if !slices.ContainsFunc(s.webhook.Alerts(began), func(a promtest.Alert) bool { return !a.Resolved && a.Has(want) }) {
				missing = append(missing, fmt.Sprint(want))
			}
		}
		return missing
	})
	told := time.Since(began)
	if err := sc.fix(ctx); err != nil {
		t.Fatal(err)
	}
	s.await(t, "all to be resolved", func() []string { return s.unresolved(t, began) })
	t.Logf("told after %.0f s, resolved after %.0f s", told.Seconds(), time.Since(began).Seconds())

	for _, a := range s.webhook.Alerts(began) {
		if a.Resolved {
			continue
		}
		t.Logf("%4.0f s  %v", a.At.Sub(began).Seconds(), a)
		of := func(allowed []labels) bool {
			return slices.ContainsFunc(allowed, func(l labels) bool { return a.Has(l) })
		}
		if !of(sc.want) && !of(sc.also) && !of(always) {
			t.Errorf("not of this fault: %v", a)
		}
		if name := a.Labels["alertname"]; !strings.Contains(a.Notes["runbook_url"], name) {
			t.Errorf("%v: its runbook is %q", a, a.Notes["runbook_url"])
		}
	}
}

// await waits until nothing is missing any more.
func (s *stack) await(t *testing.T, what string, missing func() []string) {
	t.Helper()
	const limit = 3 * time.Minute
	var still []string
	began := time.Now()
	for still = missing(); len(still) > 0; still = missing() {
		if time.Since(began) > limit {
			for _, a := range s.webhook.Alerts(began) {
				t.Logf("%4.0f s  %v", a.At.Sub(began).Seconds(), a)
			}
			for _, a := range s.prometheus.Query(t, `ALERTS`) {
				t.Logf("Prometheus has %v", a.Metric)
			}
			t.Fatalf("waited %v for %s: %s", limit, what, strings.Join(still, ", "))
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// unresolved returns the alerts that have yet to be resolved before the next fault.
func (s *stack) unresolved(t *testing.T, since time.Time) (still []string) {
	for _, a := range s.firing(t, since) {
		if !among(a, always) && !among(a, later) {
			still = append(still, a.String())
		}
	}
	return still
}

// firing returns the alerts whose last notification does not say that they are resolved, and those that
// Prometheus has, pending ones too, as tickets.
func (s *stack) firing(t *testing.T, since time.Time) (firing []promtest.Alert) {
	last := map[string]promtest.Alert{}
	for _, a := range s.webhook.Alerts(since) {
		key := a
		key.Resolved = false
		last[key.String()] = a
	}
	for _, a := range last {
		if !a.Resolved {
			firing = append(firing, a)
		}
	}
	for _, a := range s.prometheus.Query(t, `ALERTS{severity!="info"}`) {
		firing = append(firing, promtest.Alert{Receiver: "tickets", Labels: a.Metric})
	}
	return firing
}

// among returns whether an alert has one of several sets of labels.
func among(a promtest.Alert, all []labels) bool {
	return slices.ContainsFunc(all, func(l labels) bool { return a.Has(l) })
}
