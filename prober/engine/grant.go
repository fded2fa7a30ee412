package engine

import "time"

// Ready reports whether every partition of the layout can be sent to and read: what Grant waits for.
func (e *Engine) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.layout.Partitions {
		p := find(*e.parts.Load(), a.Partition)
		if p == nil {
			return false
		}
		p.mu.Lock()
		ready := p.reading == opened
		p.mu.Unlock()
		if !ready {
			return false
		}
	}
	return len(e.layout.Partitions) > 0
}

// Grant lets slots become due from now on, so many in each partition: it begins a stretch of a load whose
// config is Granted. The one before it must be over (Quiet) or have been ended by Halt.
func (e *Engine) Grant(slots map[int32]uint64) {
	now := e.clock.now()
	for _, p := range *e.parts.Load() {
		n := slots[p.id]
		p.mu.Lock()
		p.granted = n
		p.active = n > 0
		if p.active {
			p.ledger.Begin(now)
		}
		p.mu.Unlock()
	}
	e.rouse()
}

// Halt lets nothing become due any more and returns how many slots that were granted did not.
func (e *Engine) Halt() (left uint64) {
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		left += p.granted
		p.granted, p.full = 0, false
		p.mu.Unlock()
	}
	return left
}

// Done reports whether everything that was granted became due and is judged.
func (e *Engine) Done() bool { return e.Sent() && e.quiet() }

// Idle reports whether the client holds no record: what may be read back before it is acknowledged is so, too.
func (e *Engine) Idle() bool {
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		held := p.inClient > 0
		p.mu.Unlock()
		if held {
			return false
		}
	}
	return true
}

// nextDue returns when a partition wants to send next, or other if that is not to be known yet. The
// partition's lock is held.
func (e *Engine) nextDue(p *partition, now, other time.Duration) time.Duration {
	switch {
	case e.cfg.Granted && p.granted == 0, p.full:
		return other
	case e.cfg.Unpaced:
		return 0
	}
	return e.reader.ready(p, now)
}

// Sent reports whether everything that was granted became due.
func (e *Engine) Sent() bool {
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		more := p.granted > 0
		p.mu.Unlock()
		if more {
			return false
		}
	}
	return true
}
