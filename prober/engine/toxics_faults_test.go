//go:build faults

package engine

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// proxies are a proxy in front of each broker, for the clients that dial through it.
type proxies struct {
	byBroker map[string]*toxiproxy.Proxy // by the broker's address
}

func newProxies(t *testing.T, brokers []string) *proxies {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics log to the global logger
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	ps := &proxies{byBroker: map[string]*toxiproxy.Proxy{}}
	for i, addr := range brokers {
		p := toxiproxy.NewProxy(server, fmt.Sprint("broker-", i+1), "127.0.0.1:0", addr)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
		ps.byBroker[addr] = p
	}
	return ps
}

// dial connects to a broker through its proxy.
func (ps *proxies) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	p := ps.byBroker[addr]
	if p == nil {
		return nil, fmt.Errorf("no proxy in front of %s", addr)
	}
	return new(net.Dialer).DialContext(ctx, network, p.Listen)
}

// add puts a toxic, as toxiproxy's API takes it, on both streams of the brokers' proxies.
func (ps *proxies) add(t *testing.T, kind, attributes string, brokers ...string) {
	t.Helper()
	for _, addr := range brokers {
		for _, stream := range []string{"upstream", "downstream"} {
			toxic := fmt.Sprintf(`{"name": %q, "type": %q, "stream": %q, "attributes": %s}`, kind+stream, kind, stream, attributes)
			if _, err := ps.byBroker[addr].Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				t.Fatalf("add toxic %s: %v", kind, err)
			}
		}
	}
}

// heal takes all toxics away.
func (ps *proxies) heal(ctx context.Context) {
	for _, p := range ps.byBroker {
		p.Toxics.ResetToxics(ctx)
	}
}

// TestToxics puts a bad network between the prober and the brokers. Memory stays bounded, each record that
// does not come in time counts at exactly its timeout, nothing is lost, doubled or out of order, and all
// is well again soon after.
func TestToxics(t *testing.T) {
	const (
		short       = 2 * time.Second  // the timeout where some are expected
		long        = 10 * time.Second // and where none are, however busy the machine is
		sick        = 8 * time.Second
		recovery    = 15 * time.Second
		memoryLimit = 64 << 20
	)
	c := kafkatest.Shared(t)
	s := newSite(t, c, nil)
	ps := newProxies(t, c.Bootstrap())
	one, all := c.Bootstrap()[:1], c.Bootstrap()
	for _, test := range []struct {
		name, kind, attributes string
		brokers                []string
		size                   int  // of a record
		timeouts               bool // are to be expected
	}{
		{name: "slicer", kind: "slicer", attributes: `{"average_size": 20, "size_variation": 10, "delay": 20}`, brokers: all, size: 128},
		{name: "reset_peer", kind: "reset_peer", attributes: `{"timeout": 0}`, brokers: one, size: 128, timeouts: true},
		{name: "slow_close", kind: "slow_close", attributes: `{"delay": 1000}`, brokers: all, size: 128},
		{name: "50 kB/s where 20 are needed", kind: "bandwidth", attributes: `{"rate": 50}`, brokers: all, size: 2 << 10},
		{name: "50 kB/s where 160 are needed", kind: "bandwidth", attributes: `{"rate": 50}`, brokers: all, size: 16 << 10, timeouts: true},
		{name: "zero window", kind: "bandwidth", attributes: `{"rate": 0}`, brokers: one, size: 128, timeouts: true},
		{name: "black hole", kind: "timeout", attributes: `{"timeout": 0}`, brokers: one, size: 128, timeouts: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			book := new(notebook)
			cfg := siteConfig(c, s, book, ps.dial)
			timeout := long
			if test.timeouts {
				timeout = short
			}
			cfg.Timeout, cfg.Size = timeout, test.size
			e, stop := start(t, cfg)
			if err := e.SetLayout(s.layout); err != nil {
				t.Fatal(err)
			}
			await(t, "records to flow", func() bool { return book.total().Outcomes[ledger.Delivered] >= 60 })
			heap, goroutines := heapInUse(), ownGoroutines(t)

			ps.add(t, test.kind, test.attributes, test.brokers...)
			peak := watch(t, book, sick)
			ps.heal(t.Context())
			healed := time.Now()
			timedOut := book.total().Outcomes[ledger.Timeout]
			await(t, "recovery", func() bool {
				checkInvariant(t, book.total())
				for _, b := range e.state().Brokers {
					if b.Oldest > 500*time.Millisecond {
						return false
					}
				}
				return book.total().InFlight < 10
			})
			took := time.Since(healed)
			if took > recovery {
				t.Errorf("recovery took %v, want at most %v", took, recovery)
			}
			before := book.total()
			peak = max(peak, watch(t, book, 3*time.Second))
			after := book.total()
			if n := after.Outcomes[ledger.Delivered] - before.Outcomes[ledger.Delivered]; n < 80 || after.Outcomes[ledger.Timeout] != before.Outcomes[ledger.Timeout] {
				t.Errorf("in three seconds after the recovery: %d delivered and %d timeouts, want 90 and none",
					n, after.Outcomes[ledger.Timeout]-before.Outcomes[ledger.Timeout])
			}
			now := ownGoroutines(t)
			if now > goroutines+10 {
				t.Errorf("goroutines grew from %d to %d", goroutines, now)
			}
			stop()

			sum := book.total()
			checkInvariant(t, sum)
			want := sum
			want.Anomalies = [ledger.NumAnomalies]uint64{ledger.Late: sum.Anomalies[ledger.Late]}
			want.Outcomes[ledger.Lost], want.Outcomes[ledger.Failed] = 0, 0
			if sum != want {
				t.Errorf("counts = %+v\nwant     %+v", sum, want)
			}
			if test.timeouts != (timedOut > 0) {
				t.Errorf("%d timeouts, expected any: %v", timedOut, test.timeouts)
			}
			reasons := map[string]int{}
			for _, b := range s.layout.Brokers {
				for _, r := range book.results(b) {
					if r.Outcome == ledger.Timeout {
						reasons[r.Reason]++
						if r.Latency != timeout {
							t.Errorf("partition %d, record %d timed out at %v, want exactly %v", r.Partition, r.Sequence, r.Latency, timeout)
						}
					}
				}
			}
			if peak > heap+memoryLimit {
				t.Errorf("heap grew from %d to %d MiB, want at most %d more", heap>>20, peak>>20, memoryLimit>>20)
			}
			t.Logf("due %d, delivered %d, timeouts %v, late %d, recovery in %v, heap %d MiB, at its peak %d MiB, goroutines %d, then %d", sum.Due, sum.Outcomes[ledger.Delivered],
				reasons, sum.Anomalies[ledger.Late], took.Round(time.Millisecond), heap>>20, peak>>20, goroutines, now)
		})
		ps.heal(t.Context())
	}
}

// ownGoroutines returns how many goroutines there are that are not the proxies'.
func ownGoroutines(t *testing.T) (n int) {
	t.Helper()
	var dump bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&dump, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range strings.SplitSeq(dump.String(), "\n\n") {
		if !strings.Contains(stack, "toxiproxy") {
			n++
		}
	}
	return n
}

// watch checks the invariant ten times a second for a while and returns the largest heap that it saw.
func watch(t *testing.T, book *notebook, d time.Duration) (peak uint64) {
	t.Helper()
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			checkInvariant(t, book.total())
			peak = max(peak, heapNow())
		case <-end.C:
			return peak
		}
	}
}
