package promtest

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what a process takes, as the kernel says. It is zero once the process has been waited for.
type Usage struct {
	CPU      time.Duration // user and system since it began, to a hundredth of a second
	Resident int64         // bytes that are in memory
	Peak     int64         // the most that were, in bytes
}

// UsageOf returns what a process takes just now.
func UsageOf(t testing.TB, pid int) Usage {
	t.Helper()
	u, err := usageOf(pid)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
	return u
}

func usageOf(pid int) (Usage, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return Usage{}, err
	}
	stat, err := process.Stat()
	if err != nil {
		return Usage{}, err
	}
	status, err := process.NewStatus()
	if err != nil {
		return Usage{}, err
	}
	return Usage{
		CPU:      time.Duration(stat.CPUTime() * float64(time.Second)),
		Resident: int64(status.VmRSS),
		Peak:     int64(status.VmHWM),
	}, nil
}

// Processors is the time that all processors have spent since boot, in seconds.
type Processors struct{ Busy, All float64 }

// ProcessorTime returns it. Waiting for disks is not work.
func ProcessorTime(t testing.TB) Processors {
	t.Helper()
	system, err := procfs.NewDefaultFS()
	if err != nil {
		t.Fatal(err)
	}
	stat, err := system.Stat()
	if err != nil {
		t.Fatal(err)
	}
	c := stat.CPUTotal
	busy := c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ + c.Steal
	return Processors{Busy: busy, All: busy + c.Idle + c.Iowait}
}

// Share returns the share of time since before in which processors were busy.
func (p Processors) Share(before Processors) float64 {
	return (p.Busy - before.Busy) / (p.All - before.All)
}
