package engine

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// SetLayout says which partitions are probed from now on. Those that stay go on undisturbed. A new topic
// id means another topic: reading begins anew and nothing is concluded from the old one's offsets.
func (e *Engine) SetLayout(l Layout) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return nil
	}
	now := e.clock.now()
	recreated := e.layout.TopicID != l.TopicID && e.layout.TopicID != [16]byte{} && l.TopicID != [16]byte{}
	e.layout = l
	if recreated {
		e.recreate()
	}

	before := *e.parts.Load()
	parts := slices.Clone(before)
	wanted := make(map[int32]bool, len(l.Partitions))
	var failure error
	for _, a := range l.Partitions {
		wanted[a.Partition] = true
		p := find(before, a.Partition)
		if p == nil {
			via, err := e.producerFor(a)
			if err != nil {
				failure = err
				continue
			}
			p = e.newPartition(a.Partition, now, via)
			p.ledger.Lead(a.Leader, e.seriesOf(a.Leader))
			parts = append(parts, p)
		} else if a.Leader >= 0 {
			p.mu.Lock()
			p.ledger.Lead(a.Leader, e.seriesOf(a.Leader))
			p.mu.Unlock()
		}
	}
	for _, p := range parts {
		p.mu.Lock()
		switch {
		case p.id == virtual:
		case !wanted[p.id]:
			p.active = false
		case p.reading == opened && !e.cfg.Granted:
			p.activate(now)
		}
		p.mu.Unlock()
	}
	slices.SortFunc(parts, func(a, b *partition) int { return cmp.Compare(a.id, b.id) })
	e.parts.Store(&parts)
	e.reader.wake()
	e.rouse()
	return failure
}

// Await says whether the topic is missing for no other reason than that the prober has not created it yet:
// while that is so, what is due is skipped. It has to begin within the prober's start; a topic that is to be
// created only later was not to be had before, and nothing that was due then is forgiven. Once the topic is
// there it is opened as at the start, which may take as long. It may be called from any goroutine.
func (e *Engine) Await(awaited bool) {
	now := e.clock.now()
	was := e.excused.Load() == forever
	switch {
	case awaited && !was && now < startGrace:
		e.excused.Store(forever)
	case !awaited && was:
		e.skipVirtual(now)
		e.excused.Store(int64(now + startGrace))
	}
}

// forever is a time that does not come.
const forever = math.MaxInt64

// skipVirtual skips what was due before there was a topic.
func (e *Engine) skipVirtual(now time.Duration) {
	for _, p := range *e.parts.Load() {
		if p.id == virtual {
			p.mu.Lock()
			if p.active {
				p.ledger.Skip(now, ledger.Starting)
			}
			p.settle()
		}
	}
}

// retireVirtual ends the virtual partition: a real one takes its place. What was due while the prober
// was just starting is skipped; after that, nobody could have been served, and it stands.
func (e *Engine) retireVirtual(now time.Duration) {
	for _, p := range *e.parts.Load() {
		if p.id != virtual {
			continue
		}
		p.mu.Lock()
		if p.active {
			p.active = false
			if int64(now) < e.excused.Load() {
				p.ledger.Skip(now, ledger.Starting)
			}
		}
		p.settle()
	}
}

// recreate forgets what clients and ledgers know of the topic's last incarnation. A client may take seconds to
// forget, if a broker is silent, and is not waited for with e.mu, which is held: its partitions are opened after it.
func (e *Engine) recreate() {
	e.cfg.Log.Warn("probe topic was deleted and created again; reading begins anew", "topic", e.cfg.Topic)
	overtaken := map[*producer]map[*partition]uint32{} // the number of each partition's attempt that this is
	for _, via := range e.allProducers() {
		overtaken[via] = map[*partition]uint32{}
	}
	for _, p := range *e.parts.Load() {
		if p.id == virtual {
			continue
		}
		p.mu.Lock()
		p.ledger.Recreated()
		p.reading = opening
		p.attempts++
		p.epoch = -1
		overtaken[p.producer][p] = p.attempts
		p.settle()
	}
	e.reader.purge()
	for via, parts := range overtaken {
		go func() {
			via.client().PurgeTopicsFromClient(e.cfg.Topic)
			for p, nth := range parts {
				p.mu.Lock()
				if p.attempts == nth {
					p.reading = closed
				}
				p.mu.Unlock()
			}
			e.reader.wake()
		}()
	}
}

