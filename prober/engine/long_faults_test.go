//go:build faults

package engine

import "testing"

// TestHour is TestSixMinutes for an hour.
func TestHour(t *testing.T) { testLong(t, 60) }
