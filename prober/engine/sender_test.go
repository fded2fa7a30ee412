package engine

import (
	"context"
	"testing"
	"time"
)

// tardyAlarm is an alarm that is always late by the same time, or that is rung.
type tardyAlarm struct {
	clock *clock
	late  time.Duration
	rung  bool
}

func (a *tardyAlarm) wait(_ context.Context, d time.Duration) {
	if a.rung {
		return
	}
	for end := a.clock.now() + d + a.late; a.clock.now() < end; {
	}
}

func (a *tardyAlarm) ring()  {}
func (a *tardyAlarm) close() {}

// A sender on an alarm that is always late learns how much that is, and is never early.
func TestSenderMakesUpForALateAlarm(t *testing.T) {
	for _, late := range []time.Duration{0, 50 * time.Microsecond, 10 * maxLate} {
		alarm := &tardyAlarm{clock: newClock(), late: late}
		s := sender{engine: &Engine{clock: alarm.clock}, alarm: alarm, punctual: true}
		for range 50 {
			wake := alarm.clock.now() + 2*maxLate
			s.sleep(t.Context(), wake)
			if now := alarm.clock.now(); now < wake {
				t.Fatalf("alarm late by %v: woke %v early", late, wake-now)
			}
		}
		if least := min(late, maxLate) * 9 / 10; s.late < least || s.late > maxLate {
			t.Errorf("alarm late by %v: it is set early by %v, want %v to %v", late, s.late, least, maxLate)
		}
	}
}

// A sender that is rung looks at once, and learns nothing from it.
func TestSenderIsRung(t *testing.T) {
	alarm := &tardyAlarm{clock: newClock(), rung: true}
	s := sender{engine: &Engine{clock: alarm.clock}, alarm: alarm, punctual: true}
	wake := alarm.clock.now() + time.Hour
	s.sleep(t.Context(), wake)
	if now := alarm.clock.now(); now >= wake || s.late != 0 {
		t.Errorf("woke at %v of %v; the alarm is set early by %v", now, wake, s.late)
	}
}
