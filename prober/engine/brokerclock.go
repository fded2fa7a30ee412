package engine

import (
	"sync"
	"time"
)

// brokerClocks bounds how far each broker's clock is ahead of this host's, where the topic's timestamps
// are set by the broker (message.timestamp.type=LogAppendTime): a record was appended after it was
// handed over and before it was acknowledged, so the broker's time of the append lies between two times
// of ours. Each record gives an interval; all that were seen of late hold, so their intersection does.
type brokerClocks struct {
	mu sync.Mutex
	of map[int32]*brokerClock
}

// brokerClock is the intersection of this stretch of time and that of the last: a clock drifts, so what
// held an hour ago says little.
type brokerClock struct {
	began     time.Duration
	now, last offsetBounds
}

// offsetBounds is an interval for the broker's clock minus ours. The zero value knows nothing.
type offsetBounds struct {
	lower, upper time.Duration
	known        bool
}

const clockStretch = time.Minute

// saw takes in that a broker appended a record at its time appended (of millisecond grain), which by this
// host's wall clock was after handed and before answered; now is monotonic.
func (c *brokerClocks) saw(broker int32, appended, handed, answered time.Time, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[int32]*brokerClock)
	}
	b := c.of[broker]
	if b == nil {
		b = &brokerClock{began: now}
		c.of[broker] = b
	}
	b.turn(now)
	b.now.narrow(appended.Sub(answered), appended.Add(time.Millisecond).Sub(handed))
}

// bounds returns what is known of a broker's clock.
func (c *brokerClocks) bounds(broker int32, now time.Duration) offsetBounds {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.of[broker]
	if b == nil {
		return offsetBounds{}
	}
	b.turn(now)
	both := b.last
	if b.now.known {
		both.narrow(b.now.lower, b.now.upper)
	}
	return both
}

func (b *brokerClock) turn(now time.Duration) {
	if age := now - b.began; age >= clockStretch {
		b.last, b.now = b.now, offsetBounds{}
		if age >= 2*clockStretch {
			b.last = offsetBounds{}
		}
		b.began = now
	}
}

// narrow intersects the bounds with another interval. If they exclude each other a clock was set: then
// only the newer one holds.
func (o *offsetBounds) narrow(lower, upper time.Duration) {
	if !o.known || lower > o.upper || upper < o.lower {
		*o = offsetBounds{lower, upper, true}
		return
	}
	o.lower, o.upper = max(o.lower, lower), min(o.upper, upper)
}
