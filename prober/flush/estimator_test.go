package flush

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestEstimator(t *testing.T) {
	var e Estimator
	if _, known := e.Flush(5 * ms); known {
		t.Error("a flush is known before any plain append")
	}
	e.Plain(2 * ms)
	e.Plain(900 * ms) // one slow append must not make flushes vanish
	e.Plain(3 * ms)
	for took, want := range map[time.Duration]time.Duration{23 * ms: 20 * ms, 3 * ms: 0, ms: 0} {
		if got, known := e.Flush(took); !known || got != want {
			t.Errorf("flushed append of %v: flush %v, known %v; want %v", took, got, known, want)
		}
	}
	for range window { // of the first three none is left
		e.Plain(10 * ms)
	}
	if got, _ := e.Flush(30 * ms); got != 20*ms {
		t.Errorf("after %d plain appends of 10ms a flushed one of 30ms gives %v, want 20ms", window, got)
	}
}

func TestJudge(t *testing.T) {
	const timeout = 10 * time.Second
	acked := func(took time.Duration) Append { return Append{Took: took} }
	for name, test := range map[string]struct {
		plain   Append
		flushed *Append
		flush   time.Duration
		known   bool
	}{
		"both acknowledged":         {acked(2 * ms), &Append{Took: 8 * ms}, 6 * ms, true},
		"only the plain one sent":   {acked(2 * ms), nil, 0, false},
		"the flush hangs":           {acked(2 * ms), &Append{Took: timeout, Reason: "NO_RESPONSE"}, timeout - 2*ms, true},
		"the broker hangs":          {Append{Took: timeout, Reason: "NO_RESPONSE"}, &Append{Took: timeout, Reason: "NO_RESPONSE"}, 0, false},
		"the flushed one is denied": {acked(2 * ms), &Append{Reason: "NOT_LEADER_OR_FOLLOWER"}, 0, false},
		"the plain one is denied":   {Append{Reason: "NOT_LEADER_OR_FOLLOWER"}, &Append{Took: 8 * ms}, 6 * ms, true},
	} {
		t.Run(name, func(t *testing.T) {
			var e Estimator
			e.Plain(2 * ms)
			p := Pair{Plain: test.plain, Flushed: test.flushed}
			e.Judge(&p)
			if p.Flush != test.flush || p.Known != test.known {
				t.Errorf("flush %v, known %v; want %v, %v", p.Flush, p.Known, test.flush, test.known)
			}
		})
	}
}
