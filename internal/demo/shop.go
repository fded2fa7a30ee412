package demo

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	ordersTopic        = "orders"
	paymentsTopic      = "payments"
	paymentsPartitions = int32(3)
	clickstreamTopic   = "clickstream"
	fulfilmentGroup    = "fulfilment"
	nightlyGroup       = "nightly-report"

	produceTick    = 100 * time.Millisecond // the shop wakes up this often, whatever its rates
	commitInterval = 5 * time.Second
	batchInterval  = time.Second // between two reads of the fulfilment group
	tide           = 5 * time.Minute
)

// stream is what the shop writes to one topic.
type stream struct {
	topic      string
	partitions int32
	rate       float64 // records/s, on average
	least      int     // bytes of the smallest value
	most       int     // bytes of the largest value
}

func streams() []stream {
	return []stream{
		{ordersTopic, 6, 8, 300, 3000},
		{paymentsTopic, paymentsPartitions, 3, 200, 600},
		{clickstreamTopic, 6, 40, 60, 400},
	}
}

// due returns how many records are due between two instants since the start:
// the rate, swelling and falling by half with the tide, each instant counted
// once however the ticks fall.
func (s stream) due(from, to time.Duration) int {
	return int(s.total(to)) - int(s.total(from))
}

// total is the integral of rate * (1 + sin(2 pi t / tide) / 2).
func (s stream) total(t time.Duration) float64 {
	omega := 2 * math.Pi / tide.Seconds()
	return s.rate * (t.Seconds() + (1-math.Cos(omega*t.Seconds()))/(2*omega))
}

// produce writes the shop's records until ctx is done.
func (c *Cluster) produce(ctx context.Context) {
	// Values are slices of one random text, so that they cost no work and
	// compress about as well as the JSON they stand for.
	noise := make([]byte, 16<<10)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	text := []byte(base64.StdEncoding.EncodeToString(noise))
	all := streams()
	begun := time.Now()
	var done time.Duration
	ticker := time.NewTicker(produceTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Since(begun)
		// After the machine has slept the shop was closed: it owes nothing.
		done = max(done, now-10*produceTick)
		for _, s := range all {
			for range s.due(done, now) {
				size := s.least + int(float64(s.most-s.least)*math.Pow(rand.Float64(), 3)) // few are large
				from := rand.IntN(len(text) - size)
				key := fmt.Appendf(nil, "customer-%d", rand.IntN(1000))
				record := &kgo.Record{Topic: s.topic, Key: key, Value: text[from : from+size : from+size]}
				c.shop.TryProduce(ctx, record, c.produced)
			}
		}
		done = now
	}
}

func (c *Cluster) produced(record *kgo.Record, err error) {
	if err != nil {
		c.options.Log.Debug("demo record was not produced", "topic", record.Topic, "err", err)
	}
}

// fulfil reads orders in steps and commits now and then: it always lags a
// little, by what came since the last commit.
func (c *Cluster) fulfil(ctx context.Context, client *kgo.Client) {
	defer client.Close()
	pause := time.NewTicker(batchInterval)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		fetches := client.PollFetches(ctx)
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil {
				c.options.Log.Debug("demo records were not read", "topic", topic, "partition", partition, "err", err)
			}
		})
	}
}
