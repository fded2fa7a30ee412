package ledger

import "slices"

// order finds records that overtook one another: two acknowledged records of one producer epoch whose
// order in the log is not the order in which they were sent.
type order struct {
	by    Producer
	last  uint64 // the highest slot read of this producer epoch
	begun bool
	pairs []pair // read out of order; at least one of the two not yet acknowledged
}

type pair struct{ early, late uint64 }

// maxPairs bounds what a hostile topic can make us remember.
const maxPairs = 1024

func (o *order) read(p *Partition, seq uint64, by Producer) {
	if !o.begun || by != o.by {
		o.by, o.last, o.begun = by, seq, true
		return
	}
	if seq > o.last {
		o.last = seq
		return
	}
	if !o.settle(p, pair{early: seq, late: o.last}) && len(o.pairs) < maxPairs {
		o.pairs = append(o.pairs, pair{early: seq, late: o.last})
	}
}

func (o *order) acked(p *Partition, seq uint64) {
	for i := 0; i < len(o.pairs); {
		if pr := o.pairs[i]; (pr.early == seq || pr.late == seq) && o.settle(p, pr) {
			o.pairs[i] = o.pairs[len(o.pairs)-1]
			o.pairs = o.pairs[:len(o.pairs)-1]
			continue
		}
		i++
	}
}

// settle counts the pair if both are acknowledged.
func (o *order) settle(p *Partition, pr pair) bool {
	if !acknowledged(p, pr.early) || !acknowledged(p, pr.late) {
		return false
	}
	p.anomaly(pr.early, Reordered)
	return true
}

// drop forgets the pairs of a slot that leaves the window without having been acknowledged.
func (o *order) drop(seq uint64) {
	o.pairs = slices.DeleteFunc(o.pairs, func(pr pair) bool { return pr.early == seq || pr.late == seq })
}

// reset begins anew: what was read so far says nothing of the order of what comes.
func (o *order) reset() { *o = order{pairs: o.pairs[:0]} }

// acknowledged: of the slots that have left the window, pairs name only such.
func acknowledged(p *Partition, seq uint64) bool {
	return seq < p.base || p.slots.at(seq).state&acked != 0
}
