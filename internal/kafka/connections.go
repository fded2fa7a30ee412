package kafka

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// connections are those that are open, so that they can be closed when the credentials that they were
// made with are no longer in force.
type connections struct {
	mu  sync.Mutex
	all map[*connection]struct{}
}

// connection is a connection that remembers what it was made with.
type connection struct {
	net.Conn
	made    *material
	owner   *connections
	waiting atomic.Bool // written to, and no answer read since
}

func (c *connections) add(conn net.Conn, m *material) net.Conn {
	one := &connection{Conn: conn, made: m, owner: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[*connection]struct{})
	}
	c.all[one] = struct{}{}
	return one
}

// Write implements net.Conn.
func (c *connection) Write(b []byte) (int, error) {
	c.waiting.Store(true)
	return c.Conn.Write(b)
}

// Read implements net.Conn.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.waiting.Store(false)
	}
	return n, err
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.all, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// older returns the connections that were made with other material than m.
func (c *connections) older(m *material) []*connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	var old []*connection
	for one := range c.all {
		if one.made != m {
			old = append(old, one)
		}
	}
	return old
}

// cycle closes what was made with other material than m, one after the other, within about the time
// given. Each is closed while it waits for no answer, if there is such an instant in its share of the
// time: kgo then makes another one and repeats at most a request that was just being written.
func (c *connections) cycle(ctx context.Context, m *material, within time.Duration) {
	const (
		pause = 2 * time.Millisecond  // between two looks at a connection
		gap   = 50 * time.Millisecond // between two that are closed, or all would be made anew at once
	)
	old := c.older(m)
	for i, one := range old {
		share := within / time.Duration(len(old)-i)
		start := time.Now()
		for one.waiting.Load() && time.Since(start) < share && ctx.Err() == nil {
			wait(ctx, pause)
		}
		_ = one.Close() // it may have been closed already
		if i < len(old)-1 {
			wait(ctx, min(gap, share-time.Since(start)))
		}
		within -= time.Since(start)
	}
}

// wait returns after d, or when ctx is done.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
