package engine

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestStartGrace lets the first metadata come at different times after the start. What was due before is
// nobody's fault if it comes soon; after that it is Kafka's, with the connect error as the reason.
func TestStartGrace(t *testing.T) {
	const timeout = 2 * time.Second
	for _, test := range []struct {
		name    string
		after   time.Duration // of the first metadata
		skipped bool
	}{
		{"at once", 100 * time.Millisecond, true},
		{"later than the timeout, within the grace", 4 * time.Second, true},
		{"just within the grace", startGrace - 100*time.Millisecond, true},
		{"just after the grace", startGrace + 100*time.Millisecond, false},
		{"in an outage", 20 * time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				book := new(notebook)
				cfg := b.config(t, book)
				cfg.Interval, cfg.Timeout = 100*time.Millisecond, timeout
				cfg.Trouble = func(int32) (string, time.Time, bool) { return "CONNECTION_REFUSED", time.Now(), true }
				e, stop := start(t, cfg)
				pass(test.after)
				if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
					t.Fatal(err)
				}
				pass(10 * time.Second)
				stop()

				sum := book.total()
				checkInvariant(t, sum)
				before := uint64(test.after / cfg.Interval)
				want := ledger.Tally{Due: sum.Due}
				if test.skipped {
					want.Outcomes[ledger.Skipped], want.Skips[ledger.Starting] = before, before
				} else {
					want.Outcomes[ledger.Timeout] = before
				}
				want.Outcomes[ledger.Delivered] = sum.Due - before
				if sum != want {
					t.Errorf("counts = %+v\nwant     %+v", sum, want)
				}
				for _, r := range book.results(ledger.UnknownBroker) {
					if r.Reason != "CONNECTION_REFUSED" || r.Latency != timeout {
						t.Errorf("record %d: %v after %v because of %q, want a timeout at %v because of CONNECTION_REFUSED",
							r.Sequence, r.Outcome, r.Latency, r.Reason, timeout)
					}
				}
				t.Logf("%d records due before the first metadata: %d skipped, %d timeouts", before,
					sum.Skips[ledger.Starting], sum.Outcomes[ledger.Timeout])
			})
		})
	}
}

// TestAwaitedTopic lets the prober itself take its time before it creates the topic: a small cluster may be
// one that is starting. Nothing that is due meanwhile is held against Kafka, unless an outage came first.
func TestAwaitedTopic(t *testing.T) {
	for _, test := range []struct {
		name    string
		begins  time.Duration
		slow    time.Duration // that the topic takes to be opened, with nobody waiting for that
		skipped bool
	}{
		{"within the start", time.Second, 0, true},
		{"within the start, and slowly opened", time.Second, 3 * time.Second, true},
		{"after an outage", startGrace + time.Second, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				book := new(notebook)
				cfg := b.config(t, book)
				cfg.Interval, cfg.Timeout = 100*time.Millisecond, 2*time.Second
				e, stop := start(t, cfg)
				pass(test.begins)
				e.Await(true)
				pass(30 * time.Second)
				if n := book.total().Outcomes[ledger.Timeout]; test.skipped != (n == 0) {
					t.Errorf("%d timeouts while the topic was awaited", n)
				}
				if test.slow > 0 {
					refuseOffsets(b, test.slow)
				}
				if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
					t.Fatal(err)
				}
				if test.slow == 0 {
					pass(time.Second)
				}
				e.Await(false)
				pass(10 * time.Second)
				stop()
				sum := book.total()
				checkInvariant(t, sum)
				if test.skipped && sum.Outcomes[ledger.Delivered]+sum.Skips[ledger.Starting] != sum.Due {
					t.Errorf("counts = %+v, want delivered and skipped{starting} alone", sum)
				}
				if !test.skipped && sum.Skips[ledger.Starting] > 0 {
					t.Errorf("%d slots were skipped, want timeouts", sum.Skips[ledger.Starting])
				}
			})
		})
	}
}

// refuseOffsets lets nobody know where the topic's partitions end, for a while.
func refuseOffsets(b *bubble, d time.Duration) {
	until := time.Now().Add(d)
	b.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		if time.Now().After(until) {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range req.(*kmsg.ListOffsetsRequest).Topics {
			t := kmsg.NewListOffsetsResponseTopic()
			t.Topic = topic.Topic
			for _, partition := range topic.Partitions {
				p := kmsg.NewListOffsetsResponseTopicPartition()
				p.Partition, p.ErrorCode = partition.Partition, kerr.LeaderNotAvailable.Code
				t.Partitions = append(t.Partitions, p)
			}
			resp.Topics = append(resp.Topics, t)
		}
		return resp, nil, true
	})
}
