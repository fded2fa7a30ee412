package kafka

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// LastErrors remembers, for each broker and for the cluster, the reason of the
// last connection or request that failed, as named by Reason, and when. What
// this process brought about itself (a closed client, a cancelled request) is
// not an error here. A success erases nothing: compare the time with the
// instant you ask about. Kafka's answers inside a response are not seen here.
//
// It keeps one entry for each broker ever seen and is safe for concurrent use.
type LastErrors struct {
	mu       sync.Mutex
	any      failure
	byBroker map[int32]failure
	byAddr   map[string]int32 // host:port -> node id, to know a bootstrap server by its name
}

// failure is one error; its time is zero if there was none.
type failure struct {
	reason string
	at     time.Time // has a monotonic reading
}

func newLastErrors() *LastErrors {
	return &LastErrors{byBroker: make(map[int32]failure), byAddr: make(map[string]int32)}
}

// Last returns why the broker last failed. The time has a monotonic reading; ok
// is false if the broker never failed.
func (e *LastErrors) Last(broker int32) (reason string, at time.Time, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f, ok := e.byBroker[broker]
	return f.reason, f.at, ok
}

// LastAny returns the last failure of any broker or bootstrap server.
func (e *LastErrors) LastAny() (reason string, at time.Time, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.any.reason, e.any.at, !e.any.at.IsZero()
}

// learn notes which address a broker has.
func (e *LastErrors) learn(meta kgo.BrokerMetadata) {
	if meta.NodeID < 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.byAddr[hostPort(meta)] = meta.NodeID
}

// record notes a failure of the broker now. A bootstrap server counts as the
// broker that metadata names at the same address, if there is one.
func (e *LastErrors) record(meta kgo.BrokerMetadata, reason string) {
	f := failure{reason, time.Now()}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.any = f
	if meta.NodeID >= 0 {
		e.byBroker[meta.NodeID] = f
	} else if id, ok := e.byAddr[hostPort(meta)]; ok {
		e.byBroker[id] = f
	}
}

func hostPort(meta kgo.BrokerMetadata) string {
	return net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
}

// ownDoing tells whether this process ended the connection or request itself. A
// deadline that passed is none of it: then the broker was too slow.
func ownDoing(err error) bool {
	return errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed)
}
