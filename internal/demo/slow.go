package demo

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// How slow a broker gets. kfake, like Kafka, serves one produce request of a
// connection at a time, so the delay must be below the steady probe's interval
// or a queue would grow. One broker of three is slow for 5 s in 3 min, under
// 3 % of the time: visible in the maximum and the p99, and below the default
// thresholds, which look at the p95. The demo does not page.
const (
	slowEvery = time.Minute
	slowFor   = 5 * time.Second
	slowDelay = 60 * time.Millisecond
)

// slowDown makes one broker after the other slow until ctx is done.
func (c *Cluster) slowDown(ctx context.Context) {
	for turn := 0; ; turn++ {
		if !sleep(ctx, c.options.slowEvery-slowFor) {
			return
		}
		node := int32(turn % c.options.Brokers)
		c.options.Log.Debug("demo broker is slow", "broker", node, "for", slowFor, "delay", slowDelay)
		c.delayProduce(ctx, node, time.Now().Add(slowFor))
		// One at a time: a test with overlapping control functions that sleep
		// hung kfake.
		if !sleep(ctx, slowFor) {
			return
		}
	}
}

// sleep waits for d and reports whether it could before ctx was done.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// delayProduce delays each produce request to node until the time is over or
// ctx is done. It then removes itself: kfake keeps for each control function the last request
// of every connection that it has ever seen.
func (c *Cluster) delayProduce(ctx context.Context, node int32, until time.Time) {
	c.kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		switch {
		case ctx.Err() != nil || !time.Now().Before(until):
			c.kafka.DropControl()
		case c.kafka.CurrentNode() == node:
			c.kafka.SleepControl(func() { sleep(ctx, slowDelay) })
		}
		return nil, nil, false // kfake goes on with the request
	})
}
