package ledger_test

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// What was read is remembered for as long as a cut of the log may well reach, and not for ever.
func TestMemoryOfSights(t *testing.T) {
	t.Parallel()
	const records, remembered = 2000, 512
	sink := notebook{}
	p := ledger.NewPartition(ledger.Options{Timeout: timeout}, schedule.New(1, 0, 0, time.Second))
	p.Lead(1, sink.Series("topic", 1))
	p.Reading(0)
	now := records * time.Second
	for seq := range uint64(records) {
		p.Advance(now, 1)
		generation := p.Hand(seq, now)
		p.Ack(seq, generation, int64(seq), now, now)
		p.Read(seq, int64(seq), ledger.Producer{ID: 7}, now)
		p.Passed(int64(seq) + 1)
		p.Judge(now)
	}
	p.Truncated(0)
	p.Passed(records)
	p.Flush(nil)
	if n := sink[1].tally.Anomalies[ledger.AcknowledgedLost]; n != remembered {
		t.Errorf("%d records lost, want the last %d of those that were cut off", n, remembered)
	}
}
