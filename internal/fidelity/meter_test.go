//go:build bench

package fidelity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// usage is what a process of ours took over some time, as the kernel says.
type usage struct {
	cpu  time.Duration // user and system
	took time.Duration
	rss  int64 // the most that was seen resident, in bytes
	held int64 // the median of what was seen each second: the most depends on when the garbage collector came
}

// perThousand returns CPU seconds for a thousand records at a rate per second.
func (u usage) perThousand(rate float64) float64 {
	return u.cpu.Seconds() / (rate * u.took.Seconds()) * 1000
}

// meter looks at a process for so long. scrape is called every scrapeInterval, first after half of it.
func meter(t *testing.T, c *child, length time.Duration, scrape func()) usage {
	t.Helper()
	pid := c.cmd.Process.Pid
	began, cpu := time.Now(), promtest.UsageOf(t, pid).CPU
	var u usage
	seen := []int64{promtest.UsageOf(t, pid).Resident}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	next := scrapeInterval / 2
	for u.took < length {
		select {
		case <-look.C:
		case <-c.exited:
			t.Fatalf("%s has ended", c.cmd.Path)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
		u.took = time.Since(began)
		seen = append(seen, promtest.UsageOf(t, pid).Resident)
		if u.took >= next {
			next += scrapeInterval
			scrape()
		}
	}
	u.took = time.Since(began)
	u.cpu = promtest.UsageOf(t, pid).CPU - cpu
	slices.Sort(seen)
	u.rss, u.held = seen[len(seen)-1], seen[len(seen)/2]
	return u
}

// scrapeInterval is how often Prometheus comes by.
const scrapeInterval = 15 * time.Second
