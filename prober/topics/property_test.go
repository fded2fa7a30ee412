package topics

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlansConverge applies plans to a model until there is nothing left to
// do, from many random clusters: every live broker must then lead a probed
// partition, and with ModeFull the topic must look like a new one.
func TestPlansConverge(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		o, c := randomCluster(rng)
		mode := []Mode{ModeCreate, ModeFull}[rng.IntN(2)]
		spec := Spec{Topic: ownTopic, PartitionsPerBroker: rng.IntN(3)}
		rounds := 0
		for ; rounds < 100; rounds++ {
			plan := NewPlan(spec, o, mode, c)
			if again := NewPlan(spec, o, mode, c); again.text() != plan.text() {
				t.Fatalf("seed %d: two plans of one observation:\n%s\n%s", seed, plan.text(), again.text())
			}
			if len(plan.Actions) == 0 {
				if len(plan.Deferred) > 0 {
					t.Fatalf("seed %d: waits for ever: %s", seed, plan.text())
				}
				break
			}
			for _, a := range plan.Actions {
				o = o.apply(a)
			}
		}
		if rounds == 100 {
			t.Fatalf("seed %d: no end of plans: %s", seed, NewPlan(spec, o, mode, c).text())
		}
		if err := settledWell(spec, o, mode, c); err != nil {
			t.Fatalf("seed %d, %s: %v\n%+v", seed, mode, err, o)
		}
	}
}

func settledWell(spec Spec, o Observed, mode Mode, c Circumstances) error {
	covered := o.Covered(Choose(o, spec.perBroker(), nil))
	gone := set(c.Gone)
	racks := map[string]bool{}
	rackOf := map[int32]string{}
	live := 0
	for _, b := range o.Brokers {
		if !gone[b.ID] {
			live++
			racks[b.Rack] = true
			rackOf[b.ID] = b.Rack
			if !covered[b.ID] && !saysUncovered(spec, o, mode, c) {
				return fmt.Errorf("broker %d is not covered", b.ID)
			}
		}
	}
	if limit := partitionCap * spec.perBroker() * live; len(o.Partitions) > limit && mode == ModeCreate {
		return fmt.Errorf("%d partitions, at most %d", len(o.Partitions), limit)
	}
	for _, p := range o.Partitions {
		seen, spread := map[int32]bool{}, map[string]bool{}
		for _, r := range p.Replicas {
			if seen[r] {
				return fmt.Errorf("partition %d has broker %d twice", p.ID, r)
			}
			if mode == ModeFull && gone[r] {
				return fmt.Errorf("partition %d is still on broker %d", p.ID, r)
			}
			seen[r] = true
			spread[rackOf[r]] = true
		}
		if mode == ModeFull && len(p.Replicas) < min(3, live) {
			return fmt.Errorf("partition %d has %d replicas", p.ID, len(p.Replicas))
		}
		if mode == ModeFull && len(spread) < min(len(p.Replicas), len(racks)) {
			return fmt.Errorf("partition %d lies in %d racks", p.ID, len(spread))
		}
	}
	return nil
}

// saysUncovered allows the one case that can't be helped without moving
// replicas, as long as it is said: new partitions need as many replicas as
// the first one has, and there are fewer brokers left.
func saysUncovered(spec Spec, o Observed, mode Mode, c Circumstances) bool {
	if mode == ModeFull || len(o.Partitions[0].Replicas) <= len(o.Live()) {
		return false
	}
	return slices.ContainsFunc(NewPlan(spec, o, mode, c).Problems, func(p Problem) bool { return p.Kind == ProblemUncovered })
}

// randomCluster makes brokers in racks and a topic laid out at random, some
// leaders not the preferred ones. Some brokers are gone for good.
func randomCluster(rng *rand.Rand) (Observed, Circumstances) {
	o := Observed{Topic: ownTopic, BrokersComplete: true}
	n, racks := 1+rng.IntN(12), 1+rng.IntN(4)
	for i := range n {
		o.Brokers = append(o.Brokers, Broker{ID: int32(i * 2), Rack: fmt.Sprint("r", rng.IntN(racks)), Alive: true})
	}
	var c Circumstances
	alive := n
	for i := 0; i < n && alive > 1; i++ {
		if rng.IntN(10) == 0 {
			o.Brokers[i].Alive = false
			c.Gone = append(c.Gone, o.Brokers[i].ID)
			alive--
		}
	}
	if rng.IntN(4) == 0 {
		return o, c
	}
	o.Exists = true
	for id := range 1 + rng.IntN(alive) {
		p := Partition{ID: int32(id), Leader: -1}
		for _, i := range rng.Perm(n)[:1+rng.IntN(min(3, n))] {
			p.Replicas = append(p.Replicas, o.Brokers[i].ID)
			if o.Brokers[i].Alive {
				p.ISR = append(p.ISR, o.Brokers[i].ID)
			}
		}
		if len(p.ISR) > 0 {
			p.Leader = p.ISR[rng.IntN(len(p.ISR))]
		}
		o.Partitions = append(o.Partitions, p)
	}
	return o, c
}
