// Command floor is the least that a franz-go program can do to measure end-to-end latency: send stamped
// records at a rate and read them back. It judges nothing, checks nothing and survives no fault. Its
// records come at random instants of each interval, as the prober's do, or the two would not be alike.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// grace is how long the last records may take to come back.
const grace = time.Second

func run(args []string) error {
	load, err := fidelity.ParseLoad("floor", args)
	if err != nil {
		return err
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(load.Servers...), kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer producer.Close()
	ends := map[int32]kgo.Offset{}
	for p := range int32(load.Partitions) {
		ends[p] = kgo.NewOffset().AtEnd()
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(load.Servers...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{load.Topic: ends}))
	if err != nil {
		return err
	}
	defer consumer.Close()

	ctx, cancel := context.WithTimeout(context.Background(), load.End()+grace)
	defer cancel()
	id, epoch, meter := rand.Uint64(), time.Now(), fidelity.MeterCost(load)
	var sent, failed atomic.Int64
	promise := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Add(1)
		}
	}
	for p := range int32(load.Partitions) {
		go func() {
			for n := 0; ; n++ {
				due := time.Duration((float64(n) + rand.Float64()) * float64(load.Interval))
				if due >= load.End() {
					return
				}
				time.Sleep(due - time.Since(epoch))
				value := make([]byte, load.Size)
				stamp := time.Since(epoch)
				binary.BigEndian.PutUint64(value, id)
				binary.BigEndian.PutUint64(value[8:], uint64(stamp))
				producer.TryProduce(ctx, &kgo.Record{Topic: load.Topic, Partition: p, Value: value}, promise)
				if stamp >= load.WarmUp {
					sent.Add(1)
				}
			}
		}()
	}
	var latencies []time.Duration
	for ctx.Err() == nil {
		fetches := consumer.PollFetches(ctx)
		now := time.Since(epoch)
		fetches.EachRecord(func(r *kgo.Record) {
			if len(r.Value) != load.Size || binary.BigEndian.Uint64(r.Value) != id {
				return
			}
			if stamp := time.Duration(binary.BigEndian.Uint64(r.Value[8:])); stamp >= load.WarmUp {
				latencies = append(latencies, now-stamp)
			}
		})
	}
	return json.NewEncoder(os.Stdout).Encode(fidelity.Report{
		Count: len(latencies), Failed: int(sent.Load()) - len(latencies),
		EndToEnd: fidelity.Summarize(latencies), Cost: meter.Cost(),
	})
}
