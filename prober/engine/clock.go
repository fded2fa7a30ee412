package engine

import (
	"sync/atomic"
	"time"
)

// clock is monotonic time since the engine's epoch, and the watch over this process's own absence.
type clock struct {
	epoch time.Time

	// read reads both clocks at one instant: a scheduling delay between two readings would look like a
	// jump. Tests step the wall clock here.
	read func() (wall time.Time, monotonic time.Duration)

	// expected is when the sender will next have got round at the latest; whoever sees a time well
	// past it knows that the process did not run.
	expected atomic.Int64

	boot  time.Duration // time suspended since boot, as last seen
	wall  time.Duration // wall clock minus monotonic, as last seen
	steps atomic.Uint64 // jumps of the wall clock
}

// wallStep is how far the wall clock may drift from the monotonic one between two looks (half a second
// apart) without being said to have jumped; slewing moves it by less than a millisecond.
const wallStep = 100 * time.Millisecond

func newClock() *clock {
	c := &clock{epoch: time.Now(), boot: suspendedSinceBoot()}
	c.read = func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(c.epoch) // without its monotonic part a time is the wall clock's
	}
	c.wall = c.offset()
	c.expect(maxPause)
	return c
}

func (c *clock) now() time.Duration { return time.Since(c.epoch) }

// at returns a monotonic time as an instant of the wall clock as it goes now, for other hosts and logs.
func (c *clock) at(d time.Duration) time.Time {
	wall, monotonic := c.read()
	return wall.Add(d - monotonic)
}

// expect says that the sender will get round by t.
func (c *clock) expect(t time.Duration) { c.expected.Store(int64(t)) }

// absent reports whether the process has not run for a while, as seen at now.
func (c *clock) absent(now time.Duration) bool {
	return now-time.Duration(c.expected.Load()) > absence
}

// slept reports whether the machine was suspended since the last call: the monotonic clock stands
// still meanwhile. Called by the sender alone, as is look.
func (c *clock) slept() bool {
	boot := suspendedSinceBoot()
	was := c.boot
	c.boot = boot
	return boot-was > absence
}

// look counts a jump of the wall clock since the last call.
func (c *clock) look() {
	offset := c.offset()
	if d := offset - c.wall; d > wallStep || d < -wallStep {
		c.steps.Add(1)
	}
	c.wall = offset
}

// offset returns the wall clock minus the monotonic one.
func (c *clock) offset() time.Duration {
	wall, monotonic := c.read()
	return time.Duration(wall.UnixNano()) - monotonic
}
