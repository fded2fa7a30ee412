package prober

import (
	"testing"
	"time"
)

// The longer a flush took the longer a broker is left alone, but not so long that nobody sees it hang.
func TestFlushRest(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond: 300 * time.Millisecond,
		time.Second:      5 * time.Minute,
		10 * time.Second: 15 * time.Minute,
	} {
		if got := flushRest(100, 3, took); got != want {
			t.Errorf("after a flush of %v: %v, want %v", took, got, want)
		}
	}
}
