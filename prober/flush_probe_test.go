package prober

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// flushes is a sink that keeps everything.
type flushes struct {
	mu    sync.Mutex
	pairs []timedPair
	state flush.State
}

type timedPair struct {
	flush.Pair
	at time.Time
}

func (f *flushes) Pair(p *flush.Pair) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pairs = append(f.pairs, timedPair{*p, time.Now()})
}

func (f *flushes) State(s flush.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = s
}

// take returns the pairs of a broker since the last call for it, and the last state.
func (f *flushes) take(broker int32) (pairs []timedPair, state flush.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pairs = slices.DeleteFunc(f.pairs, func(p timedPair) bool {
		if p.Broker == broker {
			pairs = append(pairs, p)
		}
		return p.Broker == broker
	})
	return pairs, f.state
}

// flushBubble is a cluster in virtual time whose brokers say they keep Apache Kafka's log and take as long
// as told to append to a topic.
type flushBubble struct {
	*kfake.Cluster
	sink *flushes
	log  bytes.Buffer
	stop func()

	mu    sync.Mutex
	slow  map[int32]time.Duration // appends to the flushed topic, by broker
	hangs map[int32]bool          // brokers that do not answer any append
	reads string                  // flush.messages of the flushed topic as it reads back
}

// inFlushBubble runs the flush probe with its defaults in a bubble until test returns.
func inFlushBubble(t *testing.T, asKafka bool, test func(t *testing.T, b *flushBubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var vn kfake.VirtualNetwork
		cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.Ports(9092, 9093, 9094), kfake.ListenFn(vn.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		b := &flushBubble{Cluster: cluster, sink: new(flushes), slow: map[int32]time.Duration{}, hangs: map[int32]bool{}, reads: "1"}
		if asKafka {
			cluster.ControlKey(int16(kmsg.DescribeConfigs), b.describe)
		}
		log := slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"127.0.0.1:9092"}, Dialer: b.slowed(vn.DialContext)},
			slog.New(slog.DiscardHandler), nil)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- defaultFlush(t).Run(ctx, Env{Factory: factory, Mode: topics.ModeCreate, Flush: b.sink, Log: log})
		}()
		b.stop = func() {
			stop()
			began := time.Now()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > DrainTime {
				t.Errorf("ending took %v, want at most %v", took, DrainTime)
			}
		}
		test(t, b)
		b.stop()
	})
}

// describe answers as Apache Kafka does, with the value of flush.messages that each topic was made with.
func (b *flushBubble) describe(kreq kmsg.Request) (kmsg.Response, error, bool) {
	b.KeepControl()
	req := kreq.(*kmsg.DescribeConfigsRequest)
	resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for _, r := range req.Resources {
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = r.ResourceType, r.ResourceName
		messages := "9223372036854775807"
		if r.ResourceName == "kafka-prober-flush-internal" {
			b.mu.Lock()
			messages = b.reads
			b.mu.Unlock()
		}
		for name, value := range map[string]string{"flush.messages": messages, "index.interval.bytes": "4096", "segment.index.bytes": "1", "preallocate": "false"} {
			c := kmsg.NewDescribeConfigsResponseResourceConfig()
			c.Name, c.Value = name, kmsg.StringPtr(value)
			out.Configs = append(out.Configs, c)
		}
		resp.Resources = append(resp.Resources, out)
	}
	return resp, nil, true
}

// slowed returns dial with connections on which produce requests take their time. (kfake can't: control
// functions that sleep at the same time hang it.)
func (b *flushBubble) slowed(dial kafka.DialFunc) kafka.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		broker := slices.Index(b.ListenAddrs(), addr)
		return &slowConn{Conn: conn, bubble: b, broker: int32(broker)}, err
	}
}

type slowConn struct {
	net.Conn
	bubble *flushBubble
	broker int32
}

// Write takes a whole request, which is how kgo writes them.
func (c *slowConn) Write(request []byte) (int, error) {
	const produceKey = 0
	if len(request) < 6 || binary.BigEndian.Uint16(request[4:]) != produceKey {
		return c.Conn.Write(request)
	}
	takes := 2 * time.Millisecond
	topic := c.bubble.TopicInfo("kafka-prober-flush-internal")
	c.bubble.mu.Lock()
	if topic != nil && bytes.Contains(request, topic.TopicID[:]) {
		takes += c.bubble.slow[c.broker]
	}
	hangs := c.bubble.hangs[c.broker] || takes > time.Minute
	c.bubble.mu.Unlock()
	if hangs {
		return len(request), nil // and it never gets there
	}
	time.Sleep(takes)
	return c.Conn.Write(request)
}

