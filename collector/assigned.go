package collector

import (
	"sync"
	"time"
)

// assignedBrokers are the brokers that replicas are assigned to: the collector replication knows them,
// and brokers counts by them where the controller can't be asked which ones are registered. Safe for
// concurrent use.
type assignedBrokers struct {
	mu    sync.Mutex
	ids   []int32
	until time.Time // when nobody knows any more whether it still holds
}

// set notes the brokers that hold for so long.
func (a *assignedBrokers) set(ids []int32, valid time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids, a.until = ids, time.Now().Add(valid)
}

// get returns the brokers, not to be changed, or nil if they are not known.
func (a *assignedBrokers) get() []int32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Now().After(a.until) {
		return nil
	}
	return a.ids
}
