package bench

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// options are a case's settings of the clients, by role.
func (c *Case) options(role string) []kgo.Opt {
	switch role {
	case "producer":
		opts := []kgo.Opt{
			kgo.ProducerLinger(c.Linger),
			kgo.ProducerBatchCompression(codecs[c.Compression]),
			kgo.ProducerBatchMaxBytes(int32(max(c.BatchSize, c.Size+1024))),
			// A loaded cluster is slow, not dead: the record's own deadline is what counts.
			kgo.ProduceRequestTimeout(10 * time.Second),
			kgo.RequestTimeoutOverhead(10 * time.Second),
		}
		if !c.Idempotent {
			opts = append(opts, kgo.DisableIdempotentWrite())
			if c.InFlight > 0 {
				opts = append(opts, kgo.MaxProduceRequestsInflightPerBroker(c.InFlight))
			}
		}
		return opts
	case "consumer":
		return []kgo.Opt{
			kgo.FetchMinBytes(int32(c.FetchMinBytes)),
			kgo.FetchMaxWait(500 * time.Millisecond),
			kgo.FetchMaxBytes(50 << 20),
			kgo.FetchMaxPartitionBytes(int32(max(1<<20, c.BatchSize+1024))),
			kgo.MaxDecompressBatchBytes(1 << 30),
			kgo.RequestTimeoutOverhead(10 * time.Second),
		}
	}
	return nil
}
