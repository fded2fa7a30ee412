package engine

import (
	"context"
	"time"
)

// alarm wakes the sender. wait returns at the earliest of: d has passed, ring was called (also before
// wait), ctx is done. It is for one waiter; ring may be called by anyone.
type alarm interface {
	wait(ctx context.Context, d time.Duration)
	ring()
	close()
}

// timerAlarm is an alarm on Go's own timers: portable, and what a synctest bubble can see, but late by
// up to a millisecond in an idle process.
type timerAlarm struct {
	timer *time.Timer
	rung  chan struct{}
}

func newTimerAlarm() *timerAlarm {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &timerAlarm{timer: t, rung: make(chan struct{}, 1)}
}

func (a *timerAlarm) wait(ctx context.Context, d time.Duration) {
	a.timer.Reset(d)
	select {
	case <-a.timer.C:
	case <-a.rung:
	case <-ctx.Done():
	}
}

func (a *timerAlarm) ring() {
	select {
	case a.rung <- struct{}{}:
	default:
	}
}

func (a *timerAlarm) close() { a.timer.Stop() }
