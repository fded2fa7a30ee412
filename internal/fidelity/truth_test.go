//go:build bench

package fidelity_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/fidelity/probe"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

// TestTruth adds a delay to the produce requests alone and looks at whether the prober's figures move by
// as much. Two engines run at the same time, one with the delay and one without: whatever else goes on
// on this machine happens to both. What the proxy really adds, which waits by Go's timers on a busy machine, is
// what a bare echo through proxies of the same kind is longer by, at the same time.
func TestTruth(t *testing.T) {
	const plainTopic, delayedTopic, partitions = "bench-truth-plain", "bench-truth-delayed", 6
	c := warmCluster(t, plainTopic, partitions)
	newTopic(t, c, delayedTopic, partitions)
	var rows []moves
	printf(t, "%8s  %8s  %8s  %-28s  %-28s  records\n", "delay", "interval", "echo p50", "produce moved: p50  p99 ms", "end to end moved: p50  p99")
	for _, row := range []struct {
		delay    time.Duration
		interval time.Duration // at least four times the delay
		share    float64       // of the longest run's length
	}{
		{0, 100 * time.Millisecond, .5},
		{5 * time.Millisecond, 100 * time.Millisecond, .5},
		{50 * time.Millisecond, 200 * time.Millisecond, .5},
		{500 * time.Millisecond, 2 * time.Second, 1},
	} {
		load := fidelity.Load{
			Servers: c.Bootstrap(), Topic: plainTopic, Partitions: partitions, Interval: row.interval, Size: recordSize,
			// The first record of a partition pays for the connection, with several delayed requests.
			WarmUp: *warmUp + 2*row.interval + 6*row.delay,
			Length: time.Duration(row.share * float64(*truthLength)),
		}
		delayedLoad := load
		delayedLoad.Topic = delayedTopic
		var plain, delayed fidelity.Report
		var echo float64
		var runs sync.WaitGroup
		runs.Go(func() { echo = echoMoves(t, load, row.delay) })
		runs.Go(func() { plain = runDelayed(t, load, 0) })
		runs.Go(func() { delayed = runDelayed(t, delayedLoad, row.delay) })
		runs.Wait()
		if t.Failed() {
			return
		}
		moved := func(a, b fidelity.Quantiles) (p50, p99 float64) {
			return milliseconds(b.P50 - a.P50), milliseconds(b.P99 - a.P99)
		}
		produce50, produce99 := moved(plain.Own.Produce, delayed.Own.Produce)
		end50, end99 := moved(plain.Own.FromDue, delayed.Own.FromDue)
		printf(t, "%8v  %8v  %8.2f  %18.2f %9.2f  %18.2f %9.2f  %d\n",
			row.delay, row.interval, echo, produce50, produce99, end50, end99, delayed.Count)
		rows = append(rows, moves{row.delay, echo, produce50, end50})
	}
	for _, r := range rows {
		limit := max(1, .02*r.echo)
		gate(t, fmt.Sprintf("%v added: error of produce p50", r.delay), math.Abs(r.produce-r.echo), limit, "ms")
		gate(t, fmt.Sprintf("%v added: error of end to end p50", r.delay), math.Abs(r.endToEnd-r.echo), limit, "ms")
	}
}

// moves is by how many milliseconds the medians moved with a delay.
type moves struct {
	delay                   time.Duration
	echo, produce, endToEnd float64
}

// echoMoves returns by how many milliseconds the median of an echo moves with a delay, of as many as a
// partition of the load has records, two by two with the delay and without. It may be called from any goroutine.
func echoMoves(t *testing.T, load fidelity.Load, delay time.Duration) float64 {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	address := listener.Addr().String()
	ways := [2]delays{newDelays(t, []string{address}, 0), newDelays(t, []string{address}, delay)}
	var took [2][]time.Duration
	var conns [2]net.Conn
	for i, way := range ways {
		if conns[i], err = way.dial(t.Context(), "tcp", address); err != nil {
			t.Errorf("echo: %v", err)
			return 0
		}
		defer conns[i].Close()
	}
	message := make([]byte, load.Size)
	pace := time.NewTicker(load.Interval)
	defer pace.Stop()
	for end := time.Now().Add(load.WarmUp + load.Length); time.Now().Before(end); <-pace.C {
		for i, conn := range conns {
			began := time.Now()
			if _, err := conn.Write(message); err != nil {
				t.Errorf("echo: %v", err)
				return 0
			}
			if _, err := io.ReadFull(conn, message); err != nil {
				t.Errorf("echo: %v", err)
				return 0
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	return milliseconds(fidelity.Summarize(took[1]).P50 - fidelity.Summarize(took[0]).P50)
}

// runDelayed runs the engine in this process, with a delay on what its producing clients send. It may be
// called from any goroutine, as may newDelays.
func runDelayed(t *testing.T, load fidelity.Load, delay time.Duration) fidelity.Report {
	t.Helper()
	way := newDelays(t, load.Servers, delay)
	log := slog.New(slog.DiscardHandler)
	factory := kafka.NewFactory(kafka.Settings{Cluster: "bench", BootstrapServers: load.Servers}, log, nil)
	report, err := probe.Run(t.Context(), load, func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
		if role == probe.Producer {
			opts = append(opts, kgo.Dialer(way.dial))
		}
		return factory.Client(role, opts...)
	}, log)
	if err != nil {
		t.Errorf("delay %v: %v", delay, err)
	}
	if report.Failed > 0 {
		t.Errorf("delay %v: %d records failed", delay, report.Failed)
	}
	return report
}

// delays is a proxy in front of each broker that delays what clients send and not what they get.
type delays map[string]string // the proxy's address by the broker's

func newDelays(t *testing.T, brokers []string, delay time.Duration) delays {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	d := delays{}
	for _, broker := range brokers {
		p := toxiproxy.NewProxy(server, broker, "127.0.0.1:0", broker)
		if err := p.Start(); err != nil {
			t.Errorf("start proxy of %s: %v", broker, err)
			return d
		}
		t.Cleanup(p.Stop)
		toxic := fmt.Sprintf(`{"type": "latency", "stream": "upstream", "attributes": {"latency": %d}}`, delay.Milliseconds())
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Errorf("delay %s: %v", broker, err)
		}
		d[broker] = p.Listen
	}
	return d
}

// dial connects to a broker through its proxy.
func (d delays) dial(ctx context.Context, network, broker string) (net.Conn, error) {
	address, ok := d[broker]
	if !ok {
		return nil, fmt.Errorf("no proxy in front of broker %s", broker)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}
