package collector

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

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

// A broker that the cluster lists no more, as it is fenced, has its page read on, by the template and by files
// that name it by its host; one that was unregistered, or is gone for long, has not.
func TestJMXFencedBroker(t *testing.T) {
	for name, kafka4 := range map[string]bool{"before Kafka 4": false, "Kafka 4": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network kfake.VirtualNetwork
				versions := kversion.Stable()
				if !kafka4 {
					versions = kversion.V3_8_0()
				}
				cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(network.Listen), kfake.MaxVersions(versions))
				if err != nil {
					t.Fatal(err)
				}
				defer cluster.Close()
				var fenced, unregistered atomic.Bool
				cluster.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
					cluster.KeepControl()
					resp := req.ResponseKind().(*kmsg.MetadataResponse)
					for id := int32(0); id < 2 && !(fenced.Load() && id == 1); id++ {
						resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: [...]string{"127.0.0.1", "kafka-1"}[id], Port: 9092})
					}
					return resp, nil, true
				})
				cluster.ControlKey(int16(kmsg.DescribeCluster), func(req kmsg.Request) (kmsg.Response, error, bool) {
					cluster.KeepControl()
					resp := req.ResponseKind().(*kmsg.DescribeClusterResponse)
					for id := int32(0); id < 2 && !(unregistered.Load() && id == 1); id++ {
						resp.Brokers = append(resp.Brokers, kmsg.DescribeClusterResponseBroker{NodeID: id})
					}
					return resp, nil, true
				})
				file := filepath.Join(t.TempDir(), "pages.yml")
				if err := os.WriteFile(file, []byte("- targets: ['kafka-1:1']"), 0o600); err != nil {
					t.Fatal(err)
				}
				client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.Dialer(network.DialContext))
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				byTemplate := newTargets(t, &JMXSettings{Template: "http://{host}:7071/"})
				byFile := newTargets(t, &JMXSettings{Files: []string{file}})
				for _, targets := range []*jmxTargets{byTemplate, byFile} {
					targets.client, targets.view, targets.settings.Timeout = client, clusterView{}, kind.Duration(time.Second)
				}
				check := func(when string, known bool) {
					t.Helper()
					template, files := "0 broker http://127.0.0.1:7071/", ""
					if known {
						template, files = text(template, "1 broker http://kafka-1:7071/"), "1 broker http://kafka-1:1/metrics"
					}
					if got := byTemplate.text(t); got != template {
						t.Errorf("%s, by template: got\n%s\nwant\n%s", when, got, template)
					}
					if got := byFile.text(t); got != files {
						t.Errorf("%s, by file: got\n%s\nwant\n%s", when, got, files)
					}
				}
				check("listed", true)
				fenced.Store(true)
				check("fenced", true)
				time.Sleep(jmxForgetAfter - time.Minute)
				check("fenced for long", true)
				unregistered.Store(true)
				check("unregistered", !kafka4)
				time.Sleep(2 * time.Minute)
				check("forgotten", false)
				fenced.Store(false)
				check("back", true)
			})
		})
	}
}

// A broker that comes back under another id has one page, not two.
func TestJMXBrokerOfAnotherID(t *testing.T) {
	targets := newTargets(t, &JMXSettings{Template: "http://{host}:7071/"})
	targets.view = clusterView{brokers: map[int32]place{1: {host: "kafka-1"}, 2: {host: "kafka-2"}}}
	targets.learn(clusterView{brokers: map[int32]place{4: {host: "kafka-1"}}}, time.Now())
	if got, want := targets.text(t), text("2 broker http://kafka-2:7071/", "4 broker http://kafka-1:7071/"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if id, n := targets.advertising("kafka-1"); id != 4 || n != 1 {
		t.Errorf("%d brokers advertise kafka-1, the last is %d; want only 4", n, id)
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
