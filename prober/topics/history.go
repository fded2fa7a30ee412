package topics

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	electionPause = time.Minute      // between two elections
	maxElection   = 6                // pauses double this often at most: about an hour
	electionCalm  = 10 * time.Minute // after a pause and this long an election is forgotten
	movePause     = time.Minute      // between two moves of at most movesPerPlan partitions
	createPause   = time.Minute      // before a refused creation is tried again: without a topic nothing is probed
)

// history remembers what one observation cannot tell. It never reads a clock:
// now is the time since the Manager's epoch. Not safe for concurrent use.
type history struct {
	settle         time.Duration
	goneAfter      time.Duration
	refusalBackoff time.Duration
	removed        []int32

	past        map[int32]brokerPast
	gone        []int32
	signature   string
	stableSince time.Duration
	elections   map[int32]election // by partition
	electNext   time.Duration
	moveNext    time.Duration
	refusals    map[string]heldRefusal // by key and what was given up
}

type brokerPast struct {
	broker    Broker
	deadSince time.Duration // -1 while alive
}

type election struct {
	tries int
	until time.Duration
}

type heldRefusal struct {
	Refusal
	until time.Duration
}

func newHistory(o Options) *history {
	return &history{
		settle: o.Settle, goneAfter: o.GoneAfter, refusalBackoff: o.RefusalBackoff, removed: o.RemovedBrokers,
		past: map[int32]brokerPast{}, elections: map[int32]election{}, refusals: map[string]heldRefusal{},
		stableSince: -1,
	}
}

// take learns from an observation and adds the brokers that it should have
// shown: before Kafka 4.0 the cluster does not list dead ones.
func (h *history) take(o Observed, now time.Duration) Observed {
	o.Brokers = slices.Clone(o.Brokers)
	here := map[int32]bool{}
	for _, b := range o.Brokers {
		here[b.ID] = true
	}
	for id, was := range h.past {
		switch {
		case here[id]:
		case o.BrokersComplete, contains(h.gone, id):
			delete(h.past, id) // unregistered, or away for so long that it is forgotten
		default:
			was.broker.Alive = false
			o.Brokers = append(o.Brokers, was.broker)
		}
	}
	slices.SortFunc(o.Brokers, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })

	if o.Exists {
		maps.DeleteFunc(h.refusals, func(_ string, r heldRefusal) bool { return r.Kind == CreateTopic && r.Lacked == "" })
	}
	h.gone = slices.Clone(h.removed)
	for _, b := range o.Brokers {
		was, known := h.past[b.ID]
		switch {
		case b.Alive:
			was.deadSince = -1
		case !known || was.deadSince < 0:
			was.deadSince = now
		case now-was.deadSince >= h.goneAfter && !contains(h.gone, b.ID):
			h.gone = append(h.gone, b.ID)
		}
		if b.Rack == "" && !b.Alive {
			b.Rack = was.broker.Rack
		}
		was.broker = b
		h.past[b.ID] = was
	}
	slices.Sort(h.gone)
	if s := signature(o); s != h.signature || h.stableSince < 0 {
		h.signature, h.stableSince = s, now
	}
	return o
}

// signature changes when brokers come, go, or leaders move.
func signature(o Observed) string {
	var b strings.Builder
	for _, br := range o.Brokers {
		fmt.Fprintf(&b, "%d:%t ", br.ID, br.Alive)
	}
	for _, p := range o.Partitions {
		fmt.Fprintf(&b, "%d@%d ", p.ID, p.Leader)
	}
	return b.String()
}

func (h *history) circumstances(now time.Duration) Circumstances {
	return Circumstances{
		StableFor: now - h.stableSince, Settle: h.settle, Gone: h.gone, Refused: h.held(now),
		ElectionsHeld: now < h.electNext, MovesHeld: now < h.moveNext,
	}
}

// held lists the refusals that still count, sorted. One that is due for
// another try stays for as long again: it is only forgotten when the action
// succeeds or is not wanted any more, so that what a person sees of it does
// not come and go.
func (h *history) held(now time.Duration) []Refusal {
	var held []Refusal
	for _, key := range slices.Sorted(maps.Keys(h.refusals)) {
		r := h.refusals[key]
		r.due = now >= r.until
		switch {
		case !r.due, r.Lacked == "" && now < r.until+h.refusalBackoff:
			held = append(held, r.Refusal)
		default:
			delete(h.refusals, key)
		}
	}
	return held
}

// forget drops what was refused of an action.
func (h *history) forget(key string) {
	maps.DeleteFunc(h.refusals, func(_ string, r heldRefusal) bool { return r.key == key })
}

// tried notes an action that was tried, whatever came of it. Elections that
// do not hold (a balancer of the cluster wants it otherwise) become rare.
func (h *history) tried(a Action, now time.Duration) {
	h.forget(a.key())
	switch a.Kind {
	case ElectLeaders:
		pause := electionPause
		for _, p := range a.Elect {
			e := h.elections[p]
			if now > e.until+electionCalm {
				e.tries = 0
			}
			e.until = now + electionPause<<e.tries
			pause = max(pause, electionPause<<e.tries)
			e.tries = min(e.tries+1, maxElection)
			h.elections[p] = e
		}
		h.electNext = now + pause
	case Reassign:
		h.moveNext = now + movePause
	}
}

// refused notes a refusal.
func (h *history) refused(r Refusal, now time.Duration) {
	pause := h.refusalBackoff
	if r.Kind == CreateTopic && r.Lacked == "" {
		pause = min(pause, createPause)
	}
	h.refusals[r.key+" "+r.Lacked] = heldRefusal{r, now + pause}
}
