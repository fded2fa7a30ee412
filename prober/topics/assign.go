package topics

import (
	"cmp"
	"slices"
)

// placer places replicas: racks spread first, then even load, then the ring
// that starts at the preferred leader, so that equal input gives equal output.
type placer struct {
	brokers []Broker // where replicas may go, sorted by id
	rack    map[int32]string
	load    map[int32]int // replicas held, of this topic
}

func newPlacer(brokers []Broker, partitions []Partition) *placer {
	pl := &placer{brokers: brokers, rack: map[int32]string{}, load: map[int32]int{}}
	for _, b := range brokers {
		pl.rack[b.ID] = b.Rack
	}
	for _, p := range partitions {
		for _, id := range p.Replicas {
			pl.load[id]++
		}
	}
	return pl
}

// assign gives the replicas of a new partition, first the preferred leader.
func (pl *placer) assign(first int32, replicationFactor int16) []int32 {
	replicas := []int32{first}
	pl.load[first]++
	for len(replicas) < int(replicationFactor) {
		id, ok := pl.pick(replicas)
		if !ok {
			break
		}
		replicas = append(replicas, id)
		pl.load[id]++
	}
	return replicas
}

// pick finds the best further replica beside those in replicas.
func (pl *placer) pick(replicas []int32) (int32, bool) {
	n := len(pl.brokers)
	start := 0
	if len(replicas) > 0 {
		start, _ = slices.BinarySearchFunc(pl.brokers, replicas[0], func(b Broker, id int32) int { return cmp.Compare(b.ID, id) })
	}
	best, bestCost := int32(-1), [3]int{}
	for i, b := range pl.brokers {
		if slices.Contains(replicas, b.ID) {
			continue
		}
		sameRack := 0
		for _, r := range replicas {
			if pl.rack[r] == b.Rack {
				sameRack++
			}
		}
		cost := [3]int{sameRack, pl.load[b.ID], (i - start + n) % n}
		if best < 0 || slices.Compare(cost[:], bestCost[:]) < 0 {
			best, bestCost = b.ID, cost
		}
	}
	return best, best >= 0
}

// racks counts the distinct racks of some brokers.
func (pl *placer) racks(ids []int32) int {
	seen := map[string]bool{}
	for _, id := range ids {
		if r, ok := pl.rack[id]; ok {
			seen[r] = true
		}
	}
	return len(seen)
}
