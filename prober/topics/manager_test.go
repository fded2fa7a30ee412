package topics

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// watched collects what a Manager hands out.
type watched struct {
	*Manager
	mu       sync.Mutex
	layouts  []Layout
	problems [][]Problem
	refusals []Refusal
	log      strings.Builder
	stop     func()
}

// manage runs a Manager until the test ends.
func manage(t *testing.T, cl *kgo.Client, o Options) *watched {
	t.Helper()
	w := &watched{}
	locked := func(f func()) { w.mu.Lock(); defer w.mu.Unlock(); f() }
	o.OnLayout = func(l Layout) { locked(func() { w.layouts = append(w.layouts, l) }) }
	o.OnProblems = func(p []Problem) { locked(func() { w.problems = append(w.problems, p) }) }
	o.OnRefused = func(r Refusal) { locked(func() { w.refusals = append(w.refusals, r) }) }
	o.Logger = slog.New(slog.NewTextHandler(&w.log, nil))
	if o.Spec.Topic == "" {
		o.Spec.Topic = ownTopic
	}
	w.Manager = NewManager(cl, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	w.stop = func() { cancel(); <-done }
	t.Cleanup(w.stop)
	return w
}

// pass lets time go by in the bubble, until everybody waits again.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *watched) last() Layout {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.layouts) == 0 {
		return Layout{}
	}
	return w.layouts[len(w.layouts)-1]
}

func TestManagerCreates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cl := fake(t, 3)
		w := manage(t, cl, Options{Mode: ModeCreate})
		pass(time.Second)
		l := w.last()
		if fmt.Sprint(l.Probed) != "[0 1 2]" || len(l.Brokers) != 3 || l.ID == [16]byte{} {
			t.Fatalf("layout %+v\n%s", l, w.log.String())
		}
		for b, covered := range l.Covered() {
			if !covered {
				t.Errorf("broker %d is not covered", b)
			}
		}
		configs := c.TopicInfo(ownTopic).Configs
		for name, want := range map[string]string{"cleanup.policy": "delete", "min.insync.replicas": "2", "retention.ms": "3600000", "message.timestamp.type": "CreateTime"} {
			if got := deref(configs[name]); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		pass(time.Hour)
		if n := len(w.layouts); n != 1 {
			t.Errorf("%d layouts published, want 1: nothing changed", n)
		}
		if p := w.State().Plan.text(); p != "" {
			t.Errorf("still planned: %s", p)
		}
	})
}

func TestManagersRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cl := fake(t, 3)
		all := []*watched{manage(t, cl, Options{Mode: ModeCreate}), manage(t, cl, Options{Mode: ModeCreate}), manage(t, cl, Options{Mode: ModeCreate})}
		pass(5 * time.Second)
		for _, w := range all {
			if l := w.last(); len(l.Partitions) != 3 || l.ID != all[0].last().ID || len(w.refusals) > 0 {
				t.Errorf("layout %+v, refusals %v", l, w.refusals)
			}
		}
	})
}

func TestManagerRecreatesDeletedTopic(t *testing.T) {
	for _, trigger := range []bool{false, true} {
		t.Run(fmt.Sprint("trigger ", trigger), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, cl := fake(t, 3)
				o, wait := Options{Mode: ModeCreate}, 15*time.Second
				if trigger {
					o.Interval, wait = time.Hour, 2*time.Second
				}
				w := manage(t, cl, o)
				pass(time.Minute)
				before := w.last().ID
				if err := c.DeleteTopic(ownTopic); err != nil {
					t.Fatal(err)
				}
				if trigger {
					w.Trigger()
				}
				pass(wait)
				if l := w.last(); l.ID == before || len(l.Partitions) != 3 {
					t.Errorf("layout %+v\n%s", l, w.log.String())
				}
			})
		})
	}
}

func TestManagerAddsPartitionsForNewBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cl := fake(t, 2)
		w := manage(t, cl, Options{Mode: ModeCreate})
		pass(time.Minute)
		if _, _, err := c.AddNode(-1, 9100); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Second)
		if n := len(w.last().Partitions); n != 2 {
			t.Errorf("%d partitions 20 s after a broker came: too soon", n)
		}
		pass(3 * time.Minute)
		l := w.last()
		if slices.Contains([]bool{l.Covered()[0], l.Covered()[1], l.Covered()[2]}, false) {
			t.Errorf("not all covered: %+v\n%s", l, w.log.String())
		}
		if len(l.Partitions) > 4 {
			t.Errorf("%d partitions", len(l.Partitions))
		}
	})
}

func TestManagerLivesWithRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cl := fake(t, 3)
		allowed := make(chan struct{})
		attempts := policy(c, func(kmsg.CreateTopicsRequestTopic) (*kerr.Error, string) {
			select {
			case <-allowed:
				return nil, ""
			default:
				return kerr.TopicAuthorizationFailed, ""
			}
		})
		w := manage(t, cl, Options{Mode: ModeCreate})
		pass(5*time.Minute + 30*time.Second)
		if n := len(attempts()); n < 4 || n > 7 {
			t.Errorf("%d attempts in 5.5 minutes, want about one a minute", n)
		}
		if len(w.problems) != 1 || len(w.problems[0]) != 1 || !w.problems[0][0].Fatal || !strings.Contains(w.problems[0][0].Text, "--operation Create --topic "+ownTopic) {
			t.Errorf("problems %+v, want the one once", w.problems)
		}
		if n := strings.Count(w.log.String(), "TOPIC_AUTHORIZATION_FAILED"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, w.log.String())
		}
		if w.refusals[0].Reason != "TOPIC_AUTHORIZATION_FAILED" {
			t.Errorf("refusals %+v", w.refusals)
		}
		close(allowed)
		pass(2 * time.Minute)
		if len(w.last().Probed) != 3 || len(w.problems) != 2 || len(w.problems[1]) != 0 {
			t.Errorf("layout %+v, problems %+v", w.last(), w.problems)
		}
	})
}

func TestManagerReportsWhatTopicLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cl := fake(t, 3)
		policy(c, func(rt kmsg.CreateTopicsRequestTopic) (*kerr.Error, string) {
			if sets(rt, "segment.ms") {
				return kerr.PolicyViolation, "segment.ms is managed"
			}
			return nil, ""
		})
		w := manage(t, cl, Options{Mode: ModeCreate})
		pass(time.Minute)
		if len(w.refusals) != 1 || w.refusals[0].Lacked != "segment.ms" || w.refusals[0].Reason != "POLICY_VIOLATION" {
			t.Errorf("refusals %+v", w.refusals)
		}
		if len(w.last().Probed) != 3 || len(w.State().Plan.Problems) != 0 {
			t.Errorf("layout %+v, problems %+v", w.last(), w.State().Plan.Problems)
		}
	})
}

func TestManagerBornInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cl := fake(t, 3)
		down := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.LeaderNotAvailable, Count: -1})
		w := manage(t, cl, Options{Mode: ModeCreate})
		pass(4 * time.Minute)
		if w.State().Err == nil || w.State().At == 0 {
			t.Errorf("state %+v", w.State())
		}
		if n := strings.Count(w.log.String(), "\n"); n != 1 {
			t.Errorf("%d log lines, want 1:\n%s", n, w.log.String())
		}
		down.Remove()
		pass(30 * time.Second)
		if len(w.last().Probed) != 3 || w.State().Err != nil {
			t.Errorf("layout %+v, state %+v", w.last(), w.State())
		}
	})
}

func TestManagerModeNoneTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, cl := fake(t, 3)
		if err := c.CreateTopic(ownTopic, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
			t.Fatal(err)
		}
		writes := c.Fault(kfake.Fault{Observe: true, Count: -1, Keys: []kmsg.Key{kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.ElectLeaders, kmsg.AlterPartitionAssignments, kmsg.IncrementalAlterConfigs}})
		w := manage(t, cl, Options{Mode: ModeNone})
		pass(10 * time.Minute)
		if writes.Hits() != 0 || len(w.last().Probed) != 1 {
			t.Errorf("%d writes, layout %+v", writes.Hits(), w.last())
		}
		var kinds []ProblemKind
		for _, p := range w.State().Plan.Problems {
			kinds = append(kinds, p.Kind)
		}
		if fmt.Sprint(kinds) != "[compacted replication_factor broker_not_covered]" && fmt.Sprint(kinds) != "[compacted broker_not_covered]" {
			t.Errorf("problems %v", kinds)
		}
	})
}

func TestManagerStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cl := fake(t, 1)
		w := manage(t, cl, Options{Mode: ModeCreate})
		pass(time.Minute)
		began := time.Now()
		w.stop()
		if took := time.Since(began); took > 0 {
			t.Errorf("took %s", took)
		}
	})
}
