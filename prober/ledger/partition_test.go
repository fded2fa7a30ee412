package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

func TestLegs(t *testing.T) {
	type sample = ledger.Sample
	for _, test := range []struct {
		name   string
		script func(s *story)
		want   []sample
	}{
		{"acknowledged, then read", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.read(0, 100)
		}, []sample{{ledger.ScheduleLag, ms}, {ledger.ClientQueue, ms}, {ledger.Produce, 3 * ms}, {ledger.AckFirst, 3 * ms}}},
		{"read, then acknowledged", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.ackAt(0, 100, 10*ms)
		}, []sample{{ledger.ScheduleLag, ms}, {ledger.ClientQueue, ms}, {ledger.Produce, 8 * ms}, {ledger.ReadFirst, 2 * ms}}},
		{"read first by its stamp, although it came to the ledger second", func(s *story) {
			s.send(1)
			s.ackAt(0, 100, 10*ms)
			s.read(0, 100)
		}, []sample{{ledger.ScheduleLag, ms}, {ledger.ClientQueue, ms}, {ledger.Produce, 8 * ms}, {ledger.ReadFirst, 2 * ms}}},
		{"acknowledged first by its stamp, although it came to the ledger second", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.ackAt(0, 100, 5*ms)
		}, []sample{{ledger.ScheduleLag, ms}, {ledger.ClientQueue, ms}, {ledger.Produce, 3 * ms}, {ledger.AckFirst, 3 * ms}}},
		{"nobody knows when it was written", func(s *story) {
			s.send(1)
			s.Ack(0, 0, 100, 0, s.at(0, 5*ms))
		}, []sample{{ledger.ScheduleLag, ms}, {ledger.Produce, 4 * ms}}},
		{"acks=0", func(s *story) {
			s.send(1)
			s.ack(0, -1)
			s.read(0, 100)
		}, []sample{{ledger.ScheduleLag, ms}}},
		{"withheld", func(s *story) {
			s.take(1)
			s.Withhold(0, ledger.NoReader)
		}, nil},
		{"skipped: no outage in any histogram", func(s *story) {
			s.send(1)
			s.Skip(s.at(0, 20*time.Second), ledger.Suspended)
			s.ackAt(0, 100, 20*time.Second)
			s.readAt(0, 100, 20*time.Second+ms)
		}, []sample{{ledger.ScheduleLag, ms}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			test.script(s)
			s.flush()
			if got := s.sink[1].samples; !slices.Equal(got, test.want) {
				t.Errorf("samples are %v, want %v", got, test.want)
			}
		})
	}
}

func TestOutstandingAndDeadlines(t *testing.T) {
	s := newStory(t)
	if _, ok := s.NextDeadline(); ok || !s.Quiet() || !s.Empty() {
		t.Error("something is outstanding before anything is due")
	}
	s.send(3)
	s.lead(2)
	s.send(2)
	s.read(0, 100)
	s.refuse(3, true, "INVALID_RECORD")

	if at, ok := s.NextDeadline(); !ok || at != s.at(1, timeout) || s.Quiet() {
		t.Errorf("next deadline is %v, %v; want %v", at, ok, s.at(1, timeout))
	}
	var got []string
	s.Outstanding(func(broker int32, n int, oldest time.Duration) {
		got = append(got, fmt.Sprintf("broker %d: %d since %v", broker, n, oldest))
	})
	want := []string{fmt.Sprintf("broker 1: 2 since %v", s.Due(1)), fmt.Sprintf("broker 2: 1 since %v", s.Due(4))}
	if !slices.Equal(got, want) {
		t.Errorf("outstanding: %q, want %q", got, want)
	}
	s.judge(4, fate)
	if !s.Quiet() || !s.Empty() {
		t.Error("something is outstanding after all fates were given up")
	}
}

func TestStamps(t *testing.T) {
	s := newStory(t)
	s.send(3)
	s.ack(0, 100)
	s.read(1, 101)
	s.ack(1, 101)
	for seq, known := range []bool{true, true, false, false} {
		handed, acked, ok := s.Stamps(uint64(seq))
		if ok != known || ok && (handed != s.at(uint64(seq), ms) || acked != s.at(uint64(seq), 5*ms)) {
			t.Errorf("slot %d: handed over at %v, acknowledged at %v, %v", seq, handed, acked, ok)
		}
	}
	s.read(0, 102)
	s.judge(1, 9*ms)
	if _, _, ok := s.Stamps(0); ok {
		t.Error("a forgotten slot has stamps")
	}
}

