package kafka

import (
	"context"
	"net"
	"slices"
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
// can't be dialled, or where TLS or SASL fails: one of them tries it after each
// pause, the others wait for the turn, which slows their retries down, and then
// get the last error. When one gets through, all may dial at once again. It is
// safe for concurrent use.
type pacer struct {
	mu     sync.Mutex
	failed map[string]failedDial // by host:port
}

// failedDial is an address that could not be dialled, or that refused what came after.
type failedDial struct {
	err     error         // of the last attempt
	refused bool          // it was reached, so that to reach it again proves nothing
	since   time.Time     // when the first one failed
	next    time.Time     // when the next one may begin
	over    chan struct{} // closed when one gets through
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
		switch {
		case ctx.Err() != nil: // it says nothing of the address
		case err != nil:
			p.note(addr, err, false)
		default:
			p.reached(addr)
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
	case <-f.over:
		return nil
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

// reached notes that addr could be dialled. Where it refused what came after, how that ends now counts.
func (p *pacer) reached(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.failed[addr].refused {
		p.clear(addr)
	}
}

// connected notes how a connection to addr ended up: nil if it is ready for requests. What is no refusal ends one, as
// it is news of addr, unless it is our own doing.
func (p *pacer) connected(addr string, err error) {
	if err != nil && refusal(err) {
		p.note(addr, err, true)
		return
	}
	if err != nil && slices.Contains([]string{ReasonClientClosed, ReasonContextCanceled}, Reason(err)) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || p.failed[addr].refused {
		p.clear(addr)
	}
}

// forgive forgets all refusals: they were of other credentials.
func (p *pacer) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for addr, f := range p.failed {
		if f.refused {
			p.clear(addr)
		}
	}
}

// clear lets all dial addr. The caller holds mu.
func (p *pacer) clear(addr string) {
	if f, failing := p.failed[addr]; failing {
		close(f.over)
		delete(p.failed, addr)
	}
}

// note remembers a failure.
func (p *pacer) note(addr string, err error, refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = make(map[string]failedDial)
	}
	now := time.Now()
	f, failing := p.failed[addr]
	if !failing {
		f.since, f.over = now, make(chan struct{})
	}
	f.err, f.refused = err, refused
	f.pause(now)
	p.failed[addr] = f
}

// refusal returns whether a connection failed by what one side said, such as that a certificate or a
// password is wrong, and so will fail again at once. A silent broker paces its clients by itself, and one
// that breaks off may be coming up: then nobody is to wait.
func refusal(err error) bool {
	switch Reason(err) {
	case ReasonClientClosed, ReasonClosedOnConnect, ReasonConnectionClosed, ReasonConnectionReset,
		ReasonContextCanceled, ReasonDeadlineExceeded, ReasonNoResponse, ReasonTLSNotSpoken:
		return false
	}
	return true
}
