package engine

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// TestUnreadable breaks one batch of a log for good. The reader gets past it, what it held is lost, and
// the rest is delivered. Where the client library goes on by itself, nothing is said to be unreadable.
func TestUnreadable(t *testing.T) {
	const (
		crcEnd       = 21
		numRecordsAt = 57
		recordsAt    = 61
		broker       = 1 // leads the partition of this number
	)
	sign := func(batch []byte) {
		binary.BigEndian.PutUint32(batch[crcEnd-4:], crc32.Checksum(batch[crcEnd:], castagnoli))
	}
	for _, test := range []struct {
		name       string
		spoil      func(batch []byte)
		lost       uint64
		unreadable uint64
	}{
		{"wrong checksum", func(b []byte) { b[crcEnd-1]++ }, 1, 1},
		{"flipped bit in a record", func(b []byte) { b[recordsAt+20] ^= 4 }, 1, 1},
		{"negative number of records", func(b []byte) { b[numRecordsAt] = 0x80; sign(b) }, 1, 1},
		{"says it is compressed", func(b []byte) { b[crcEnd+1] = 2; sign(b) }, 1, 1},
		{"unknown magic", func(b []byte) { b[16] = 9 }, 1, 0},
		{"record that is longer than the batch", func(b []byte) { b[recordsAt], b[recordsAt+1] = 0xfe, 0xff; sign(b) }, 1, 0},
		{"more records than there are", func(b []byte) { b[numRecordsAt+3] += 5; sign(b) }, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				book := new(notebook)
				cfg := b.config(t, book)
				cfg.Timeout = 30 * time.Second
				at := int64(-1) // offset of the batch, in the broken partition
				tp := newTap(t, b.dial)
				tp.rewrite = func(resp *kmsg.FetchResponse) {
					for i := range resp.Topics {
						for _, p := range resp.Topics[i].Partitions {
							if p.Partition == broker {
								eachBatch(p.RecordBatches, func(offset int64, batch []byte) {
									if offset == at {
										test.spoil(batch)
									}
								})
							}
						}
					}
				}
				tp.install(&cfg)
				e, stop := start(t, cfg)
				if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
					t.Fatal(err)
				}
				pass(2 * time.Second)
				tp.locked(func() { at = b.PartitionInfo(testTopic, broker).HighWatermark + 5 })
				pass(5 * time.Second)
				stop()

				sum := book.total()
				checkInvariant(t, sum)
				want := ledger.Tally{Due: sum.Due}
				want.Outcomes[ledger.Delivered] = sum.Due - test.lost
				want.Outcomes[ledger.Lost] = test.lost
				want.Anomalies[ledger.AcknowledgedLost], want.Anomalies[ledger.Unreadable] = test.lost, test.unreadable
				want.Foreign[ledger.Diagnostic] = sum.Foreign[ledger.Diagnostic]
				if sum != want {
					t.Errorf("counts = %+v\nwant     %+v", sum, want)
				}
				longest := time.Duration(0)
				for _, r := range book.results(broker) {
					if r.Outcome == ledger.Delivered {
						longest = max(longest, r.Latency)
					} else if r.Offset != at {
						t.Errorf("record at offset %d lost, want the one at %d", r.Offset, at)
					}
				}
				t.Logf("got past offset %d; the records behind it took up to %v", at, longest)
			})
		})
	}
}

// eachBatch calls visit for each batch of raw.
func eachBatch(raw []byte, visit func(offset int64, batch []byte)) {
	for len(raw) > 0 {
		size := int(binary.BigEndian.Uint32(raw[8:])) + 12
		visit(int64(binary.BigEndian.Uint64(raw)), raw[:size])
		raw = raw[size:]
	}
}
