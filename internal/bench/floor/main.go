// Command floor is the least that a franz-go program does to produce records as fast as it can: no stamps,
// no checksums, no account of what became of them. Beside it stands what bench costs (make bench-compare).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run() error {
	servers := flag.String("servers", "", "bootstrap servers")
	topic := flag.String("topic", "", "topic to produce to")
	number := flag.Int("records", 1_000_000, "records to send")
	size := flag.Int("size", 100, "bytes of a record")
	acks := flag.String("acks", "all", "all or 1")
	codec := flag.String("compression", "none", "none or lz4")
	flag.Parse()
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(*servers, ",")...), kgo.DefaultProduceTopic(*topic), kgo.ProducerLinger(5 * time.Millisecond),
		kgo.MaxBufferedRecords(max(1000, 32<<20 / *size)), kgo.ProducerBatchMaxBytes(1 << 20), kgo.DisableClientMetrics(),
	}
	if *acks == "1" {
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	}
	if *codec == "lz4" {
		opts = append(opts, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	} else {
		opts = append(opts, kgo.ProducerBatchCompression(kgo.NoCompression()))
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	values := records(*size)
	ctx := context.Background()
	if err := client.ProduceSync(ctx, &kgo.Record{Value: values[0]}).FirstErr(); err != nil { // connects
		return err
	}
	pool := sync.Pool{New: func() any { return new(kgo.Record) }}
	var failure error
	var once sync.Once
	began := time.Now()
	for i := range *number {
		r := pool.Get().(*kgo.Record)
		*r = kgo.Record{Value: values[i%len(values)]}
		client.Produce(ctx, r, func(r *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { failure = err })
			}
			pool.Put(r)
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	fmt.Printf("%.1f\n", float64(*number)/time.Since(began).Seconds())
	return failure
}

// records returns records as bench sends them, so that they compress alike, made beforehand. A quarter of a
// megabyte of them is more than any compression remembers.
func records(size int) (all [][]byte) {
	pool, run := record.NewPool(size, 1), record.NewRunID()
	for h := (record.Header{Run: run}); h.Sequence == 0 || h.Sequence*uint64(size) < 1<<18; h.Sequence++ {
		value := make([]byte, size)
		record.Encode(value, &h, pool)
		all = append(all, value)
	}
	return all
}
