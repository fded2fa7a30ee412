package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// suspendedSinceBoot returns how long the machine has been suspended, in all.
func suspendedSinceBoot() time.Duration {
	var boot, mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - mono.Nano())
}