func (b *flushBubble) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// TestFlushProbe measures flushes of known length, and is told of those that do not end.
func TestFlushProbe(t *testing.T) {
	inFlushBubble(t, true, func(t *testing.T, b *flushBubble) {
		b.set(func() { b.slow[1], b.slow[2] = 30*time.Millisecond, 400*time.Millisecond })
		time.Sleep(time.Minute) // until the topics are there, and all is known of them
		for broker := range int32(3) {
			b.sink.take(broker)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for broker, want := range map[int32]struct {
			flush           time.Duration
			atLeast, atMost int // flushes in ten minutes: in rounds that come too soon there is none
		}{0: {0, 58, 61}, 1: {30 * time.Millisecond, 30, 50}, 2: {400 * time.Millisecond, 3, 5}} {
			pairs, state := b.sink.take(broker)
			if state.Believed != 1 || !slices.Equal(state.Brokers, []int32{0, 1, 2}) || len(state.Thresholds) != 6 {
				t.Errorf("state %+v, want believed, three brokers, six thresholds", state)
			}
			if len(pairs) < 59 || len(pairs) > 61 {
				t.Errorf("broker %d: %d rounds in 10 min, want 60", broker, len(pairs))
			}
			n := 0
			var last timedPair
			for _, p := range pairs {
				if !p.Plain.Acked() || p.Plain.Took != 2*time.Millisecond {
					t.Errorf("broker %d: plain append %+v, want one of 2ms", broker, p.Plain)
				}
				if p.Flushed == nil {
					continue
				}
				n++
				if !p.Known || p.Flush != want.flush || p.LogDir == "" || p.LogDir == unknownLogDir {
					t.Errorf("broker %d: flush %v, known %v, in %q; want %v", broker, p.Flush, p.Known, p.LogDir, want.flush)
				}
				if pause := p.at.Sub(last.at); n > 1 && pause < 3*100*last.Flushed.Took { // for each of three replicas
					t.Errorf("broker %d: flushes %v apart, the first of which took %v", broker, pause, last.Flushed.Took)
				}
				last = p
			}
			if n > want.atMost || n < want.atLeast {
				t.Errorf("broker %d: %d flushes in 10 min, want %d to %d", broker, n, want.atLeast, want.atMost)
			}
		}

		b.set(func() { b.slow[0], b.hangs[1] = time.Hour, true })
		time.Sleep(45 * time.Second) // a round begins after up to 20 s and then waits for both records
		synctest.Wait()
		pairs, _ := b.sink.take(0)
		if !slices.ContainsFunc(pairs, func(p timedPair) bool {
			return p.Flushed != nil && p.Flushed.Reason == kafka.ReasonNoResponse && p.Flushed.Took == 10*time.Second && p.Known && p.Flush == 9998*time.Millisecond
		}) {
			t.Errorf("a flush that does not end: %+v, want one of the timeout's length", pairs)
		}
		pairs, _ = b.sink.take(1)
		if !slices.ContainsFunc(pairs, func(p timedPair) bool {
			return p.Plain.Reason == kafka.ReasonNoResponse && p.Plain.Took == 10*time.Second && !p.Known
		}) {
			t.Errorf("a broker that does not answer: %+v, want a plain append of the timeout's length and no flush", pairs)
		}
		if b.set(func() { clear(b.slow); clear(b.hangs) }); strings.Contains(b.log.String(), "can't be measured") {
			t.Errorf("log says that flushes can't be measured:\n%s", b.log.String())
		}
	})
}

// TestFlushProbeReadsBack stops asking for flushes, and says so, when somebody changes the topic's setting.
func TestFlushProbeReadsBack(t *testing.T) {
	inFlushBubble(t, true, func(t *testing.T, b *flushBubble) {
		flushed := func() (n int) {
			pairs, _ := b.sink.take(0)
			for _, p := range pairs {
				if p.Flushed != nil {
					n++
				}
			}
			return n
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if flushed() == 0 {
			t.Error("no flush in 5 min")
		}
		b.set(func() { b.reads = "10000" })
		time.Sleep(time.Minute)
		flushed()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := flushed(); n > 0 {
			t.Errorf("%d flushes were asked for, want none where none is forced", n)
		}
		if _, state := b.sink.take(0); state.Believed != 0 {
			t.Errorf("believed %d, want 0", state.Believed)
		}
		b.set(func() { b.reads = "1" })
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if flushed() == 0 {
			t.Error("no flush in 5 min after the setting is back")
		}
	})
}

// TestFlushClient asserts what the estimate rests on.
func TestFlushClient(t *testing.T) {
	factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"127.0.0.1:1"}}, slog.New(slog.DiscardHandler), nil)
	a, err := newAppender(Env{Factory: factory, Log: slog.New(slog.DiscardHandler)}, "t", 10*time.Second, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer a.client.Close()
	for name, test := range map[string]struct{ got, want any }{
		"acks":    {a.client.OptValue(kgo.RequiredAcks), kgo.LeaderAck()},
		"linger":  {a.client.OptValue(kgo.ProducerLinger), time.Duration(0)},
		"retries": {a.client.OptValue(kgo.RecordRetries), int64(0)},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v (%T), want %v (%T)", name, test.got, test.got, test.want, test.want)
		}
	}
}

// TestFlushProbeNotBelieved is the demo's cluster: appends are measured, flushes are not, and it is said once.
func TestFlushProbeNotBelieved(t *testing.T) {
	inFlushBubble(t, false, func(t *testing.T, b *flushBubble) {
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for broker := range int32(3) {
			pairs, state := b.sink.take(broker)
			if len(pairs) < 50 {
				t.Errorf("broker %d: %d rounds in 10 min, want about 60", broker, len(pairs))
			}
			for _, p := range pairs {
				if p.Flushed != nil || p.Known || !p.Plain.Acked() {
					t.Errorf("broker %d: %+v, want a plain append alone", broker, p)
				}
			}
			if state.Believed != 0 {
				t.Errorf("believed %d, want 0", state.Believed)
			}
		}
		if b.TopicInfo("kafka-prober-flush-internal") != nil {
			t.Error("the flushed topic was made where it has no effect")
		}
		if n := strings.Count(b.log.String(), "log flushes can't be measured, log_flush_seconds is absent"); n != 1 {
			t.Errorf("said %d times that flushes can't be measured, want once:\n%s", n, b.log.String())
		}
	})
}
