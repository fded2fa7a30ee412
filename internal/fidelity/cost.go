package fidelity

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Cost is what a process took between two instants.
type Cost struct {
	CPU        time.Duration `json:"cpu"`         // user and system
	MaxRSS     int64         `json:"max_rss"`     // bytes, since the process began
	Goroutines int           `json:"goroutines"`  // at the end
	Allocs     uint64        `json:"allocations"` // of the Go heap
	Switches   int64         `json:"switches"`    // context switches: about two for each time the process woke up
}

// CostMeter takes this process's cost of a load between the end of its warm-up and its own end.
type CostMeter struct {
	mu         sync.Mutex
	begin, end Cost
	timers     [2]*time.Timer
}

// MeterCost starts a meter for a load that begins now.
func MeterCost(l Load) *CostMeter {
	m := &CostMeter{}
	take := func(into *Cost) func() {
		return func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			*into = spent()
		}
	}
	m.timers = [2]*time.Timer{time.AfterFunc(l.WarmUp, take(&m.begin)), time.AfterFunc(l.End(), take(&m.end))}
	return m
}

// Cost returns what was taken. The load is over.
func (m *CostMeter) Cost() Cost {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Cost{
		CPU: m.end.CPU - m.begin.CPU, MaxRSS: m.end.MaxRSS, Goroutines: m.end.Goroutines,
		Allocs: m.end.Allocs - m.begin.Allocs, Switches: m.end.Switches - m.begin.Switches,
	}
}

// spent is this process's cost since it began.
func spent() Cost {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // can't fail with these arguments
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return Cost{
		CPU:        time.Duration(u.Utime.Nano() + u.Stime.Nano()),
		MaxRSS:     u.Maxrss << 10,
		Goroutines: runtime.NumGoroutine(),
		Allocs:     mem.Mallocs,
		Switches:   u.Nvcsw + u.Nivcsw,
	}
}
