package engine

import "time"

// Probers that share a topic would each be handed every record of all of them as it comes: a hundred
// agents on one leader make a hundred times the fetches of one. So beside others a prober reads a partition
// only while a record of its own is outstanding: when there is none for a while, the partition is parked,
// and it is fetched again some time before the next one is due, early enough for the fetch to wait at the
// leader when the record gets there. What the others sent meanwhile comes with that fetch.

const (
	// parkLead is how long before the next record is due a parked partition is fetched again: the time to
	// catch up with what the others sent, and, over a slow network, to get the next fetch to the leader.
	parkLead = 200 * time.Millisecond
	// parkGap is how far off the next record has to be for it to be worth it: kgo has sent one more fetch
	// by the time a partition is parked.
	parkGap = 2 * parkLead
)

// park stops fetching p if nothing of it is outstanding or soon due, and others send to it as well. The
// reader calls it when it has accounted for a fetch. p.mu is held.
func (r *reader) park(p *partition, now time.Duration) {
	e := r.engine
	if p.parked || !p.active || p.reading != opened || !e.peers.present.Load() ||
		!p.ledger.Quiet() || p.ledger.NextDue()-now < parkGap {
		return
	}
	p.parked = true
	r.client.PauseFetchPartitions(map[string][]int32{e.cfg.Topic: {p.id}})
}

// ready lets p be fetched again if its next record is near or one is outstanding, and returns when the
// sender has to look at p at the latest: when that record is due, or before. p.mu is held.
func (r *reader) ready(p *partition, now time.Duration) time.Duration {
	due := p.ledger.NextDue()
	if p.parked && (due-now <= parkLead || !p.ledger.Quiet()) {
		p.parked = false
		r.client.ResumeFetchPartitions(map[string][]int32{r.engine.cfg.Topic: {p.id}})
	}
	if r.engine.peers.present.Load() && due-now >= parkGap {
		return due - parkLead // p is parked, or may be by then
	}
	return due
}
