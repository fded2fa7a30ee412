package engine

import (
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// recreate deletes the topic and creates it again.
func (b *bubble) recreate(t *testing.T) {
	t.Helper()
	if err := b.DeleteTopic(testTopic); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateTopic(testTopic, 3, nil); err != nil {
		t.Fatal(err)
	}
	for p := range int32(3) {
		if err := b.MoveTopicPartition(testTopic, p, p); err != nil {
			t.Fatal(err)
		}
	}
}

// appended returns how many records there are in the topic.
func (b *bubble) appended() (n int64) {
	for _, p := range b.PartitionInfos(testTopic) {
		n += p.HighWatermark
	}
	return n
}

// lag lets every broker answer requests for metadata of the topic as if it still had an id, until stop is called.
func (b *bubble) lag(t *testing.T, id [16]byte) (stop func()) {
	t.Helper()
	lagging := make(chan struct{})
	addrs := b.ListenAddrs()
	b.ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-lagging:
			return nil, nil, false
		default:
		}
		b.KeepControl()
		resp := kreq.ResponseKind().(*kmsg.MetadataResponse)
		for i, addr := range addrs {
			host, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Error(err)
			}
			broker := kmsg.NewMetadataResponseBroker()
			number, _ := strconv.Atoi(port)
			broker.NodeID, broker.Host, broker.Port = int32(i), host, int32(number)
			resp.Brokers = append(resp.Brokers, broker)
		}
		for _, asked := range kreq.(*kmsg.MetadataRequest).Topics {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.TopicID = asked.Topic, id
			for p := range int32(3) {
				part := kmsg.NewMetadataResponseTopicPartition()
				part.Partition, part.Leader, part.Replicas, part.ISR = p, p, []int32{p}, []int32{p}
				topic.Partitions = append(topic.Partitions, part)
			}
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
	return func() { close(lagging) }
}

// deliversAgain wants all that three partitions send in ten seconds to be delivered, and ends the engine.
func deliversAgain(t *testing.T, book *notebook, stop func()) ledger.Tally {
	t.Helper()
	before := book.total()
	pass(10 * time.Second)
	stop()
	sum := book.total()
	checkInvariant(t, sum)
	if n := sum.Outcomes[ledger.Delivered] - before.Outcomes[ledger.Delivered]; n < 290 {
		t.Errorf("%d records delivered in ten seconds, want about 300: %+v", n, sum)
	}
	return sum
}

// TestRecreated deletes the topic and creates it again. Nothing is sent to the new one before the layout has it; and
// when it has, records are delivered soon, also if brokers still speak of the old one for a while.
func TestRecreated(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		book := new(notebook)
		cfg := b.config(t, book)
		cfg.Interval, cfg.Timeout = 100*time.Millisecond, 5*time.Second
		e, stop := start(t, cfg)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		old := b.TopicInfo(testTopic).TopicID
		b.recreate(t)
		pass(8 * time.Second)
		if n := b.appended(); n != 0 {
			t.Errorf("%d records in the new topic, as records of the old one", n)
		}
		caughtUp := b.lag(t, old)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		pass(4 * time.Second)
		caughtUp()
		pass(25 * time.Second)
		sum := deliversAgain(t, book, stop)
		if sum.Outcomes[ledger.Lost]+sum.Anomalies[ledger.AcknowledgedLost]+sum.Anomalies[ledger.Rewind] != 0 {
			t.Errorf("a new topic taken for a loss: %+v", sum)
		}
	})
}

// TestDiagnosisOfRecreated lets a topic that was created again refuse records. The reason is named, as before.
func TestDiagnosisOfRecreated(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		book := new(notebook)
		cfg := b.config(t, book)
		cfg.Interval, cfg.Timeout = 100*time.Millisecond, 5*time.Second
		e, stop := start(t, cfg)
		short := kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testTopic, Err: kerr.NotEnoughReplicas, Count: -1}
		for range 2 {
			if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
				t.Fatal(err)
			}
			pass(5 * time.Second)
			from := len(book.results(1))
			refusing := b.Fault(short)
			pass(20 * time.Second)
			refusing.Remove()
			timeouts := 0
			for _, r := range book.results(1)[from:] {
				if r.Outcome != ledger.Timeout {
					continue
				}
				if timeouts++; r.Reason != kerr.NotEnoughReplicas.Message {
					t.Errorf("timeout for %q, want %q", r.Reason, kerr.NotEnoughReplicas.Message)
					break
				}
			}
			if timeouts < 100 {
				t.Errorf("%d timeouts, want about 150", timeouts)
			}
			pass(5 * time.Second)
			b.recreate(t)
		}
		stop()
	})
}

// deaf is a connection whose broker is silent when asked for metadata, while mute.
type deaf struct {
	net.Conn
	mute *atomic.Bool
}

// Write takes a whole request, which is how kgo writes them.
func (c deaf) Write(request []byte) (int, error) {
	if c.mute.Load() && kmsg.Key(binary.BigEndian.Uint16(request[4:])) == kmsg.Metadata {
		return len(request), nil
	}
	return c.Conn.Write(request)
}

// TestRecreatedBesideSilence lets a topic be created again while brokers are silent on the producing clients'
// connections, so that these can't forget it at once. Nobody waits for them but their partitions.
func TestRecreatedBesideSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		book := new(notebook)
		cfg := b.config(t, book)
		cfg.Interval = 100 * time.Millisecond
		var mute atomic.Bool
		cfg.Client = func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
			if role == "producer" {
				opts = append(opts, kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := b.dial(ctx, network, addr)
					return deaf{conn, &mute}, err
				}))
			}
			return b.client(role, opts...)
		}
		e, stop := start(t, cfg)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		pass(6 * time.Second)
		mute.Store(true)
		for _, p := range *e.parts.Load() {
			if p.id != virtual {
				p.producer.client().ForceMetadataRefresh()
			}
		}
		pass(100 * time.Millisecond)
		b.recreate(t)
		began := time.Now()
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		e.state()
		if took := time.Since(began); took > 0 {
			t.Errorf("the layout and a scrape took %v", took)
		}
		pass(300 * time.Millisecond)
		if n := b.appended(); n != 0 {
			t.Errorf("%d records sent by clients that are yet to forget", n)
		}
		mute.Store(false)
		pass(5 * time.Second)
		deliversAgain(t, book, stop)
	})
}
