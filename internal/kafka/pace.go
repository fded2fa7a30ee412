package kafka

import (
	"context"
	"net"
	"sync"
	"time"
)

// dialPause is how long after a failure an address is dialled again. In an outage
// each of a dozen clients would dial it ten times a second; together they took
// 8 % of a core.
const dialPause = 100 * time.Millisecond

// pacer lets the clients of a factory share what they learn of an address that
// can't be dialled: one of them tries it in each dialPause, the others wait for
// the turn, which slows their retries down, and then get the last error. When one
// gets through, all may dial at once again. It is safe for concurrent use.
type pacer struct {
	mu     sync.Mutex
	failed map[string]failedDial // by host:port
}

// failedDial is an address that could not be dialled.
type failedDial struct {
	err  error     // of the last attempt
	next time.Time // when the next one may begin
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
	f.next = now.Add(dialPause)
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
	p.failed[addr] = failedDial{err, time.Now().Add(dialPause)}
}
