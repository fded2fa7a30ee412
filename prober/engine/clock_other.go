//go:build !linux

package engine

import "time"

// suspendedSinceBoot is known on Linux only.
func suspendedSinceBoot() time.Duration { return 0 }
