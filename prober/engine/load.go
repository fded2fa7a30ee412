package engine

import (
	"sync/atomic"
	"time"
)

// load tells whether this process keeps up: whether it hands records over when they are due. If it does
// not, what it measures is itself.
type load struct {
	sent, late   atomic.Uint64 // of the present stretch
	stretches    [6]stretch    // the last minute's; the sender's own, like turned
	turned       time.Duration
	isOverloaded atomic.Bool
}

type stretch struct{ sent, late uint64 }

const (
	// lagLimit is how late a record may be handed over. It is a twentieth of the default latency
	// objective of 200 ms, and far above what timers and garbage collection take.
	lagLimit = 10 * time.Millisecond
	// lateShare is the share of late records in a minute from which the process is overloaded: its
	// 99th percentile is then its own.
	lateShare = 0.01
	// fewLate is how many of them say nothing yet: of a slow schedule one is more than that share.
	fewLate       = 2
	stretchLength = 10 * time.Second
)

// handed notes how late a record was handed over.
func (l *load) handed(lag time.Duration) {
	l.sent.Add(1)
	if lag > lagLimit {
		l.late.Add(1)
	}
}

// turn closes a stretch when it is over.
func (l *load) turn(now time.Duration) {
	if now-l.turned < stretchLength {
		return
	}
	l.turned = now
	copy(l.stretches[1:], l.stretches[:])
	l.stretches[0] = stretch{l.sent.Swap(0), l.late.Swap(0)}
	var sum stretch
	for _, s := range l.stretches {
		sum.sent += s.sent
		sum.late += s.late
	}
	l.isOverloaded.Store(sum.late > fewLate && float64(sum.late) > lateShare*float64(sum.sent))
}
