//go:build faults

package engine

import (
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestExpiredOnKafka is TestExpired on real brokers.
func TestExpiredOnKafka(t *testing.T) {
	c := kafkatest.Shared(t)
	s := newSite(t, c, nil)
	book := new(notebook)
	cfg := siteConfig(c, s, book, nil)
	cfg.Interval = 10 * time.Millisecond
	tp := newTap(t, new(net.Dialer).DialContext)
	tp.install(&cfg)
	e, stop := start(t, cfg)
	if err := e.SetLayout(s.layout); err != nil {
		t.Fatal(err)
	}
	await(t, "records to flow", func() bool { return book.total().Outcomes[ledger.Delivered] >= 300 })

	release := tp.hold()
	watch(t, book, time.Second)
	ends, err := s.admin.ListEndOffsets(t.Context(), s.topic)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(s.topic, 1)
	cut := kadm.Offsets{}
	cut.AddOffset(s.topic, 1, end.Offset, -1)
	if answers, err := s.admin.DeleteRecords(t.Context(), cut); err != nil || answers.Error() != nil {
		t.Fatalf("delete records: %v, %v", err, answers.Error())
	}
	release()
	await(t, "the expired", func() bool {
		sum := book.total()
		checkInvariant(t, sum)
		return sum.Outcomes[ledger.Expired] > 0 && sum.InFlight < 10
	})
	stop()

	sum := book.total()
	want := ledger.Tally{Due: sum.Due, Skips: sum.Skips}
	want.Outcomes[ledger.Expired], want.Outcomes[ledger.Skipped] = sum.Outcomes[ledger.Expired], sum.Outcomes[ledger.Skipped]
	want.Outcomes[ledger.Delivered] = sum.Due - sum.Outcomes[ledger.Expired] - sum.Outcomes[ledger.Skipped]
	want.Foreign[ledger.Diagnostic] = sum.Foreign[ledger.Diagnostic]
	if sum != want {
		t.Errorf("counts = %+v\nwant     %+v", sum, want)
	}
	if n := sum.Outcomes[ledger.Expired]; n < 50 || n > 200 {
		t.Errorf("expired = %d, want about the 100 of a second", n)
	}
	for _, b := range s.layout.Brokers {
		for _, r := range book.results(b) {
			if r.Outcome == ledger.Expired && (r.Partition != 1 || r.Offset >= end.Offset) {
				t.Errorf("record at offset %d of partition %d expired, the log of partition 1 starts at %d", r.Offset, r.Partition, end.Offset)
			}
		}
	}
	t.Logf("%d of %d records expired, none lost", sum.Outcomes[ledger.Expired], sum.Due)
}