func TestLeaderIsUnknownAtFirst(t *testing.T) {
	p := ledger.NewPartition(ledger.Options{Timeout: timeout}, schedule.New(1, 0, 0, time.Second))
	if got := p.Leader(); got != ledger.UnknownBroker {
		t.Errorf("leader is %d, want %d", got, ledger.UnknownBroker)
	}
	if p.Readable() || p.Position() >= 0 {
		t.Errorf("readable at %d before reading began", p.Position())
	}
	p.Lead(4, new(page))
	if got := p.Leader(); got != 4 {
		t.Errorf("leader is %d, want 4", got)
	}
}

// The fate of a record is followed for three timeouts, and for a minute at least.
func TestFateByDefault(t *testing.T) {
	for timeout, fate := range map[time.Duration]time.Duration{
		2 * time.Second: time.Minute, 20 * time.Second: time.Minute, 30 * time.Second: 90 * time.Second,
	} {
		p := ledger.NewPartition(ledger.Options{Timeout: timeout}, schedule.New(1, 0, 0, time.Second))
		p.Lead(1, new(page))
		p.Advance(p.NextDue(), 1)
		p.Hand(0, p.Due(0))
		p.Judge(p.Due(0) + fate - 1)
		if p.Empty() {
			t.Errorf("timeout %v: forgotten before %v", timeout, fate)
		}
		p.Judge(p.Due(0) + fate)
		if !p.Empty() {
			t.Errorf("timeout %v: not forgotten after %v", timeout, fate)
		}
	}
}

// A shorter interval must not make slots overdue that were not: their lateness would be the prober's.
func TestChangeOfIntervalMakesNothingOverdue(t *testing.T) {
	for _, change := range []struct{ from, to time.Duration }{
		{time.Hour, ms}, {2 * time.Second, 100 * ms}, {100 * ms, 2 * time.Second}, {ms, time.Hour}, {ms, ms},
	} {
		p := ledger.NewPartition(ledger.Options{Timeout: timeout}, schedule.New(9, 0, 0, change.from))
		p.Lead(1, new(page))
		for n := range 100 {
			due := p.NextDue()
			if p.Advance(due, 10); n%2 == 0 {
				continue
			}
			// Any time until the next slot is due: half way, and just before.
			now := due + (p.NextDue()-due)/2
			if n%4 == 1 {
				now = p.NextDue() - 1
			}
			p.SetInterval(change.to)
			if got := p.Interval(); got != change.to {
				t.Errorf("interval is %v after it was set to %v", got, change.to)
			}
			if _, overdue := p.Advance(now, 1000); overdue != 0 {
				t.Errorf("from %v to %v: %d slots became overdue", change.from, change.to, overdue)
			}
			if wait := p.NextDue() - now; wait > 2*max(change.from, change.to) {
				t.Errorf("from %v to %v: nothing is due for %v", change.from, change.to, wait)
			}
			change.from, change.to = change.to, change.from
		}
	}
}

func TestBeginKeepsTheInterval(t *testing.T) {
	s := newStory(t)
	s.send(3)
	s.SetInterval(time.Minute)
	now := s.Due(2) + time.Hour
	s.Begin(now)
	if _, n := s.Advance(now, 10); n != 0 || s.NextDue() < now || s.NextDue() >= now+time.Minute {
		t.Errorf("next slot is due at %v, want within 1m after %v", s.NextDue(), now)
	}
	if s.Interval() != time.Minute {
		t.Errorf("interval is %v, want 1m", s.Interval())
	}
}

func TestAdvanceIsBounded(t *testing.T) {
	s := newStory(t)
	now := s.Due(99)
	for _, want := range []struct {
		limit, n int
		first    uint64
	}{{40, 40, 0}, {0, 0, 40}, {40, 40, 40}, {40, 20, 80}, {40, 0, 100}} {
		if first, n := s.Advance(now, want.limit); first != want.first || n != want.n {
			t.Errorf("advance by %d took %d slots from %d, want %d from %d", want.limit, n, first, want.n, want.first)
		}
	}
}
