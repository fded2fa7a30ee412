//go:build faults

package engine

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

var (
	soakFor  = flag.Duration("soak.for", time.Minute, "how long TestSoak does harm")
	soakSeed = flag.Uint64("soak.seed", 20261122, "what TestSoak does is a function of it")
)

// TestSoak does random harm to a real cluster, one thing at a time: brokers are killed and frozen, leaders
// moved, connections slowed and cut. Whatever happens, every record is accounted for at every moment,
// nothing that two replicas have is said to be lost, doubled or out of order, and the prober is none the
// worse for it.
func TestSoak(t *testing.T) {
	c := kafkatest.Shared(t)
	s := place(t, c, "soak", everywhere(), map[string]string{"min.insync.replicas": "2"})
	ps := newProxies(t, c.Bootstrap())
	book := new(chronicle)
	cfg := siteConfig(c, s, book, ps.dial)
	stop := begin(t, s, cfg, book)
	heap, goroutines := heapInUse(), ownGoroutines(t)

	rng := rand.New(rand.NewPCG(*soakSeed, 0))
	t.Logf("seed %d, for %v (-soak.seed, -soak.for)", *soakSeed, *soakFor)
	h := &harm{t: t, cluster: c, site: s, proxies: ps, book: book, rng: rng}
	for end := time.Now().Add(*soakFor); time.Now().Before(end); {
		h.one()
		h.recover()
	}
	const slack = 32 << 20
	if now := heapInUse(); now > heap+slack {
		t.Errorf("heap grew from %d to %d KiB", heap>>10, now>>10)
	}
	if now := ownGoroutines(t); now > goroutines+10 {
		t.Errorf("goroutines grew from %d to %d", goroutines, now)
	}
	stop()

	sum := book.total()
	checkInvariant(t, sum)
	t.Logf("%d due, outcomes %v, anomalies %v", sum.Due, sum.Outcomes, sum.Anomalies)
	for _, a := range []ledger.Anomaly{ledger.AcknowledgedLost, ledger.Duplicate, ledger.Reordered, ledger.Corrupt, ledger.Ghost, ledger.Unreadable} {
		if n := sum.Anomalies[a]; n != 0 {
			t.Errorf("%d records %v, want none", n, a)
		}
	}
	for _, o := range []ledger.Outcome{ledger.Lost, ledger.Failed, ledger.Expired, ledger.TopicRecreated} {
		if n := sum.Outcomes[o]; n != 0 {
			t.Errorf("%d records %v, want none", n, o)
		}
	}
}

// harm is what is done to a cluster, one thing at a time.
type harm struct {
	t       *testing.T
	cluster *kafkatest.Cluster
	site    *site
	proxies *proxies
	book    *chronicle
	rng     *rand.Rand
}

// one does one random thing and undoes it.
func (h *harm) one() {
	t, b := h.t, h.cluster.Broker(1+h.rng.IntN(3))
	lasts := time.Duration(500+h.rng.IntN(5000)) * time.Millisecond
	switch h.rng.IntN(5) {
	case 0:
		h.note("kill", b, lasts)
		h.must(b.Kill())
		hold(t, lasts, h.book)
		h.must(b.Start(t.Context()))
	case 1:
		h.note("freeze", b, lasts)
		h.must(b.Pause())
		hold(t, lasts, h.book)
		h.must(b.Resume())
	case 2:
		h.note("leaders move", b, 0)
		h.moveLeaders()
	case 3:
		h.note("connections cut", b, lasts)
		h.proxies.add(t, "reset_peer", `{"timeout": 100}`, b.Addr())
		hold(t, lasts, h.book)
	default:
		h.note("network slow", b, lasts)
		h.proxies.add(t, "latency", `{"latency": 200, "jitter": 100}`, b.Addr())
		hold(t, lasts, h.book)
	}
	h.proxies.heal(t.Context())
}

// recover waits until all replicas are in sync and all records come through.
func (h *harm) recover() {
	awaitFor(h.t, time.Minute, "all replicas to be in sync", func() bool {
		checkInvariant(h.t, h.book.total())
		for p := range int32(3) {
			if len(h.site.isr(h.t, p)) != 3 {
				return false
			}
		}
		return true
	})
	awaitCalm(h.t, time.Minute, h.book)
}

// moveLeaders gives each partition another preferred leader and has it elected.
func (h *harm) moveLeaders() {
	t, first := h.t, h.rng.IntN(3)
	var req kadm.AlterPartitionAssignmentsReq
	for p := range int32(3) {
		at := first + int(p)
		req.Assign(h.site.topic, p, []int32{int32(1 + at%3), int32(1 + (at+1)%3), int32(1 + (at+2)%3)})
	}
	if _, err := h.site.admin.AlterPartitionAssignments(t.Context(), req); err != nil {
		t.Logf("reassign: %v", err) // the next harm finds it as it is
		return
	}
	if _, err := h.site.admin.ElectLeaders(t.Context(), kadm.ElectPreferredReplica, nil); err != nil {
		t.Logf("elect: %v", err)
	}
	hold(t, time.Second, h.book)
}

func (h *harm) note(what string, b *kafkatest.Node, lasts time.Duration) {
	h.t.Logf("%s: %v for %v", what, b, lasts)
}

func (h *harm) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(fmt.Errorf("the harness itself: %w", err))
	}
}
