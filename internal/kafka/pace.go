package kafka

import (
	"context"
	"net"
	"sync"
	"time"
)

// How long after a failure an address is dialled again: soon while it may be a
// leader that moves, less often in an outage that lasts. There each of a dozen
// clients would dial it ten times a second; together they took 8 % of a core.
const (
	dialPause     = 100 * time.Millisecond
	longDialPause = 250 * time.Millisecond
	longOutage    = 3 * time.Second // after which the longer pause is taken
)

// pacer lets the clients of a factory share what they learn of an address that
// can't be dialled: one of them tries it after each pause, the others wait for
// the turn, which slows their retries down, and then get the last error. When one
// gets through, all may dial at once again. It is safe for concurrent use.
type pacer struct {
	mu     sync.Mutex
	failed map[string]failedDial // by host:port
}

// failedDial is an address that could not be dialled.
type failedDial struct {
	err   error     // of the last attempt
	since time.Time // when the first one failed
	next  time.Time // when the next one may begin
}

// pause lets the next attempt wait, from now on.
func (f *failedDial) pause(now time.Time) {
	pause := dialPause
	if now.Sub(f.since) > longOutage {
		pause = longDialPause
	}
	f.next = now.Add(pause)
}

// paced returns open with the pacer in front.
func (p *pacer) paced(open DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := p.await(ctx, addr); err != nil {
			return nil, err
		}
		conn, err := open(ctx, network, addr)
		if ctx.Err() == nil { // else it says nothing of the address
			p.note(addr, err)
		}
		return conn, err
	}
}

// await returns nil when addr may be dialled, at once unless it failed a short while
// ago, and the last attempt's error if another client has the next turn.
func (p *pacer) await(ctx context.Context, addr string) error {
	p.mu.Lock()
	f, failing := p.failed[addr]
	p.mu.Unlock()
	if !failing {
		return nil
	}
	turn := time.NewTimer(time.Until(f.next))
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f, failing = p.failed[addr]
	if !failing {
		return nil
	}
	now := time.Now()
	if now.Before(f.next) {
		return f.err
	}
	f.pause(now)
	p.failed[addr] = f
	return nil
}

// note remembers how an attempt ended.
func (p *pacer) note(addr string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.failed, addr)
		return
	}
	if p.failed == nil {
		p.failed = make(map[string]failedDial)
	}
	now := time.Now()
	f, failing := p.failed[addr]
	if !failing {
		f.since = now
	}
	f.err = err
	f.pause(now)
	p.failed[addr] = f
}
