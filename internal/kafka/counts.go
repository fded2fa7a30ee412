package kafka

import (
	"sync"
	"sync/atomic"
)

// listenerCounts are the counts of one cluster and listener, by broker. Brokers
// are added and never removed: their number is the cluster's.
type listenerCounts struct {
	mu      sync.Mutex                              // held to add a broker
	brokers atomic.Pointer[map[int32]*brokerCounts] // replaced, never changed, so that hooks read without a lock

	credentials atomic.Pointer[credentials] // of the factory that was made last
}

// brokerCounts are what the clients did on the connections to one broker, since
// the process started. Safe for concurrent use.
type brokerCounts struct {
	connections atomic.Int64  // open now; below 0 for the instant between kgo's two hooks of a failed connection
	connects    atomic.Uint64 // opened and greeted by the broker
	written     atomic.Uint64 // bytes, without TLS
	read        atomic.Uint64 // bytes, without TLS
	throttled   atomic.Int64  // nanoseconds that the broker asked us to wait

	mu            sync.Mutex
	connectErrors map[string]uint64 // by reason
}

// commonConnectErrors exist from the start, so that the first one is already an
// increase. The others appear when they occur: all of them for every broker
// would be a tenth of what a broker may cost.
var commonConnectErrors = []string{ReasonConnectionRefused, ReasonDialTimeout, ReasonNoResponse}

func newListenerCounts() *listenerCounts {
	c := new(listenerCounts)
	c.brokers.Store(&map[int32]*brokerCounts{})
	return c
}

// broker returns the counts of a broker, seedID for the bootstrap servers. It
// takes no lock and allocates nothing for a broker seen before.
func (c *listenerCounts) broker(id int32) *brokerCounts {
	if b, ok := (*c.brokers.Load())[id]; ok {
		return b
	}
	return c.add(id)
}

func (c *listenerCounts) add(id int32) *brokerCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := *c.brokers.Load()
	if b, ok := old[id]; ok { // somebody was faster
		return b
	}
	b := &brokerCounts{connectErrors: make(map[string]uint64)}
	for _, reason := range commonConnectErrors {
		b.connectErrors[reason] = 0
	}
	next := make(map[int32]*brokerCounts, len(old)+1)
	for k, v := range old {
		next[k] = v
	}
	next[id] = b
	c.brokers.Store(&next)
	return b
}

// connectFailed counts a connection that could not be used.
func (b *brokerCounts) connectFailed(reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.connectErrors[reason]++
}

// eachConnectError calls fn for each reason with its count.
func (b *brokerCounts) eachConnectError(fn func(reason string, n uint64)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for reason, n := range b.connectErrors {
		fn(reason, n)
	}
}
