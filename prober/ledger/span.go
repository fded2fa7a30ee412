package ledger

import (
	"sync"
	"time"
)

// span is a stretch of slots that one broker led when they were due, and what is yet to be handed to
// that broker's series.
type span struct {
	first   uint64
	broker  int32
	series  Series
	pending int // slots that are due and not judged
	tally   Tally
	batch   *Batch
}

func (s *span) idle() bool { return s.pending == 0 && s.batch == nil && s.tally == Tally{} }

func (s *span) result(r Result) {
	s.open().Results = append(s.batch.Results, r)
}

func (s *span) sample(v Sample) {
	s.open().Samples = append(s.batch.Samples, v)
}

func (s *span) open() *Batch {
	if s.batch == nil {
		s.batch = batches.Get().(*Batch)
	}
	return s.batch
}

var batches = sync.Pool{New: func() any { return new(Batch) }}

// Delivery is a batch on its way to its series.
type Delivery struct {
	series Series
	batch  *Batch
}

// Observe hands the batch over. It is called without the partition's lock, once.
func (d Delivery) Observe() {
	d.series.Observe(d.batch)
	d.batch.Results, d.batch.Samples = d.batch.Results[:0], d.batch.Samples[:0]
	batches.Put(d.batch)
}

// Flush adds what has changed to the counters and appends the batches that wait to out. It is called
// with the partition's lock held; the deliveries are for after it.
func (p *Partition) Flush(out []Delivery) []Delivery {
	for i := range p.spans {
		s := &p.spans[i]
		if s.tally != (Tally{}) {
			s.series.Count(&s.tally)
			s.tally = Tally{}
		}
		if s.batch != nil {
			out = append(out, Delivery{s.series, s.batch})
			s.batch = nil
		}
	}
	return out
}

// Waiting returns how many results and samples wait for a Flush.
func (p *Partition) Waiting() int {
	n := 0
	for i := range p.spans {
		if b := p.spans[i].batch; b != nil {
			n += len(b.Results) + len(b.Samples)
		}
	}
	return n
}

func (p *Partition) current() *span { return &p.spans[len(p.spans)-1] }

func (p *Partition) spanOf(seq uint64) *span {
	i := len(p.spans) - 1
	for i > 0 && p.spans[i].first > seq {
		i--
	}
	return &p.spans[i]
}

// sample measures a leg of a record. One that was skipped is in no histogram: it would show the
// prober's absence.
func (p *Partition) sample(seq uint64, s *slot, leg Leg, d time.Duration) {
	if s.state&skipped == 0 {
		p.spanOf(seq).sample(Sample{Leg: leg, Value: d})
	}
}

// gap measures the time between the acknowledgement of a record and its being read. Which came first is
// for the stamps to say: they were taken before the partition's lock.
func (p *Partition) gap(seq uint64, s *slot, acked, read time.Duration) {
	if read >= acked {
		p.sample(seq, s, AckFirst, read-acked)
	} else {
		p.sample(seq, s, ReadFirst, acked-read)
	}
}

func (p *Partition) anomaly(seq uint64, a Anomaly) { p.spanOf(seq).tally.Anomalies[a]++ }
