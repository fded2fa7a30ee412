//go:build kafka

package topics

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

func TestMain(m *testing.M) { kafkatest.Main(m) }

func TestManagerOnKafka(t *testing.T) {
	c := kafkatest.Shared(t)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	quick := Options{Mode: ModeCreate, Interval: 500 * time.Millisecond, Settle: 2 * time.Second}

	t.Run("born settled, restart, deleted", func(t *testing.T) {
		w := manage(t, cl, quick)
		w.await(t, "a leader on each broker", func(l Layout) bool { return leaders(l) == "[1 2 3]" && allInSync(l) })
		if s := w.State().Observed; s.Config[settingMinISR] != (Value{"2", true}) || s.Config[settingCleanupPolicy] != (Value{"delete", true}) {
			t.Errorf("settings %v, %v", s.Config, s.ConfigErr)
		}
		if len(w.refusals) > 0 {
			t.Errorf("refused %+v", w.refusals)
		}

		if err := c.Broker(2).Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.await(t, "broker 2 missing and its leader elsewhere", func(l Layout) bool {
			return !l.Covered()[2] && !slices.ContainsFunc(l.Brokers, func(b Broker) bool { return b.ID == 2 && b.Alive }) && len(l.Brokers) == 3
		})
		if err := c.Broker(2).Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.await(t, "leadership back on broker 2", func(l Layout) bool { return leaders(l) == "[1 2 3]" })
		if l := w.last(); len(l.Partitions) != 3 || fmt.Sprint(l.Probed) != "[0 1 2]" {
			t.Errorf("layout after a restart: %+v", l)
		}

		before := w.last().ID
		if _, err := admin.DeleteTopic(t.Context(), ownTopic); err != nil {
			t.Fatal(err)
		}
		w.Trigger()
		w.await(t, "the topic re-created", func(l Layout) bool { return l.ID != before && leaders(l) == "[1 2 3]" })
	})

	t.Run("full management repairs", func(t *testing.T) {
		const topic = "kafka-prober-repair-internal"
		compact := "compact"
		if _, err := admin.CreateTopic(t.Context(), 2, 1, map[string]*string{settingCleanupPolicy: &compact}, topic); err != nil {
			t.Fatal(err)
		}
		full := quick
		full.Mode, full.Spec.Topic = ModeFull, topic
		w := manage(t, cl, full)
		w.await(t, "three partitions with three replicas", func(l Layout) bool {
			return leaders(l) == "[1 2 3]" && allInSync(l)
		})
		w.await(t, "nothing left to do", func(Layout) bool {
			p := w.State().Plan
			return len(p.Actions)+len(p.Deferred)+len(p.Problems) == 0
		})
		if len(w.refusals) > 0 {
			t.Errorf("refused %+v", w.refusals)
		}
		if got := w.State().Observed.Config[settingCleanupPolicy].Value; got != "delete" {
			t.Errorf("cleanup.policy=%s", got)
		}
	})

	t.Run("cleanup", func(t *testing.T) {
		ours, kept, err := FindOurs(t.Context(), cl, []Spec{{Topic: ownTopic}, {Topic: "kafka-prober-repair-internal"}})
		if err != nil || len(ours) != 2 || len(kept) != 0 {
			t.Fatalf("ours %+v, kept %v, %v", ours, kept, err)
		}
		for _, cand := range ours {
			if err := Delete(t.Context(), cl, cand); err != nil {
				t.Error(err)
			}
		}
	})
}

// await polls the last layout.
func (w *watched) await(t *testing.T, what string, ok func(Layout) bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(90 * time.Second)
	for !ok(w.last()) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited too long for %s: %+v, plan %s, err %v", what, w.last(), w.State().Plan.text(), w.State().Err)
		}
	}
}

// leaders lists the brokers that lead a probed partition, ascending.
func leaders(l Layout) string {
	var list []int32
	for b, covered := range l.Covered() {
		if covered {
			list = append(list, b)
		}
	}
	slices.Sort(list)
	return fmt.Sprint(list)
}

func allInSync(l Layout) bool {
	for _, p := range l.Partitions {
		if len(p.Replicas) != 3 || len(p.ISR) != 3 {
			return false
		}
	}
	return len(l.Partitions) >= 3
}
