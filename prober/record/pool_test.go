package record_test

import (
	"bytes"
	"compress/flate"
	"testing"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

// batch returns the padding of the records from first on, up to about 200 kB of it.
func batch(size int, random float64) []byte {
	pool := record.NewPool(size, random)
	value := make([]byte, size)
	var all []byte
	for h := (record.Header{Sequence: 12345}); len(all) < 200_000; h.Sequence++ {
		record.Encode(value, &h, pool)
		all = append(all, value[record.HeaderSize:]...)
	}
	return all
}

func TestPoolShares(t *testing.T) {
	for _, test := range []struct {
		random   float64
		min, max float64 // share of bytes that are not zero
	}{{0, 0, 0}, {0.5, 0.48, 0.51}, {1, 0.98, 1}} {
		all := batch(1024, test.random)
		share := 1 - float64(bytes.Count(all, []byte{0}))/float64(len(all))
		if share < test.min || share > test.max {
			t.Errorf("random %v: %.3f of the bytes are not zero, want %v to %v", test.random, share, test.min, test.max)
		}
	}
}

// Kafka compresses batches, not records: what records have in common would be compressed, too.
func TestBatchesCompressAsAsked(t *testing.T) {
	for _, size := range []int{100, 1024, 10_000, 100_000} {
		for _, test := range []struct {
			random   float64
			min, max float64 // compressed size over size
		}{{0, 0, 0.02}, {0.5, 0.4, 0.65}, {1, 0.98, 1.02}} {
			all := batch(size, test.random)
			var packed bytes.Buffer
			w, err := flate.NewWriter(&packed, flate.DefaultCompression)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(all); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			ratio := float64(packed.Len()) / float64(len(all))
			if ratio < test.min || ratio > test.max {
				t.Errorf("%d bytes, random %v: a batch compresses to %.3f, want %v to %v", size, test.random, ratio, test.min, test.max)
			}
		}
	}
}
