//go:build kafka || faults || bench

package prober

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// disks is a real cluster whose disks are as slow as told, with a flush probe and a steady probe on it.
type disks struct {
	*kafkatest.Cluster
	flushes times // log_flush_seconds by broker
	plain   times // log_append_seconds by broker
	steady  times // end_to_end_latency_seconds of the steady probe by leader
	bursts  times // and of another probe, if one runs
}

// times are measured times by broker.
type times struct {
	mu sync.Mutex
	by map[int32][]time.Duration
}

func (s *times) add(broker int32, d ...time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[int32][]time.Duration{}
	}
	s.by[broker] = append(s.by[broker], d...)
}

// take returns what came since the last call.
func (s *times) take() map[int32][]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.by
	s.by = nil
	return all
}

// least returns how many times the broker of three with the fewest has.
func (s *times) least() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(len(s.by[1]), len(s.by[2]), len(s.by[3]))
}

// summary is a sample in four figures.
type summary struct {
	n              int
	mean, p50, p95 time.Duration
}

func summarize(of []time.Duration) (s summary) {
	s.n = len(of)
	if s.n == 0 {
		return s
	}
	slices.Sort(of)
	var sum time.Duration
	for _, d := range of {
		sum += d
	}
	s.mean, s.p50, s.p95 = sum/time.Duration(s.n), of[(s.n-1)/2], of[(s.n-1)*95/100]
	return s
}

// inMillis writes mean, p50 and p95.
func (s summary) inMillis() string {
	return fmt.Sprintf("%s / %s / %s", millis(s.mean), millis(s.p50), millis(s.p95))
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// Pair implements flush.Sink.
func (d *disks) Pair(p *flush.Pair) {
	if p.Known {
		d.flushes.add(p.Broker, p.Flush)
	}
	if p.Plain.Took > 0 {
		d.plain.add(p.Broker, p.Plain.Took)
	}
}

// State implements flush.Sink.
func (d *disks) State(flush.State) {}

// Series implements ledger.Sink.
func (d *disks) Series(topic string, broker int32) ledger.Series {
	if topic == steadyDefaults().Topic {
		return endToEnd{&d.steady, broker}
	}
	return endToEnd{&d.bursts, broker}
}

// Watch implements ledger.Sink.
func (d *disks) Watch(func() ledger.State) {}

type endToEnd struct {
	to     *times
	broker int32
}

func (endToEnd) Count(*ledger.Tally) {}

func (e endToEnd) Observe(b *ledger.Batch) {
	for _, r := range b.Results {
		e.to.add(e.broker, r.Latency)
	}
}

// startDisks starts three brokers with slow disks and a steady probe with its defaults.
func startDisks(t *testing.T, opts ...kafkatest.Option) *disks {
	t.Helper()
	d := &disks{Cluster: kafkatest.Start(t, append(opts, kafkatest.SlowDisk())...)}
	t.Cleanup(d.run(t, steadyDefaults()))
	return d
}

func steadyDefaults() *SteadySettings {
	steady, _ := Kinds.Get("steady")
	return steady.New().(*SteadySettings)
}

// often are the flush probe's settings for as many pairs as a test of its truth needs. Its topics have one
// replica each: of three, the followers would flush too, in the threads in which they replicate all else, and
// a hundred milliseconds twenty times a second are more than there is time for.
func often(t *testing.T) *FlushSettings {
	s := defaultFlush(t)
	s.Interval, s.PauseFactor, s.ReplicationFactor = kind.Duration(50*time.Millisecond), 0, 1
	return s
}

// run lets a probe run and returns what ends it.
func (d *disks) run(t *testing.T, s Settings) (stop func()) {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	factory := kafka.NewFactory(kafka.Settings{Cluster: "test", BootstrapServers: d.Bootstrap()}, log, nil)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx, Env{Factory: factory, Mode: topics.ModeCreate, Sink: d, Flush: d, Log: log}); err != nil {
			t.Errorf("run probe: %v", err)
		}
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-ended
	})
}

// awaitPairs waits until each broker has so many pairs.
func (d *disks) awaitPairs(t *testing.T, n int) {
	t.Helper()
	const limit = 90 * time.Second
	began := time.Now()
	for d.flushes.least() < n || d.steady.least() < n {
		if time.Since(began) > limit {
			t.Fatalf("not %d pairs and records of each broker within %v: %d, %d", n, limit, d.flushes.least(), d.steady.least())
		}
		pause(t.Context(), 100*time.Millisecond)
	}
}

// row is what was measured with one delay, by broker.
type row struct{ flushes, plain, steady, bursts map[int32][]time.Duration }

func (d *disks) take() row {
	return row{d.flushes.take(), d.plain.take(), d.steady.take(), d.bursts.take()}
}

func (r *row) add(o row) {
	for _, part := range []struct {
		to   *map[int32][]time.Duration
		from map[int32][]time.Duration
	}{{&r.flushes, o.flushes}, {&r.plain, o.plain}, {&r.steady, o.steady}} {
		for broker, of := range part.from {
			if *part.to == nil {
				*part.to = map[int32][]time.Duration{}
			}
			(*part.to)[broker] = append((*part.to)[broker], of...)
		}
	}
}

// compare measures with fsyncs of broker 2 as they are and delayed, in turns of a block each, so that what
// else the machine has to do weighs on both alike.
func (d *disks) compare(t *testing.T, delay time.Duration, turns int, block time.Duration) (base, slow row) {
	t.Helper()
	for turn := range 2 * turns {
		on := turn%4 == 1 || turn%4 == 2 // off, on, on, off
		now := time.Duration(0)
		if on {
			now = delay
		}
		if err := d.Broker(2).DelayFsync(now); err != nil {
			t.Fatal(err)
		}
		pause(t.Context(), 200*time.Millisecond+delay) // what was under way
		d.take()
		pause(t.Context(), block)
		if on {
			slow.add(d.take())
		} else {
			base.add(d.take())
		}
	}
	return base, slow
}

var flushTimer = regexp.MustCompile(`(?m)^kafka_log_logflushstats_logflushrateandtimems\{.*quantile="0\.(50|95)".*\} ([0-9.E-]+)$`)

// timer returns what a broker's own timer of log flushes shows, in milliseconds: p50 / p95.
func timer(t *testing.T, b *kafkatest.Node) string {
	t.Helper()
	resp, err := http.Get(b.JMXURL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range flushTimer.FindAllStringSubmatch(string(page), -1) {
		found[m[1]] = m[2]
	}
	return found["50"] + " / " + found["95"]
}
