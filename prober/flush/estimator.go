package flush

import (
	"slices"
	"time"
)

// window is how many plain appends the median is taken of: ten minutes of them at the default rate, so that
// it follows the broker's load and a single slow append does not move it.
const window = 60

// Estimator knows one broker's recent plain appends. The zero value is ready; it is not safe for concurrent
// use.
type Estimator struct {
	plain [window]time.Duration // a ring
	n     int                   // plain appends ever taken
}

// Plain takes an append without a flush.
func (e *Estimator) Plain(took time.Duration) {
	e.plain[e.n%window] = took
	e.n++
}

// Flush returns what of an append with a flush was the flush. It is not known before the first plain append.
func (e *Estimator) Flush(took time.Duration) (flush time.Duration, known bool) {
	if e.n == 0 {
		return 0, false
	}
	recent := slices.Clone(e.plain[:min(e.n, window)])
	slices.Sort(recent)
	return max(0, took-recent[(len(recent)-1)/2]), true
}

// Judge fills in a pair's estimate. A flush that is not over at the timeout counts as lasting that long if
// the plain append of the same round got through: else it is the broker that hangs, and nothing is known of
// its flushes. Of one that failed otherwise nothing is known either.
func (e *Estimator) Judge(p *Pair) {
	if p.Plain.Acked() {
		e.Plain(p.Plain.Took)
	}
	if p.Flushed == nil || p.Flushed.Took == 0 || !p.Flushed.Acked() && !p.Plain.Acked() {
		return
	}
	p.Flush, p.Known = e.Flush(p.Flushed.Took)
}
