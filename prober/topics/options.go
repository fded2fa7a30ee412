package topics

import (
	"log/slog"
	"time"
)

// Options says what a Manager looks after. Zero durations take the default.
type Options struct {
	Spec           Spec
	Mode           Mode
	RemovedBrokers []int32       // node ids that replicas are moved off (ModeFull) or not put on
	Epoch          time.Time     // start of the process's monotonic time; zero = when NewManager is called
	Interval       time.Duration // between two looks; default 10 s
	Settle         time.Duration // quiet time before leaders or partitions are touched; default 30 s
	RefusalBackoff time.Duration // before a refused action is tried again; default 10 min
	GoneAfter      time.Duration // after which a dead broker does not come back; default 24 h
	Logger         *slog.Logger  // default: discard

	// The callbacks run in Run's goroutine, one at a time, and must not block.
	OnLayout   func(Layout)    // the topic exists and its layout changed; nil = none
	OnAwaited  func(bool)      // the topic is missing only because it is yet to be created, or not any more; nil = none
	OnProblems func([]Problem) // the whole list, when it changed; empty = all clear; nil = none
	OnRefused  func(Refusal)   // each time the cluster refuses something; nil = none
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	def(&o.Interval, 10*time.Second)
	def(&o.Settle, 30*time.Second)
	def(&o.RefusalBackoff, 10*time.Minute)
	def(&o.GoneAfter, 24*time.Hour)
	if o.Epoch.IsZero() {
		o.Epoch = time.Now()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = o.Logger.With("topic", o.Spec.Topic)
	if o.OnLayout == nil {
		o.OnLayout = func(Layout) {}
	}
	if o.OnAwaited == nil {
		o.OnAwaited = func(bool) {}
	}
	if o.OnProblems == nil {
		o.OnProblems = func([]Problem) {}
	}
	if o.OnRefused == nil {
		o.OnRefused = func(Refusal) {}
	}
	return o
}
