package engine

import (
	"slices"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// state hands over all that was measured and says what the engine is doing.
func (e *Engine) state() ledger.State {
	now := e.clock.now()
	brokers := map[int32]*ledger.BrokerState{}
	of := func(id int32) *ledger.BrokerState {
		b := brokers[id]
		if b == nil {
			b = &ledger.BrokerState{Broker: id}
			brokers[id] = b
		}
		return b
	}
	e.mu.Lock()
	known := e.layout.Brokers
	interval := e.interval
	e.mu.Unlock()
	for _, id := range known {
		of(id).Known = true
	}
	for _, p := range *e.parts.Load() {
		p.mu.Lock()
		p.ledger.Outstanding(func(broker int32, n int, oldest time.Duration) {
			b := of(broker)
			b.Outstanding += n
			b.Oldest = max(b.Oldest, now-oldest)
		})
		leader, covers := p.ledger.Leader(), p.active && p.id != virtual
		p.settle()
		if covers && leader >= 0 {
			b := of(leader)
			b.Covered = true
			b.Partitions = append(b.Partitions, p.id)
		}
	}
	s := ledger.State{
		Topic: e.cfg.Topic, Interval: interval,
		Overloaded: e.load.isOverloaded.Load(),
		ClockSteps: e.clock.steps.Load(),
		Loops: []ledger.Loop{
			{Name: "sender", Progress: e.clock.at(time.Duration(e.sent.Load())), Independent: true},
			{Name: "reader", Progress: e.clock.at(time.Duration(e.reader.got.Load())), Independent: true},
		},
	}
	for id, b := range brokers {
		if c := e.clocks.bounds(id, now); c.known {
			b.ClockAhead = &ledger.ClockBounds{Lower: c.lower, Upper: c.upper}
		}
		s.Brokers = append(s.Brokers, *b)
	}
	slices.SortFunc(s.Brokers, func(a, b ledger.BrokerState) int { return int(a.Broker) - int(b.Broker) })
	return s
}