// prune drops the partitions that are not probed any more once nothing can be learnt of them.
func (e *Engine) prune() {
	var gone []*partition
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		if !p.active && p.reading != opening && p.ledger.Empty() && p.inClient == 0 {
			gone = append(gone, p)
		}
		p.mu.Unlock()
	}
	if len(gone) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var kept []*partition
	for _, p := range *e.parts.Load() {
		switch {
		case find(gone, p.id) == nil || e.laidOut(p.id):
			kept = append(kept, p)
		case p.id != virtual:
			e.reader.forget(p.id)
			e.releaseProducer(p.id)
		}
	}
	if len(kept) != len(*e.parts.Load()) {
		e.parts.Store(&kept)
		e.replan.Store(true)
	}
}

// laidOut reports whether the layout asks for a partition. e.mu is held.
func (e *Engine) laidOut(id int32) bool {
	for _, a := range e.layout.Partitions {
		if a.Partition == id {
			return true
		}
	}
	return false
}

// followLeader moves p's slots to its new leader's series if the producing client has seen one. The
// reader may not have: it is told. p.mu is held.
func (e *Engine) followLeader(p *partition) {
	if p.id == virtual {
		return
	}
	leader, _, err := p.producer.client().PartitionLeader(e.cfg.Topic, p.id)
	if err != nil || leader < 0 || leader == p.ledger.Leader() {
		return
	}
	if !e.mu.TryLock() {
		return // the layout is being changed; next time
	}
	p.ledger.Lead(leader, e.seriesOf(leader))
	e.mu.Unlock()
	e.reader.refresh()
}

// producerFor returns the client that produces to a partition: its own while there are few, else the
// one that it shares with partitions of other leaders. e.mu is held.
func (e *Engine) producerFor(a Assignment) (*producer, error) {
	if len(e.layout.Partitions) <= e.cfg.producers() {
		p, err := newProducer(e)
		if err == nil {
			e.producers[a.Partition] = p
		}
		return p, err
	}
	shard := 0
	for _, other := range e.layout.Partitions {
		if other.Partition < a.Partition && other.Preferred == a.Preferred {
			shard++
		}
	}
	shard %= e.cfg.producers()
	if shard < len(e.shards) {
		// What it knows of the topic may be older than the partition.
		e.shards[shard].client().ForceMetadataRefresh()
	}
	for len(e.shards) <= shard {
		p, err := newProducer(e)
		if err != nil {
			return nil, err
		}
		e.shards = append(e.shards, p)
	}
	return e.shards[shard], nil
}

// releaseProducer closes the client of a partition that is gone, if it had one of its own.
func (e *Engine) releaseProducer(id int32) {
	if p := e.producers[id]; p != nil {
		delete(e.producers, id)
		p.close()
	}
}

// closeProducers closes all producers and lets none be made after.
func (e *Engine) closeProducers() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	for _, p := range e.allProducers() {
		p.close()
	}
}

// allProducers returns the producers there are, the diagnostic one among them. e.mu is held.
func (e *Engine) allProducers() []*producer {
	all := slices.Clone(e.shards)
	for _, p := range e.producers {
		all = append(all, p)
	}
	if e.strict != nil {
		all = append(all, e.strict)
	}
	return all
}

// find returns a partition of a list that is sorted by number, or nil.
func find(parts []*partition, id int32) *partition {
	i, found := slices.BinarySearchFunc(parts, id, func(p *partition, id int32) int { return cmp.Compare(p.id, id) })
	if !found {
		return nil
	}
	return parts[i]
}
