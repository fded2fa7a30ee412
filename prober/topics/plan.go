package topics

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// partitionCap bounds a topic to this many partitions per partition wanted,
// so that a cluster on which adding them does not help is not filled up.
const partitionCap = 2

// Plan is what should be done about one topic.
type Plan struct {
	Actions  []Action   // to do now, in this order
	Deferred []Deferred // to do later
	Problems []Problem  // to tell a person
	Awaited  bool       // the topic is missing for no other reason than that we have not created it yet
}

// Deferred is an action that has to wait.
type Deferred struct {
	Action Action
	Why    string // in plain words
}

// Circumstances is what one observation cannot tell. The zero value plans at
// once, as a dry run does.
type Circumstances struct {
	StableFor     time.Duration // how long brokers and leaders have not changed
	Settle        time.Duration // how long that has to be before leaders or partitions are touched
	Gone          []int32       // brokers that will not come back, and those to be removed
	Refused       []Refusal     // what the cluster refused lately
	ElectionsHeld bool          // leaders were elected just now
	MovesHeld     bool          // replicas were moved just now
}

type planner struct {
	spec     Spec
	seen     Observed
	mode     Mode
	c        Circumstances
	ours     bool
	gone     map[int32]bool
	missing  []int32        // known, not alive, expected back
	targets  []Broker       // alive and not to be removed
	isTarget map[int32]bool // targets by id
	prefers  map[int32]int  // broker -> partitions that it is the preferred leader of
	refused  map[string]bool
	unplaced bool // the cluster does not let us place replicas
	plan     Plan
}

// NewPlan works out what to do. It is pure: the same arguments give the same
// plan. With ModeNone it only finds problems.
func NewPlan(s Spec, o Observed, mode Mode, c Circumstances) Plan {
	p := &planner{
		spec: s, seen: o, mode: mode, c: c, ours: LooksOurs(s, o),
		gone: set(c.Gone), isTarget: map[int32]bool{}, prefers: map[int32]int{}, refused: map[string]bool{},
	}
	for _, b := range o.Brokers {
		switch {
		case p.gone[b.ID]:
		case b.Alive:
			p.targets = append(p.targets, b)
			p.isTarget[b.ID] = true
		default:
			p.missing = append(p.missing, b.ID)
		}
	}
	for _, part := range o.Partitions {
		p.prefers[part.Preferred()]++
	}
	for _, r := range c.Refused {
		if r.Lacked == "" {
			p.refused[r.key] = !r.due
		} else if r.Lacked == lackedAssignment {
			p.unplaced = true
		}
	}
	p.problems()
	if mode != ModeNone && o.TopicErr == nil {
		if !o.Exists {
			p.create()
		} else if p.ours && len(o.Partitions) > 0 {
			p.elect()
			p.addPartitions()
			if mode == ModeFull {
				p.reassign()
				p.alterConfig()
			}
		}
	}
	p.coverageProblems()
	for _, r := range c.Refused {
		if r.Lacked == "" {
			p.plan.Problems = append(p.plan.Problems, r.problem())
		}
	}
	return p.plan
}

// create plans a missing topic: one partition per broker, led by it.
func (p *planner) create() {
	live, s := len(p.targets), p.spec
	known := live + len(p.missing)
	rf := s.replicationFactor(live)
	// Fewer brokers than may exist: they may be starting up, and a topic
	// made now would keep the low replication factor.
	unsure := len(p.missing) > 0 || (!p.seen.BrokersComplete && live < max(defaultReplicationFactor, int(rf)))
	settled := p.c.StableFor >= p.c.Settle
	if int(rf) > known && (p.seen.BrokersComplete || settled) {
		p.problem(ProblemReplication, true, "topic %s: replication_factor %d is above the number of brokers (%d): lower it or add brokers", s.Topic, rf, known)
		return
	}
	if s.minISR(rf) > int(rf) {
		p.problem(ProblemMinISR, true, "topic %s: min_insync_replicas %d is above its replication factor %d: lower it", s.Topic, s.minISR(rf), rf)
		return
	}
	a := Action{
		Kind: CreateTopic, Topic: s.Topic, Partitions: live * s.perBroker(),
		ReplicationFactor: rf, AutoReplication: s.ReplicationFactor == 0, Settings: s.Settings(rf),
	}
	pl := newPlacer(p.targets, nil)
	for range s.perBroker() {
		for _, b := range p.targets {
			a.Assignments = append(a.Assignments, Assignment{int32(len(a.Assignments)), pl.assign(b.ID, rf)})
		}
	}
	switch {
	case p.refused[a.key()]:
	case live == 0:
		p.later(a, "no broker is alive")
	case int(rf) > live:
		p.later(a, fmt.Sprintf("it needs %d live brokers, there are %d", rf, live))
	case unsure && !settled:
		p.later(a, fmt.Sprintf("only %s alive so far, waiting until the brokers have been stable for %s", brokers(p.seen.Live()), p.c.Settle))
		p.plan.Awaited = true
	default:
		p.now(a)
		p.plan.Awaited = true
	}
}

