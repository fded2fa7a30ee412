package topics

import "slices"

// movesPerPlan bounds how many partitions are moved at a time; the Manager
// lets a minute pass in between.
const movesPerPlan = 3

// reassign plans the moves of ModeFull: off brokers that are gone for good,
// up to the wanted replication factor, and apart in racks. It moves a few
// partitions at a time, only when nothing else is to be done and every other
// replica is in sync.
func (p *planner) reassign() {
	a := Action{Kind: Reassign, Topic: p.spec.Topic}
	if p.refused[a.key()] {
		return
	}
	pl := newPlacer(p.targets, p.seen.Partitions)
	busy := false
	for _, part := range p.seen.Partitions {
		for _, r := range part.Replicas {
			busy = busy || (!p.gone[r] && !contains(part.ISR, r))
		}
		if len(a.Assignments) == movesPerPlan {
			continue
		}
		if want := p.wantReplicas(pl, part.Replicas); !slices.Equal(want, part.Replicas) {
			a.Assignments = append(a.Assignments, Assignment{part.ID, want})
		}
	}
	switch {
	case len(a.Assignments) == 0:
	case p.unsettled() != "":
		p.later(a, p.unsettled())
	case busy:
		p.later(a, "replicas are still catching up")
	case len(p.todo()) > 0:
		p.later(a, "leaders and partitions come first")
	case p.c.MovesHeld:
		p.later(a, "replicas were moved a short while ago")
	default:
		p.now(a)
	}
}

// wantReplicas repairs one replica list and leaves alone what is right.
func (p *planner) wantReplicas(pl *placer, have []int32) []int32 {
	want := slices.Clone(have)
	swap := func(i int) bool {
		id, ok := pl.pick(slices.Delete(slices.Clone(want), i, i+1))
		if ok {
			pl.load[want[i]]--
			pl.load[id]++
			want[i] = id
		}
		return ok
	}
	for i := len(want) - 1; i >= 0; i-- {
		// With nowhere to go, a replica less is better than one that is lost.
		if p.gone[want[i]] && !swap(i) && len(want) > 1 {
			want = slices.Delete(want, i, i+1)
		}
	}
	for len(want) < int(p.spec.replicationFactor(len(p.targets))) {
		id, ok := pl.pick(want)
		if !ok {
			break
		}
		want = append(want, id)
		pl.load[id]++
	}
	reachable := min(len(want), pl.racks(ids32(p.targets)))
	for i := len(want) - 1; i > 0 && pl.racks(want) < reachable; i-- {
		others := slices.Delete(slices.Clone(want), i, i+1)
		if pl.racks(others) == pl.racks(want) { // this one adds no rack
			swap(i)
		}
	}
	return want
}

// alterConfig plans the settings that differ from what a new topic would get,
// one action each, so that one refusal does not stop the others.
func (p *planner) alterConfig() {
	if p.seen.Config == nil {
		return
	}
	rf := int16(len(p.seen.Partitions[0].Replicas))
	for _, want := range p.spec.Settings(rf) {
		got, known := p.seen.Config[want.Name]
		a := Action{Kind: AlterConfig, Topic: p.spec.Topic, Settings: []Setting{want}}
		if known && got.Value != want.Value && !p.refused[a.key()] {
			p.now(a)
		}
	}
}

func ids32(list []Broker) []int32 {
	out := make([]int32, 0, len(list))
	for _, b := range list {
		out = append(out, b.ID)
	}
	return out
}
