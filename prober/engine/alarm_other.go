//go:build !linux

package engine

// newAlarm returns the best alarm to be had.
func newAlarm() alarm { return newTimerAlarm() }
