package engine

import (
	"testing"
	"time"
)

// A process is overloaded by what it hands over late in a minute, if that is more than a hiccup.
func TestOverloaded(t *testing.T) {
	for _, test := range []struct {
		name       string
		sent, late int // in each stretch of ten seconds
		want       bool
	}{
		{"on time", 1000, 0, false},
		{"less than a hundredth", 1000, 9, false},
		{"more", 1000, 11, true},
		{"all of few", 1, 1, true},
	} {
		var l load
		for stretch := range 6 {
			for i := range test.sent {
				lag := time.Millisecond
				if i < test.late {
					lag = 2 * lagLimit
				}
				l.handed(lag)
			}
			l.turn(time.Duration(stretch+1) * stretchLength)
		}
		if got := l.isOverloaded.Load(); got != test.want {
			t.Errorf("%s: overloaded %v", test.name, got)
		}
	}
	var slow load // a record each ten seconds, of which one is late
	for stretch := range 6 {
		slow.handed(time.Duration(stretch/5) * time.Second)
		slow.turn(time.Duration(stretch+1) * stretchLength)
	}
	if slow.isOverloaded.Load() {
		t.Error("one late record of a slow schedule is an overload")
	}
}
