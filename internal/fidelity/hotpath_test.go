//go:build bench

package fidelity_test

import (
	"math"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// TestHotPath measures all that the prober itself does for one record at ten a second, where nothing is
// shared by a batch: due, encode, hand over, acknowledge, decode and verify, read, judge, count, observe.
func TestHotPath(t *testing.T) {
	best := math.Inf(1)
	for range 3 { // the least is what the code takes; the rest is what disturbed it
		result := testing.Benchmark(func(b *testing.B) {
			p := newPath()
			b.ReportAllocs()
			for b.Loop() {
				p.record()
			}
			if p.intact != p.sequence {
				b.Fatalf("%d records, %d of them intact", p.sequence, p.intact)
			}
		})
		printf(t, "one record: %v %v\n", result, result.MemString())
		best = min(best, float64(result.T.Nanoseconds())/float64(result.N))
		if n := result.AllocsPerOp(); n > 0 {
			t.Errorf("%d allocations for one record, want 0", n)
		}
	}
	gate(t, "one record's own work", best, 1000, "ns")
}

// path is the way of the records of one partition, without the client library.
type path struct {
	ledger *ledger.Partition
	blanks *record.Blanks
	blank  record.Blank
	run    record.RunID
	header record.Header
	out    []ledger.Delivery

	sequence, intact uint64
}

func newPath() *path {
	const interval = 100 * time.Millisecond
	p := &path{
		ledger: ledger.NewPartition(ledger.Options{Timeout: 30 * time.Second}, schedule.New(1, 0, 0, interval)),
		blanks: record.NewBlanks(recordSize, record.NewPool(recordSize, 1)), run: record.NewRunID(),
	}
	p.blank = p.blanks.Lay(make([]byte, recordSize), 0)
	sink := recorder.New(recorder.Options{}).Probe(recorder.Probe{
		Cluster: "prod", Listener: "default", Name: "steady", Topic: "t",
		Timeout: 30 * time.Second, Interval: interval, RecordSize: recordSize,
		Objective: .999, SLOLatency: 200 * time.Millisecond,
	})
	p.ledger.Lead(1, sink.Series("t", 1))
	p.ledger.Reading(0)
	return p
}

// record takes the next record from due to observed. Its latencies vary as they do on a healthy cluster.
func (p *path) record() {
	due := p.ledger.NextDue()
	handed := due + 60*time.Microsecond
	read := handed + 2*time.Millisecond + time.Duration(p.sequence%500)*time.Microsecond
	acked := read - 200*time.Microsecond

	seq, _ := p.ledger.Advance(handed, 1)
	p.blanks.Stamp(&p.blank, &record.Header{
		Run: p.run, Sequence: seq, Due: p.ledger.Due(seq), DueWall: int64(due), Interval: p.ledger.Interval(),
	})
	generation := p.ledger.Hand(seq, handed)
	p.ledger.Judge(handed)
	p.flush()

	p.ledger.Ack(seq, generation, int64(seq), handed+20*time.Microsecond, acked)

	if record.Decode(p.blank.Value, &p.header) == record.Intact && p.header.Run == p.run {
		p.intact++
	}
	p.ledger.Read(p.header.Sequence, int64(seq), ledger.Producer{ID: 1}, read)
	p.ledger.Passed(int64(seq) + 1)
	p.flush()
	p.sequence++
}

func (p *path) flush() {
	p.out = p.ledger.Flush(p.out[:0])
	for _, d := range p.out {
		d.Observe()
	}
}
