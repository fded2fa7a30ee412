package engine

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fdAlarm is an alarm on a timerfd, read through Go's network poller: the kernel's high resolution
// timer makes the descriptor readable, where an idle process's own timers are rounded up to a
// millisecond of epoll.
type fdAlarm struct {
	file *os.File
	raw  syscall.RawConn

	mu   sync.Mutex
	rung bool // ring was called since wait began
	spec unix.ItimerSpec
	arm  func(fd uintptr) // sets the timer to spec; made once, as a closure a wake-up would be garbage
}

// newAlarm returns the best alarm to be had.
func newAlarm() alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return newTimerAlarm()
	}
	a := &fdAlarm{file: os.NewFile(uintptr(fd), "timerfd")}
	if a.raw, err = a.file.SyscallConn(); err != nil {
		_ = a.file.Close()
		return newTimerAlarm()
	}
	a.arm = func(fd uintptr) { _ = unix.TimerfdSettime(int(fd), 0, &a.spec, nil) }
	return a
}

func (a *fdAlarm) wait(ctx context.Context, d time.Duration) {
	a.mu.Lock()
	rung := a.rung
	a.rung = false
	if !rung && ctx.Err() == nil {
		a.set(d)
	}
	a.mu.Unlock()
	if rung || ctx.Err() != nil {
		return
	}
	var expirations [8]byte
	_, _ = a.file.Read(expirations[:]) // an error can only be a closed file: the engine has ended

	a.mu.Lock()
	a.rung = false
	a.mu.Unlock()
}

func (a *fdAlarm) ring() {
	a.mu.Lock()
	a.rung = true
	a.set(0)
	a.mu.Unlock()
}

func (a *fdAlarm) close() { _ = a.file.Close() }

// set arms the timer. Its callers hold a.mu.
func (a *fdAlarm) set(d time.Duration) {
	a.spec.Value = unix.NsecToTimespec(max(1, d.Nanoseconds())) // 0 would disarm it
	_ = a.raw.Control(a.arm)                                    // an error can only be a closed file
}
