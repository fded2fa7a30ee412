//go:build bench

package fidelity_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// apart gives the brokers all processors but the first for the rest of the test, and the first one to what
// the test runs: a prober does not share its host's processors with three brokers. Where they do, a bare
// loop on a timerfd is woken one to four milliseconds late at p99, and nothing in it could help that.
func apart(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	n := runtime.NumCPU()
	if n < 2 {
		printf(t, "one processor: the brokers share it with what is measured\n")
		return
	}
	var all, first, others unix.CPUSet
	for i := range n {
		all.Set(i)
		if i > 0 {
			others.Set(i)
		}
	}
	first.Set(0)
	brokers := []int{c.Controller().PID()}
	for _, b := range c.Brokers() {
		brokers = append(brokers, b.PID())
	}
	pin := func(pid int, cpus *unix.CPUSet) {
		if err := setAffinity(pid, cpus); err != nil {
			t.Fatalf("pin process %d: %v", pid, err)
		}
	}
	t.Cleanup(func() {
		for _, pid := range append(brokers, os.Getpid()) {
			pin(pid, &all)
		}
	})
	for _, pid := range brokers {
		pin(pid, &others)
	}
	pin(os.Getpid(), &first) // its children inherit it
}

// setAffinity lets all threads of a process run on cpus alone; those that they start inherit it.
func setAffinity(pid int, cpus *unix.CPUSet) error {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(filepath.Base(task))
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(tid, cpus); err != nil && err != unix.ESRCH { // a thread that ended meanwhile
			return err
		}
	}
	return nil
}
