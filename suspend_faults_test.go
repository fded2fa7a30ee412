//go:build faults

package main

import (
	"testing"
	"time"
)

// TestSuspendedLong is TestSuspended for longer than a record may take.
func TestSuspendedLong(t *testing.T) { testSuspended(t, time.Minute) }
