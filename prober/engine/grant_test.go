package engine

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// runLoad runs an engine whose slots are granted, and returns it once it is ready.
func runLoad(t *testing.T, b *bubble, c Config) *Engine {
	t.Helper()
	c.Granted = true
	e := runEngine(t, c)
	if e.Ready() {
		t.Error("ready without a layout")
	}
	if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if e.Ready() {
			return e
		}
		pass(100 * time.Millisecond)
	}
	t.Fatal("not ready after 10 s")
	return nil
}

var share = map[int32]uint64{0: 50, 1: 100, 2: 0}

// What is granted becomes due, no more and no less, however often, in each way of running a load.
func TestGrants(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"paced":    func(*Config) {},
		"unpaced":  func(c *Config) { c.Unpaced, c.Buffer = true, 10 },
		"unread":   func(c *Config) { c.Unread = true },
		"no acks":  func(c *Config) { c.Unread, c.Unpaced, c.Acks, c.OneLeg = true, true, AcksNone, true },
		"one leg":  func(c *Config) { c.OneLeg = true },
		"one pipe": func(c *Config) { c.Producers = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				var book notebook
				c := b.config(t, &book)
				change(&c)
				e := runLoad(t, b, c)
				if sum := book.total(); sum.Due != 0 {
					t.Errorf("%d records were due before any was granted", sum.Due)
				}
				for round := uint64(1); round <= 2; round++ {
					e.Grant(share)
					for !e.Done() {
						pass(10 * time.Millisecond)
					}
					sum := book.total()
					checkInvariant(t, sum)
					if sum.Due != round*150 || sum.Outcomes[ledger.Delivered] != round*150 {
						t.Errorf("150 granted %d times: %+v", round, sum)
					}
				}
				if c.OneLeg && (len(book.samples(ledger.Acknowledge)) != 300 || len(book.samples(ledger.Produce)) != 0) {
					t.Errorf("%d samples of one leg, want 300", len(book.samples(ledger.Acknowledge)))
				}
			})
		})
	}
}

// Halt ends a stretch: what was granted and is not due yet never is.
func TestHalt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		var book notebook
		e := runLoad(t, b, b.config(t, &book))
		e.Grant(map[int32]uint64{0: 1000, 1: 1000, 2: 1000}) // 10 s
		pass(5 * time.Second)
		if e.Done() {
			t.Error("done in half of the time")
		}
		left := e.Halt()
		pass(time.Second)
		sum := book.total()
		if !e.Done() || sum.Due+left != 3000 || sum.Due < 1490 || sum.Due > 1510 || sum.Outcomes[ledger.Delivered] != sum.Due {
			t.Errorf("3000 granted over 10 s, halted after 5: %d left, done %v, %+v", left, e.Done(), sum)
		}
	})
}

// A record without a pace is due when it is handed over; one that is not taken still ends at its deadline.
func TestUnpacedDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		var book notebook
		c := b.config(t, &book)
		c.Unpaced, c.Buffer = true, 20
		e := runLoad(t, b, c)
		b.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
			b.KeepControl()
			resp := req.ResponseKind().(*kmsg.ProduceResponse)
			for _, topic := range req.(*kmsg.ProduceRequest).Topics {
				t := kmsg.NewProduceResponseTopic()
				t.Topic, t.TopicID = topic.Topic, topic.TopicID
				for _, partition := range topic.Partitions {
					p := kmsg.NewProduceResponseTopicPartition()
					p.Partition, p.ErrorCode = partition.Partition, kerr.NotEnoughReplicas.Code
					t.Partitions = append(t.Partitions, p)
				}
				resp.Topics = append(resp.Topics, t)
			}
			return resp, nil, true
		})
		e.Grant(share)
		pass(c.Timeout + time.Second)
		e.Halt()
		sum := book.total()
		checkInvariant(t, sum)
		if got := sum.Outcomes[ledger.Timeout]; got == 0 || sum.Outcomes[ledger.Delivered] > 0 {
			t.Errorf("where nothing is taken: %+v", sum)
		}
		for _, r := range append(book.results(0), book.results(1)...) {
			if r.Latency != c.Timeout {
				t.Errorf("a record that timed out counts with %v, want %v", r.Latency, c.Timeout)
			}
		}
	})
}

// A process that was stopped meanwhile takes no more than what was granted, and goes on.
func TestGrantsWhileAway(t *testing.T) {
	for name, unpaced := range map[string]bool{"paced": false, "unpaced": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				var book notebook
				c := b.config(t, &book)
				if c.Unpaced = unpaced; unpaced {
					c.Buffer = 10
				}
				e := runLoad(t, b, c)
				e.Grant(share)
				e.skip(e.clock.now()+time.Hour, ledger.Suspended)
				for range 1000 {
					if e.Done() {
						break
					}
					pass(10 * time.Millisecond)
				}
				sum := book.total()
				checkInvariant(t, sum)
				if sum.Due != 150 || !e.Done() {
					t.Errorf("150 granted: done %v, %+v", e.Done(), sum)
				}
				if skipped := sum.Outcomes[ledger.Skipped]; unpaced == (skipped > 0) {
					t.Errorf("%d records skipped", skipped)
				}
			})
		})
	}
}
