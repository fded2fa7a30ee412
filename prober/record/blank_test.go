package record_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

// A stamped blank is the record that Encode makes, and stays one when it is stamped again.
func TestBlank(t *testing.T) {
	for _, size := range []int{record.HeaderSize, record.HeaderSize + 1, 100, 128, 1024, 10_001, 1 << 20} {
		blanks := record.NewBlanks(size, half)
		for n := uint64(0); n < 300; n += 100 {
			want := golden
			want.Sequence = n
			blank := blanks.Lay(make([]byte, size), n)
			blanks.Stamp(&blank, &want)
			if !bytes.Equal(blank.Value, encode(want, size)) {
				t.Errorf("%d bytes, record %d: not the bytes that Encode writes", size, n)
			}
			for i := range uint64(20) {
				want.Flags, want.Sequence, want.Due = 0, 1<<40+i, want.Due+1
				blanks.Stamp(&blank, &want)
				var got record.Header
				if verdict := record.Decode(blank.Value, &got); verdict != record.Intact || got != want {
					t.Errorf("%d bytes, stamped again: verdict %d, %+v, want intact, %+v", size, verdict, got, want)
				}
			}
		}
	}
}

func BenchmarkStamp(b *testing.B) {
	for _, size := range []int{128, 1024, 10_240} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			blanks, h := record.NewBlanks(size, half), golden
			blank := blanks.Lay(make([]byte, size), 0)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				h.Sequence++
				blanks.Stamp(&blank, &h)
			}
		})
	}
}
