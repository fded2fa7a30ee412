package engine

import (
	"testing"
	"time"
)

func TestBrokerClocks(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 0)
	at := func(ms float64) time.Time { return epoch.Add(time.Duration(ms * float64(time.Millisecond))) }
	ms := func(f float64) time.Duration { return time.Duration(f * float64(time.Millisecond)) }
	var c brokerClocks
	expect := func(when string, now time.Duration, want offsetBounds) {
		t.Helper()
		if got := c.bounds(1, now); got != want {
			t.Errorf("%s: bounds = %+v, want %+v", when, got, want)
		}
	}
	expect("nothing seen", 0, offsetBounds{})

	// A clock that is 100 ms ahead: handed at 0, appended at 2 (102 there), answered at 5.
	c.saw(1, at(102), at(0), at(5), 0)
	expect("one record", 0, offsetBounds{ms(97), ms(103), true})
	c.saw(1, at(1101), at(1000), at(1003), time.Second)
	expect("a faster one narrows", time.Second, offsetBounds{ms(98), ms(102), true})
	c.saw(1, at(2109), at(2000), at(2050), 2*time.Second)
	expect("a slower one does not widen", 2*time.Second, offsetBounds{ms(98), ms(102), true})
	c.saw(2, at(0), at(0), at(1), 2*time.Second)
	expect("another broker's does not matter", 2*time.Second, offsetBounds{ms(98), ms(102), true})

	c.saw(1, at(3002), at(3000), at(3004), 3*time.Second)
	expect("the broker's clock was set: the newer holds", 3*time.Second, offsetBounds{ms(-2), ms(3), true})
	expect("a stretch later it still holds", clockStretch+time.Second, offsetBounds{ms(-2), ms(3), true})
	expect("two stretches later nothing does", 4*clockStretch, offsetBounds{})
}
