package prober

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// burstMeter is a sink that passes all on and puts the records of each burst together. A burst of a broker
// begins with the first record that becomes due there and has ended when as many as make a burst are due
// and all are judged. One that was cut short, by a new leader or by the prober's absence, is not told of.
type burstMeter struct {
	ledger.Sink
	burst schedule.Burst
	size  int     // of a record
	heavy float64 // how much of a heavy burst one broker's is

	mu      sync.Mutex
	brokers map[int32]*brokerBurst
}

// brokerBurst is the present burst to a broker and the last one.
type brokerBurst struct {
	ledger.Series
	meter  *burstMeter
	broker int32

	running   bool
	began     time.Time
	due       uint64
	inFlight  int64
	delivered uint64
	skipped   bool
	last      *ledger.BurstRun // nil before the first
}

func newBurstMeter(to ledger.Sink, burst schedule.Burst, size int) *burstMeter {
	return &burstMeter{
		Sink: to, burst: burst, size: size,
		heavy:   float64(size) / burst.Spacing.Seconds() / heavy,
		brokers: map[int32]*brokerBurst{},
	}
}

// Series implements ledger.Sink.
func (m *burstMeter) Series(topic string, broker int32) ledger.Series {
	to := m.Sink.Series(topic, broker)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.brokers[broker] == nil {
		m.brokers[broker] = &brokerBurst{Series: to, meter: m, broker: broker}
	}
	return m.brokers[broker]
}

// Count implements ledger.Series.
func (b *brokerBurst) Count(t *ledger.Tally) {
	b.Series.Count(t)
	now := time.Now()
	b.meter.mu.Lock()
	defer b.meter.mu.Unlock()
	b.endIfOver(now) // the one before may have been cut short, and nobody asked since
	if t.Due > 0 && (!b.running || now.Sub(b.began) > b.meter.burst.Length() && b.due >= b.meter.burst.Slots) {
		b.running, b.began = true, now
		b.due, b.delivered, b.skipped = 0, 0, false
	}
	b.due += t.Due
	b.inFlight += t.InFlight
	b.delivered += t.Outcomes[ledger.Delivered]
	b.skipped = b.skipped || t.Outcomes[ledger.Skipped] > 0
	b.endIfOver(now)
}

// endIfOver closes the present burst when it has ended, and when nothing more will come of it. The
// meter's lock is held.
func (b *brokerBurst) endIfOver(now time.Time) {
	const tardiness = time.Second // of our own sender
	if b.running && b.inFlight == 0 && (b.due >= b.meter.burst.Slots || now.Sub(b.began) > b.meter.burst.Length()+tardiness) {
		b.end(now)
	}
}

// end closes the present burst. The meter's lock is held.
func (b *brokerBurst) end(now time.Time) {
	b.running = false
	if b.skipped || b.due != b.meter.burst.Slots {
		return
	}
	b.last = &ledger.BurstRun{
		Broker: b.broker, Delivered: b.delivered, Bytes: b.delivered * uint64(b.meter.size),
		Took: now.Sub(b.began), Success: b.delivered == b.due, Ended: now,
	}
}

// add adds how the bursts went to the engine's state.
func (m *burstMeter) add(s *ledger.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	bursts := &ledger.Bursts{}
	load := 0.0
	now := time.Now()
	for _, b := range m.brokers {
		if b.endIfOver(now); b.running {
			load += m.heavy
		}
		if b.last != nil && m.matters(s, b.broker, now.Sub(b.last.Ended)) {
			bursts.Last = append(bursts.Last, *b.last)
		}
	}
	bursts.Heavy = load > 1
	slices.SortFunc(bursts.Last, func(a, b ledger.BurstRun) int { return cmp.Compare(a.Broker, b.Broker) })
	s.Bursts = bursts
}

// keepGone is for how long the last burst to a broker is told of that the cluster does not name any more: it may be back.
const keepGone = time.Hour

// matters reports whether the last burst to a broker is to be told of. What was sent before any broker was known
// is over once one is.
func (m *burstMeter) matters(s *ledger.State, broker int32, ago time.Duration) bool {
	if broker == ledger.UnknownBroker {
		return !slices.ContainsFunc(s.Brokers, func(b ledger.BrokerState) bool { return b.Known })
	}
	return ago < keepGone || slices.ContainsFunc(s.Brokers, func(b ledger.BrokerState) bool { return b.Known && b.Broker == broker })
}
