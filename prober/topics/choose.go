package topics

import "slices"

// Choose picks the partitions that are probed: of each preferred leader the
// perBroker lowest ones (those probed already first), and for each live broker
// that leads none of these the lowest one that it does lead. So a leader that
// moves changes nothing, a restart of the prober changes nothing, and what is
// more than needed stays idle.
//
// previous is the last choice, or nil. The result ascends.
func Choose(o Observed, perBroker int, previous []int32) []int32 {
	// Partitions probed already sort first, so that moving replicas about
	// does not move the probes with them.
	wasProbed := set(previous)
	parts := make([]Partition, 0, len(o.Partitions))
	for _, first := range []bool{true, false} {
		for _, p := range o.Partitions {
			if wasProbed[p.ID] == first {
				parts = append(parts, p)
			}
		}
	}
	perBroker = max(1, perBroker)
	taken := map[int32]int{} // preferred leader -> partitions chosen
	covered := map[int32]bool{}
	var chosen []int32
	for _, p := range parts {
		if b := p.Preferred(); b >= 0 && taken[b] < perBroker {
			taken[b]++
			chosen = append(chosen, p.ID)
			covered[p.Leader] = true
		}
	}
	for _, b := range o.Live() {
		if covered[b] {
			continue
		}
		for _, p := range parts {
			if p.Leader == b {
				chosen = append(chosen, p.ID)
				break
			}
		}
	}
	slices.Sort(chosen)
	return chosen
}

// Covered tells of every known broker whether it leads a probed partition: of
// one that does not, the probes say nothing.
func (o Observed) Covered(probed []int32) map[int32]bool {
	covered := make(map[int32]bool, len(o.Brokers))
	for _, b := range o.Brokers {
		covered[b.ID] = false
	}
	isProbed := set(probed)
	for _, p := range o.Partitions {
		if _, known := covered[p.Leader]; known && isProbed[p.ID] {
			covered[p.Leader] = true
		}
	}
	return covered
}

func set(ids []int32) map[int32]bool {
	m := make(map[int32]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}
