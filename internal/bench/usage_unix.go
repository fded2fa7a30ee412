//go:build unix

package bench

import (
	"runtime"
	"syscall"
	"time"
)

// use is what this process has used so far.
type use struct {
	cpu    time.Duration
	maxRSS int64 // bytes
}

func usage() use {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return use{} // can't fail: the arguments are good
	}
	rss := int64(r.Maxrss)
	if runtime.GOOS == "linux" {
		rss *= 1024 // elsewhere it is bytes already
	}
	return use{cpu: time.Duration(r.Utime.Nano() + r.Stime.Nano()), maxRSS: rss}
}
