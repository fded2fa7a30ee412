package collector

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// newTargets makes the targets of a cluster that nobody reaches any more, and whose brokers are known.
func newTargets(t *testing.T, s *JMXSettings) *jmxTargets {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s.Timeout = kind.Duration(1)
	return &jmxTargets{
		settings: s, client: client, account: newAccount(slog.New(slog.DiscardHandler), newSignals(Env{})), files: make(map[string][]jmxTarget),
		view: clusterView{brokers: map[int32]place{1: {host: "kafka-1"}, 2: {host: "2001:db8::2"}, 3: {host: "shared"}, 4: {host: "shared"}}},
	}
}

func (t *jmxTargets) text(test *testing.T) string {
	var lines []string
	for _, target := range t.list(test.Context()) {
		lines = append(lines, fmt.Sprintf("%d %s %s", target.id, target.role(), target.url))
	}
	return text(lines...)
}

// failures returns what could not be used, by reason.
func (t *jmxTargets) failures(reason string) float64 {
	return t.account.failed[failedPart{reason: reason}]
}

// What is configured one by one wins over files, and both over the template; known brokers stay while
// nobody lists them.
func TestJMXTargets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.json", `[{"targets": ["kafka-1:9404", "shared:9404"]}, {"targets": ["x:1"], "labels": {"broker": "3", "__scheme__": "https", "__metrics_path__": "pages/3"}}]`)
	write("b.yml", "- targets: [c:1]\n  labels: {broker: '100', role: controller}\n- targets: ['y:1', '%%%']\n  labels: {broker: many}\n")
	targets := newTargets(t, &JMXSettings{
		Template:    "http://{host}:7071/{id}",
		Targets:     []JMXTarget{{4, "http://z/4"}},
		Controllers: []JMXTarget{{101, "http://z/101"}},
		Files:       []string{filepath.Join(dir, "*.json"), filepath.Join(dir, "*.yml"), filepath.Join(dir, "none")},
	})
	want := text(
		"1 broker http://kafka-1:9404/metrics", "2 broker http://[2001:db8::2]:7071/2", "3 broker https://x:1/pages/3",
		"4 broker http://z/4", "100 controller http://c:1/metrics", "101 controller http://z/101")
	if got := targets.text(t); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if unknown, failed := targets.failures("TARGET_UNKNOWN"), targets.failures("DISCOVERY_FAILED"); unknown != 3 || failed != 1 {
		t.Errorf("%v unknown, %v failed", unknown, failed)
	}

	write("a.json", `[{"targets": [`) // being written
	if got := targets.text(t); got != want {
		t.Errorf("half a file: got\n%s\nwant\n%s", got, want)
	}
	if err := os.Remove(filepath.Join(dir, "a.json")); err != nil {
		t.Fatal(err)
	}
	want = strings.Replace(strings.Replace(want, "kafka-1:9404/metrics", "kafka-1:7071/1", 1), "https://x:1/pages/3", "http://shared:7071/3", 1)
	if got := targets.text(t); got != want {
		t.Errorf("no file: got\n%s\nwant\n%s", got, want)
	}
}

// FuzzTargetFile reads any file of targets.
func FuzzTargetFile(f *testing.F) {
	f.Add([]byte(`[{"targets": ["kafka-1:9404"], "labels": {"broker": "1"}}]`))
	f.Add([]byte("- targets: [a, b]\n  labels: &x {a: b}\n- *x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		targets := &jmxTargets{account: newAccount(slog.New(slog.DiscardHandler), newSignals(Env{})), view: clusterView{brokers: map[int32]place{1: {host: "kafka-1"}}}}
		list, err := targets.parse(data)
		if err != nil {
			return
		}
		for _, target := range list {
			if err := checkPageURL(target.url); err != nil || target.id < 0 {
				t.Errorf("%+v: %v", target, err)
			}
		}
	})
}