// elect brings leadership of the probed partitions back to the preferred
// leaders: after a restart Kafka itself may take five minutes, or never does.
func (p *planner) elect() {
	a := Action{Kind: ElectLeaders, Topic: p.spec.Topic}
	if p.refused[a.key()] {
		return
	}
	probed := set(Choose(p.seen, p.spec.perBroker(), nil))
	for _, part := range p.seen.Partitions {
		b := part.Preferred()
		if probed[part.ID] && part.Leader != b && p.isTarget[b] && contains(part.ISR, b) && !contains(part.Offline, b) {
			a.Elect = append(a.Elect, part.ID)
		}
	}
	switch {
	case len(a.Elect) == 0:
	case p.unsettled() != "":
		p.later(a, p.unsettled())
	case p.c.ElectionsHeld:
		p.later(a, "leaders were elected a short while ago")
	default:
		p.now(a)
	}
}

// addPartitions gives partitions to each broker that neither is the preferred
// leader of enough nor will lead enough once the elections are through.
func (p *planner) addPartitions() {
	has := maps.Clone(p.prefers)
	var elected []int32
	for _, a := range p.todo() {
		elected = append(elected, a.Elect...)
	}
	for _, part := range p.seen.Partitions {
		if part.Leader != part.Preferred() && !contains(elected, part.ID) {
			has[part.Leader]++
		}
	}
	count := len(p.seen.Partitions)
	limit := p.spec.perBroker() * len(p.targets)
	if !p.unplaced { // without a say in the placement, more need not help
		limit *= partitionCap
	}
	// Kafka wants new partitions to have as many replicas as there are already.
	rf := len(p.seen.Partitions[0].Replicas)
	a := Action{Kind: AddPartitions, Topic: p.spec.Topic}
	if p.refused[a.key()] || rf > len(p.targets) {
		return
	}
	pl := newPlacer(p.targets, p.seen.Partitions)
	for _, b := range p.targets {
		for n := has[b.ID]; n < p.spec.perBroker() && count < limit; n++ {
			a.Assignments = append(a.Assignments, Assignment{int32(count), pl.assign(b.ID, int16(rf))})
			count++
		}
	}
	a.Partitions = count
	switch {
	case len(a.Assignments) == 0:
	case p.unsettled() != "":
		p.later(a, p.unsettled())
	default:
		p.now(a)
	}
}

// unsettled says why leaders and partitions must not be touched yet, or "".
func (p *planner) unsettled() string {
	if len(p.missing) > 0 {
		return fmt.Sprintf("%s missing: nothing is changed before it is back", brokers(p.missing))
	}
	if p.c.StableFor < p.c.Settle {
		return fmt.Sprintf("brokers or leaders changed %s ago, waiting until they have been stable for %s", p.c.StableFor.Round(time.Second), p.c.Settle)
	}
	return ""
}

func (p *planner) now(a Action) { p.plan.Actions = append(p.plan.Actions, a) }
func (p *planner) later(a Action, why string) {
	p.plan.Deferred = append(p.plan.Deferred, Deferred{a, why})
}

// todo lists what is planned so far, now or later.
func (p *planner) todo() []Action {
	all := slices.Clone(p.plan.Actions)
	for _, d := range p.plan.Deferred {
		all = append(all, d.Action)
	}
	return all
}

func contains(list []int32, id int32) bool { return slices.Contains(list, id) }
