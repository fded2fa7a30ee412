package engine

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A change of where to read makes kgo throw away what it has fetched and not handed out, of all
// partitions. Records it fetches again; but if what it threw away was the one report of a batch that
// decompresses to too much, the partition stays stopped and nobody hears of it. So some time after a
// change the partitions that have shown no sign of life since are set to where they are once more, which
// lets kgo fetch them whatever stopped them.

const (
	// stallAfter is how long after a change that is. A partition that is merely idle, or whose leader
	// is, is none the worse for it; its neighbours' fetches begin anew, which takes a millisecond.
	stallAfter = 2 * time.Second
	// stallLimit is after which pause it is enough: nobody but the partition's leader can help it.
	stallLimit = 30 * time.Second
)

// revive sets the partitions that were not heard of since the last change to their own position. It
// is called in the reader's goroutine between two polls, so that no fetch is under way to be accounted for.
func (r *reader) revive(now time.Duration) {
	if r.changed == 0 || now-r.changed < r.patience {
		return
	}
	e := r.engine
	positions := map[int32]kgo.EpochOffset{}
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		if p.reading == opened && p.heard < r.changed {
			positions[p.id] = kgo.EpochOffset{Epoch: p.epoch, Offset: p.ledger.Position()}
		}
		p.mu.Unlock()
	}
	r.changed = 0
	if len(positions) == 0 {
		return
	}
	r.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{e.cfg.Topic: positions})
	if r.patience *= 2; r.patience <= stallLimit {
		r.changed = now // it was a change, too
	}
}
