//go:build kafka

package collector_test

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A collector does without what it may not ask for and says once which right is missing, and the others go on.
func TestRightsOnKafka(t *testing.T) {
	admin := startReal(t)
	client := admin.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin.create(map[string]int16{"rights": 3}, "2")
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "rights", Partition: 0, Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var offsets kadm.Offsets
	offsets.AddOffset("rights", 0, 0, -1)
	if err := kadm.NewClient(client).CommitAllOffsets(t.Context(), "rights", offsets); err != nil {
		t.Fatal(err)
	}
	for _, rule := range []*kadm.ACLBuilder{
		kadm.NewACLs().Topics("*").Allow("User:topics", "User:groups").Operations(kadm.OpDescribe),
		kadm.NewACLs().Groups("*").Allow("User:groups").Operations(kadm.OpDescribe),
	} {
		created, err := kadm.NewClient(client).CreateACLs(t.Context(), rule.AllowHosts("*").ResourcePatternType(kadm.ACLPatternLiteral))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range created {
			if c.Err != nil {
				t.Fatal(c.Err)
			}
		}
	}

	const cluster, topics, groups, configs = "Describe on Cluster kafka-cluster", "Describe on Topic *", "Describe on Group *", "DescribeConfigs on Topic *"
	missing := map[string]map[string]string{ // signals that each user does without, and for want of which right
		"nobody": {"controller": cluster, "quorum": cluster, "reassignments": cluster, "log_dirs": cluster, "topics": topics, "consumer_groups": groups},
		"topics": {"controller": cluster, "quorum": cluster, "reassignments": cluster, "log_dirs": cluster, "message_size": cluster,
			"min_isr": configs, "topic_configs": configs, "topic_cleanup_policy": configs, "consumer_groups": groups},
		"groups": {"controller": cluster, "quorum": cluster, "reassignments": cluster, "log_dirs": cluster, "message_size": cluster,
			"min_isr": configs, "topic_configs": configs, "topic_cleanup_policy": configs},
	}
	logs := make(map[string]*lockedBuffer)
	started := make(map[string]*real)
	for user := range missing {
		logs[user] = new(lockedBuffer)
		started[user] = startAs(t, user, slog.New(slog.NewTextHandler(logs[user], nil)), everything(t)...)
	}
	for user, signals := range missing {
		r := started[user]
		first := make(map[string]float64)
		r.await(40*time.Second, user+": every collector to have refreshed twice", func() bool {
			again := 0
			for collector, at := range r.values("collector_last_success_timestamp_seconds") {
				if first[collector] == 0 {
					first[collector] = at
				} else if at > first[collector] {
					again++
				}
			}
			return again == len(everything(t))
		})
		if n := total(r.values("collector_success")); n != float64(len(everything(t))) {
			t.Errorf("%s: %v collectors are well, want all", user, n)
		}
		got := r.values("signal_available")
		maps.DeleteFunc(got, func(_ string, available float64) bool { return available == 1 })
		if len(got) != len(signals) {
			t.Errorf("%s: does without %v, want %v", user, got, signals)
		}
		text := logs[user].String()
		for signal, right := range signals {
			said := 0
			for line := range strings.Lines(text) {
				if strings.Contains(line, "right is missing") && strings.Contains(line, "signal="+signal+" ") && strings.Contains(line, `right="`+right+`"`) {
					said++
				}
			}
			if said != 1 {
				t.Errorf("%s: says %d times that %s takes %s, want once:\n%s", user, said, signal, right, text)
			}
		}
		if up := r.values("brokers_reachable")[""]; up != 3 {
			t.Errorf("%s: %v brokers reachable, want 3", user, up)
		}
		_, described := r.values("under_replicated_partitions")["topic=rights"]
		if want := user != "nobody"; described != want {
			t.Errorf("%s: sees the topic: %t, want %t", user, described, want)
		}
		if _, counted := r.values("topic_messages_total")["topic=rights"]; counted != described {
			t.Errorf("%s: counts the topic's records: %t, want %t", user, counted, described)
		}
		lag, known := r.values("consumer_group_lag_records")["group=rights,topic=rights"]
		if want := user == "groups"; known != want || want && lag != 1 {
			t.Errorf("%s: knows the group's lag: %t, want %t; it is %v", user, known, want, lag)
		}
	}
}

// lockedBuffer is a bytes.Buffer that two goroutines may use.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
