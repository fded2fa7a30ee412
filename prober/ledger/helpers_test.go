package ledger_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

const (
	ms = time.Millisecond

	timeout = 10 * time.Second
	fate    = 30 * time.Second
	began   = 100 // the offset at which reading begins
)

// notebook is a sink that writes everything down, for each broker.
type notebook map[int32]*page

type page struct {
	tally    ledger.Tally
	results  []ledger.Result
	samples  []ledger.Sample
	observed uint64 // results, also those that were cleared
}

var (
	_ ledger.Sink   = notebook{}
	_ ledger.Series = (*page)(nil)
)

func (n notebook) Series(_ string, broker int32) ledger.Series { return n.page(broker) }
func (n notebook) Watch(func() ledger.State)                   {}

func (n notebook) page(broker int32) *page {
	if n[broker] == nil {
		n[broker] = new(page)
	}
	return n[broker]
}

func (p *page) Count(t *ledger.Tally) { p.tally.Add(t) }

func (p *page) Observe(b *ledger.Batch) {
	p.observed += uint64(len(b.Results))
	p.results = append(p.results, b.Results...)
	p.samples = append(p.samples, b.Samples...)
}

// clear drops the results and samples that have been looked at.
func (p *page) clear() { p.results, p.samples = p.results[:0], p.samples[:0] }

func (p *page) String() string {
	var s strings.Builder
	note := func(name string, n int64) {
		if n != 0 {
			fmt.Fprintf(&s, " %s=%d", name, n)
		}
	}
	note("due", int64(p.tally.Due))
	for o, n := range p.tally.Outcomes {
		note(ledger.Outcome(o).String(), int64(n))
	}
	note("in_flight", p.tally.InFlight)
	for w, n := range p.tally.Skips {
		note("skipped{"+ledger.Skip(w).String()+"}", int64(n))
	}
	for a, n := range p.tally.Anomalies {
		note(ledger.Anomaly(a).String(), int64(n))
	}
	for f, n := range p.tally.Foreign {
		note("foreign{"+ledger.Foreign(f).String()+"}", int64(n))
	}
	return strings.TrimSpace(s.String())
}

// check fails the test if the page does not add up.
func (p *page) check(t *testing.T, broker int32) {
	t.Helper()
	sum, skips := p.tally.InFlight, uint64(0)
	for _, n := range p.tally.Outcomes {
		sum += int64(n)
	}
	for _, n := range p.tally.Skips {
		skips += n
	}
	if p.tally.InFlight < 0 || sum != int64(p.tally.Due) || skips != p.tally.Outcomes[ledger.Skipped] {
		t.Errorf("broker %d does not add up: %v", broker, p)
	}
	if judged := p.tally.Due - uint64(p.tally.InFlight) - skips; p.observed != judged {
		t.Errorf("broker %d: %d results of %d judged records", broker, p.observed, judged)
	}
}

// story drives the ledger of one partition and tells what came of it. One slot a second; a record is
// handed over 1 ms after it was due, acknowledged after 5 ms and read after 8 ms unless said otherwise.
type story struct {
	*ledger.Partition
	t           *testing.T
	sink        notebook
	next        uint64
	generations map[uint64]uint32
}

var producer = ledger.Producer{ID: 7, Epoch: 1}

func newStory(t *testing.T) *story {
	s := &story{
		Partition: ledger.NewPartition(
			ledger.Options{Partition: 3, Timeout: timeout, Fate: fate},
			schedule.New(1, 3, time.Second, time.Second)),
		t: t, sink: notebook{}, generations: map[uint64]uint32{},
	}
	s.lead(1)
	s.Reading(began)
	return s
}

func (s *story) lead(broker int32) { s.Lead(broker, s.sink.Series("topic", broker)) }

// at returns the instant at which a record has the given age.
func (s *story) at(seq uint64, age time.Duration) time.Duration { return s.Due(seq) + age }

// take lets the next n slots become due.
func (s *story) take(n int) {
	s.t.Helper()
	for range n {
		if first, n := s.Advance(s.NextDue(), 1); first != s.next || n != 1 {
			s.t.Fatalf("advance took %d slots from %d, want 1 from %d", n, first, s.next)
		}
		s.next++
	}
}

// send lets the next n slots become due and hands their records over.
func (s *story) send(n int) {
	s.t.Helper()
	for range n {
		s.take(1)
		s.hand(s.next - 1)
	}
}

func (s *story) hand(seq uint64) { s.generations[seq] = s.Hand(seq, s.at(seq, ms)) }

func (s *story) ack(seq uint64, offset int64) { s.ackAt(seq, offset, 5*ms) }

func (s *story) ackAt(seq uint64, offset int64, age time.Duration) {
	s.Ack(seq, s.generations[seq], offset, s.at(seq, 2*ms), s.at(seq, age))
}

// read lets the reader be given a record, and go past it.
func (s *story) read(seq uint64, offset int64) { s.readAt(seq, offset, 8*ms) }

func (s *story) readAt(seq uint64, offset int64, age time.Duration) {
	s.Read(seq, offset, producer, s.at(seq, age))
	s.Passed(offset + 1)
}

func (s *story) refuse(seq uint64, definite bool, reason string) {
	s.Refuse(seq, definite, reason, s.at(seq, 6*ms))
}

func (s *story) judge(seq uint64, age time.Duration) { s.Judge(s.at(seq, age)) }

func (s *story) flush() {
	for _, d := range s.Flush(nil) {
		d.Observe()
	}
	for broker, p := range s.sink {
		p.check(s.t, broker)
	}
}

// told is what the sink holds, as text: counters, then results, one broker after the other.
func (s *story) told() string {
	s.flush()
	var lines []string
	brokers := make([]int32, 0, len(s.sink))
	for b := range s.sink {
		brokers = append(brokers, b)
	}
	slices.Sort(brokers)
	for _, b := range brokers {
		p := s.sink[b]
		if counters := p.String(); len(brokers) == 1 {
			lines = append(lines, counters)
		} else if counters != "" {
			lines = append(lines, fmt.Sprintf("broker %d: %s", b, counters))
		}
		results := slices.Clone(p.results)
		slices.SortFunc(results, func(a, b ledger.Result) int { return cmp.Compare(a.Sequence, b.Sequence) })
		for _, r := range results {
			line := fmt.Sprintf("#%d %s %v", r.Sequence, r.Outcome, r.Latency)
			if r.Offset >= 0 {
				line += fmt.Sprintf(" @%d", r.Offset)
			}
			lines = append(lines, strings.TrimSpace(line+" "+r.Reason))
		}
	}
	return strings.Join(lines, "\n")
}

// chapter is one row of a table: what happens, and what the sink is told.
type chapter struct {
	name   string
	script func(s *story)
	want   string
}

func tell(t *testing.T, chapters []chapter) {
	for _, c := range chapters {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.script(s)
			if got, want := s.told(), dedent(c.want); got != want {
				t.Errorf("the sink was told\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func dedent(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
