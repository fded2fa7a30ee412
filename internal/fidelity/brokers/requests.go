package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestCount counts the requests that a cluster gets and serves the counts.
type requestCount struct {
	mu     sync.Mutex
	byName map[string]int
}

// newRequestCount begins to count.
func newRequestCount(c *kfake.Cluster) *requestCount {
	count := &requestCount{byName: make(map[string]int)}
	c.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		count.mu.Lock()
		defer count.mu.Unlock()
		count.byName[kmsg.NameForKey(req.Key())]++
		return nil, nil, false
	})
	return count
}

// ServeHTTP implements http.Handler.
func (c *requestCount) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	counts := maps.Clone(c.byName)
	c.mu.Unlock()
	_ = json.NewEncoder(w).Encode(counts) // a reader that hung up needs no answer
}
