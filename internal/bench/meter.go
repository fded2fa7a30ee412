package bench

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// Histograms go from a microsecond to an hour with three digits: 188 kB each.
const (
	lowest  = 1
	highest = int64(time.Hour / time.Microsecond)
	digits  = 3
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(lowest, highest, digits) }

// meter is the sink of a case's engines: what was measured of each broker since it was last reset. It is
// safe for concurrent use.
type meter struct {
	mu      sync.Mutex
	brokers map[int32]*brokerMeter
	states  []func() ledger.State // one of each engine
}

var _ ledger.Sink = (*meter)(nil)

// brokerMeter is one broker's part. Its own lock keeps brokers out of each other's way.
type brokerMeter struct {
	mu      sync.Mutex
	tally   ledger.Tally
	reasons map[string]uint64
	present legs // of the present second
	total   legs // of the seconds before it
	last    time.Time
}

// legs are the latencies that the report has.
type legs struct {
	endToEnd, ack, lag *hdrhistogram.Histogram
}

func newLegs() legs { return legs{newHistogram(), newHistogram(), newHistogram()} }

func (l *legs) merge(o *legs) {
	l.endToEnd.Merge(o.endToEnd)
	l.ack.Merge(o.ack)
	l.lag.Merge(o.lag)
}

func (l *legs) reset() {
	l.endToEnd.Reset()
	l.ack.Reset()
	l.lag.Reset()
}

func newMeter() *meter { return &meter{brokers: map[int32]*brokerMeter{}} }

// Series implements ledger.Sink.
func (m *meter) Series(_ string, broker int32) ledger.Series {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.brokers[broker]
	if b == nil {
		b = &brokerMeter{reasons: map[string]uint64{}, present: newLegs(), total: newLegs()}
		m.brokers[broker] = b
	}
	return b
}

// Watch implements ledger.Sink.
func (m *meter) Watch(state func() ledger.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if state != nil {
		m.states = append(m.states, state)
	}
}

// Count implements ledger.Series.
func (b *brokerMeter) Count(t *ledger.Tally) {
	b.mu.Lock()
	b.tally.Add(t)
	b.mu.Unlock()
}

// Observe implements ledger.Series.
func (b *brokerMeter) Observe(batch *ledger.Batch) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = now
	for i := range batch.Results {
		r := &batch.Results[i]
		note(b.present.endToEnd, r.Latency)
		if r.Reason != "" {
			b.reasons[r.Reason]++
		}
	}
	for i := range batch.Samples {
		switch s := &batch.Samples[i]; s.Leg {
		case ledger.Acknowledge:
			note(b.present.ack, s.Value)
		case ledger.ScheduleLag:
			note(b.present.lag, s.Value)
		}
	}
}

// note adds a latency; one that the histogram has no room for counts as its bound.
func note(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(lowest, int64((d+time.Microsecond/2)/time.Microsecond)), highest)) // fails only beyond its bounds
}

// settle makes the engines hand over what they have measured.
func (m *meter) settle() {
	m.mu.Lock()
	states := slices.Clone(m.states)
	m.mu.Unlock()
	for _, state := range states {
		state()
	}
}

// each calls visit for each broker, by number, with its lock held.
func (m *meter) each(visit func(broker int32, b *brokerMeter)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.SortedFunc(maps.Keys(m.brokers), cmp.Compare[int32]) {
		b := m.brokers[id]
		b.mu.Lock()
		visit(id, b)
		b.mu.Unlock()
	}
}

// reset forgets all: a stretch begins. Nothing may be outstanding.
func (m *meter) reset() {
	m.settle()
	m.each(func(_ int32, b *brokerMeter) {
		b.tally, b.reasons, b.last = ledger.Tally{}, map[string]uint64{}, time.Time{}
		b.present.reset()
		b.total.reset()
	})
}

// turn ends an interval and returns what was judged in it.
func (m *meter) turn() legs {
	sum := newLegs()
	m.each(func(_ int32, b *brokerMeter) {
		sum.merge(&b.present)
		b.total.merge(&b.present)
		b.present.reset()
	})
	return sum
}

// totals yields what was judged of each broker in the intervals that have ended, with its lock held.
func (m *meter) totals(yield func(*Total) bool) {
	more := true
	m.each(func(broker int32, b *brokerMeter) {
		if !more || b.tally.Due == 0 {
			return
		}
		more = yield(&Total{
			Broker: broker, Counts: newCounts(&b.tally), InFlight: b.tally.InFlight,
			EndToEnd: b.total.endToEnd, Ack: b.total.ack, ScheduleLag: b.total.lag,
		})
	})
}

// counts returns the counters, all brokers together.
func (m *meter) counts() (sum ledger.Tally) {
	m.each(func(_ int32, b *brokerMeter) { sum.Add(&b.tally) })
	return sum
}
