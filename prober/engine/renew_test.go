package engine

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestRefusedProducerID lets the principal have no right to write at first. When it has been granted, records are
// delivered again soon, without a restart; what was due before failed, by name, and each once.
func TestRefusedProducerID(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const refused = 3 * time.Minute
		var granted atomic.Bool
		var asked atomic.Int64
		b.ControlKey(int16(kmsg.InitProducerID), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			b.KeepControl()
			asked.Add(1)
			if granted.Load() {
				return nil, nil, false
			}
			resp := kreq.ResponseKind().(*kmsg.InitProducerIDResponse)
			resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
			return resp, nil, true
		})
		book := new(notebook)
		cfg := b.config(t, book)
		cfg.Interval = 100 * time.Millisecond
		var made atomic.Int64
		client := cfg.Client
		cfg.Client = func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
			if role == "producer" {
				made.Add(1)
			}
			return client(role, opts...)
		}
		e, stop := start(t, cfg)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		pass(refused)
		sum := book.total()
		checkInvariant(t, sum)
		if sum.Outcomes[ledger.Delivered] != 0 || sum.Outcomes[ledger.Failed] < 3*1700 {
			t.Fatalf("while refused: %+v, want all to fail", sum)
		}
		if made.Load() != 3 || asked.Load() > 3*(1+int64(refused/renewEvery)) {
			t.Errorf("while refused: %d clients made, %d producer ids asked for", made.Load(), asked.Load())
		}
		for _, r := range book.results(1) {
			if r.Outcome == ledger.Failed && r.Reason != kerr.ClusterAuthorizationFailed.Message {
				t.Errorf("failed with %q", r.Reason)
				break
			}
		}
		granted.Store(true)
		pass(renewEvery + 2*time.Second)
		before := book.total()
		pass(time.Minute)
		stop()
		sum = book.total()
		checkInvariant(t, sum)
		if got := sum.Outcomes[ledger.Failed] - before.Outcomes[ledger.Failed]; got != 0 {
			t.Errorf("%d records failed after the right was granted", got)
		}
		if got := sum.Outcomes[ledger.Delivered]; got < 3*590 {
			t.Errorf("%d records delivered in the minute after, want all of 1800", got)
		}
		if sum.Outcomes[ledger.Timeout] != 0 || sum.Outcomes[ledger.Lost] != 0 || sum.InFlight != 0 || made.Load() != 6 {
			t.Errorf("%d clients made, want 6: %+v", made.Load(), sum)
		}
	})
}
