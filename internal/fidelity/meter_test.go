//go:build bench

package fidelity_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
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
	began, cpu := time.Now(), cpuOf(t, pid)
	var u usage
	seen := []int64{residentOf(t, pid)}
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
		seen = append(seen, residentOf(t, pid))
		if u.took >= next {
			next += scrapeInterval
			scrape()
		}
	}
	u.took = time.Since(began)
	u.cpu = cpuOf(t, pid) - cpu
	slices.Sort(seen)
	u.rss, u.held = seen[len(seen)-1], seen[len(seen)/2]
	return u
}

// scrapeInterval is how often Prometheus comes by.
const scrapeInterval = 15 * time.Second

// cpuOf returns the CPU time that a process has used, to a hundredth of a second.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	// The second field is the name in brackets, which may hold anything; utime and stime are 14th and 15th.
	const (
		utime = 14 - 3
		tick  = 10 * time.Millisecond
	)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return time.Duration(number(t, fields[utime])+number(t, fields[utime+1])) * tick
}

// residentOf returns the bytes of a process that are in memory.
func residentOf(t *testing.T, pid int) int64 {
	t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	return number(t, strings.Fields(string(statm))[1]) * int64(os.Getpagesize())
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
