package kafka

import (
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// seedID stands for every bootstrap server until metadata says which broker it
// is. kgo numbers them from the smallest int32 up.
const seedID int32 = -1

// hooks see what all clients of one factory do on the wire. kgo calls them on
// its own goroutines, several times for each request, so they only add to
// atomics and take a lock only when something failed.
type hooks struct {
	counts *listenerCounts // never nil
	errors *LastErrors     // never nil

	pacer       *pacer
	credentials *credentials
}

var (
	_ kgo.HookBrokerConnect    = (*hooks)(nil)
	_ kgo.HookBrokerDisconnect = (*hooks)(nil)
	_ kgo.HookBrokerWrite      = (*hooks)(nil)
	_ kgo.HookBrokerRead       = (*hooks)(nil)
	_ kgo.HookBrokerThrottle   = (*hooks)(nil)
)

// OnBrokerConnect implements kgo.HookBrokerConnect. A connection that opened
// but then failed its first exchange has both conn and err; kgo reported its
// end before, so it is counted in here to make up for that.
func (h *hooks) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, conn net.Conn, err error) {
	h.errors.learn(meta)
	broker := h.counts.broker(nodeID(meta))
	if conn != nil {
		broker.connections.Add(1)
		if !h.credentials.replaced(conn) {
			h.pacer.connected(hostPort(meta), err)
		}
	}
	if err == nil {
		broker.connects.Add(1)
		return
	}
	if ownDoing(err) {
		return
	}
	reason := Reason(err)
	broker.connectFailed(reason)
	h.errors.record(meta, reason)
}

// OnBrokerDisconnect implements kgo.HookBrokerDisconnect.
func (h *hooks) OnBrokerDisconnect(meta kgo.BrokerMetadata, _ net.Conn) {
	h.counts.broker(nodeID(meta)).connections.Add(-1)
}

// OnBrokerWrite implements kgo.HookBrokerWrite.
func (h *hooks) OnBrokerWrite(meta kgo.BrokerMetadata, _ int16, n int, _, _ time.Duration, err error) {
	h.counts.broker(nodeID(meta)).written.Add(uint64(max(n, 0)))
	if err != nil && !ownDoing(err) {
		h.errors.record(meta, Reason(err))
	}
}

// OnBrokerRead implements kgo.HookBrokerRead.
func (h *hooks) OnBrokerRead(meta kgo.BrokerMetadata, _ int16, n int, _, _ time.Duration, err error) {
	h.counts.broker(nodeID(meta)).read.Add(uint64(max(n, 0)))
	if err != nil && !ownDoing(err) {
		h.errors.record(meta, Reason(err))
	}
}

// OnBrokerThrottle implements kgo.HookBrokerThrottle.
func (h *hooks) OnBrokerThrottle(meta kgo.BrokerMetadata, d time.Duration, _ bool) {
	h.counts.broker(nodeID(meta)).throttled.Add(int64(d))
}

// nodeID returns the broker's node id, or seedID.
func nodeID(meta kgo.BrokerMetadata) int32 { return max(meta.NodeID, seedID) }
