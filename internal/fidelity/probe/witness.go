package probe

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// witness sees each record twice from outside the engine, as the client library takes it and as it has
// fetched it, and hears the engine's judgement of it. The records name themselves: they carry when they
// were due by the wall clock, which no one sets while a benchmark runs.
type witness struct {
	load  fidelity.Load
	epoch time.Time

	mu       sync.Mutex
	seen     map[slot]sight // of records that are on their way
	judged   []times
	produced []time.Duration // the engine's figure for the leg
	failed   int
}

// slot names a record.
type slot struct {
	partition int32
	sequence  uint64
}

// sight is what was seen of a record so far, from the instant it was due.
type sight struct {
	handed  time.Duration
	fetched time.Duration
	counts  bool // handed over after the warm-up
}

// times are those of a delivered record, from the instant it was due.
type times struct{ handed, fetched, read time.Duration }

var (
	_ kgo.HookProduceRecordBuffered = (*handing)(nil)
	_ kgo.HookFetchRecordBuffered   = (*fetching)(nil)
	_ ledger.Sink                   = (*witness)(nil)
	_ ledger.Series                 = (*witness)(nil)
)

// handing and fetching are the two sights. They are hooks of different clients.
type (
	handing  witness
	fetching witness
)

func newWitness(load fidelity.Load) *witness {
	return &witness{load: load, epoch: time.Now(), seen: map[slot]sight{}}
}

// OnProduceRecordBuffered sees a record that the client library has taken.
func (w *handing) OnProduceRecordBuffered(r *kgo.Record) {
	now := time.Now()
	var h record.Header
	if record.Decode(r.Value, &h) != record.Intact {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[slot{h.Partition, h.Sequence}] = sight{
		handed: time.Duration(now.UnixNano() - h.DueWall),
		counts: now.Sub(w.epoch) >= w.load.WarmUp,
	}
}

// OnFetchRecordBuffered sees a record that the client library has fetched. A record of another run must
// not be taken for ours: ours was not due long ago.
func (w *fetching) OnFetchRecordBuffered(r *kgo.Record) {
	now := time.Now()
	var h record.Header
	if record.Decode(r.Value, &h) != record.Intact {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := slot{h.Partition, h.Sequence}
	if s, ok := w.seen[id]; ok && h.DueWall >= w.epoch.UnixNano() {
		s.fetched = time.Duration(now.UnixNano() - h.DueWall)
		w.seen[id] = s
	}
}

// Series implements ledger.Sink: all records go to one place.
func (w *witness) Series(string, int32) ledger.Series { return w }

// Watch implements ledger.Sink.
func (w *witness) Watch(func() ledger.State) {}

// Count implements ledger.Series.
func (w *witness) Count(*ledger.Tally) {}

// Observe implements ledger.Series.
func (w *witness) Observe(b *ledger.Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	warm := time.Since(w.epoch) >= w.load.WarmUp
	for _, s := range b.Samples {
		if s.Leg == ledger.Produce && warm {
			w.produced = append(w.produced, s.Value)
		}
	}
	for i := range b.Results {
		r := &b.Results[i]
		id := slot{r.Partition, r.Sequence}
		s := w.seen[id]
		delete(w.seen, id)
		switch {
		case r.Outcome != ledger.Delivered:
			if warm {
				w.failed++
			}
		case s.counts:
			w.judged = append(w.judged, times{s.handed, s.fetched, r.Latency})
		}
	}
}

// report sums up the records that count.
func (w *witness) report() fidelity.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	of := func(f func(times) time.Duration) fidelity.Quantiles {
		all := make([]time.Duration, len(w.judged))
		for i, t := range w.judged {
			all[i] = f(t)
		}
		return fidelity.Summarize(all)
	}
	return fidelity.Report{
		Count: len(w.judged), Failed: w.failed,
		EndToEnd: of(func(t times) time.Duration { return t.read - t.handed }),
		Own: &fidelity.Own{
			FromDue:          of(func(t times) time.Duration { return t.read }),
			ScheduleLag:      of(func(t times) time.Duration { return t.handed }),
			FetchedToStamped: of(func(t times) time.Duration { return t.read - t.fetched }),
			Produce:          fidelity.Summarize(w.produced),
		},
	}
}
