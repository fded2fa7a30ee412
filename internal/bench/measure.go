package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/engine"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// patience is for how much longer than a record's timeout nothing may be delivered before a run is given
// up: without a cluster it would go on from one timeout to the next.
const patience = 5 * time.Second

// ackGrace is how long the acknowledgements of records are waited for that were read back before them.
const ackGrace = 200 * time.Millisecond

// unlimited is a number of slots that nobody lives to see the end of.
const unlimited = uint64(math.MaxUint64 / 4)

// measure warms up and runs the measured stretch.
func (s *stretch) measure(ctx context.Context) (*Run, error) {
	if err := s.warmUp(ctx); err != nil {
		return nil, err
	}
	s.meter.reset()
	run := &Run{Started: time.Now(), Topic: s.topic.name, Intervals: []Interval{}}
	slots, known := s.c.slots()
	if !known {
		slots = unlimited
	}
	began := time.Now()
	before := usage()
	s.grant(slots)
	run.Partial = s.follow(ctx, run, began, slots, known)
	after := usage()

	s.meter.settle()
	s.collect(run, began, before, after)
	return run, nil
}

// warmUp sends for a while what is not counted.
func (s *stretch) warmUp(ctx context.Context) error {
	if s.c.Warmup == 0 {
		return nil
	}
	n := unlimited
	if slots, known := s.c.slots(); known {
		n = slots
	}
	s.grant(n)
	end := time.NewTimer(s.c.Warmup)
	defer end.Stop()
	poll := time.NewTicker(look)
	defer poll.Stop()
	halted := false
	for !s.all((*engine.Engine).Done) {
		select {
		case err := <-s.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			halted = true
		case <-poll.C:
		}
		if halted {
			s.halt()
		}
	}
	s.awaitAcks()
	return nil
}

// awaitAcks waits for acknowledgements of records that were read back before them, for a while.
func (s *stretch) awaitAcks() {
	poll := time.NewTicker(look)
	defer poll.Stop()
	for began := time.Now(); !s.all((*engine.Engine).Idle) && time.Since(began) < ackGrace; {
		<-poll.C
	}
}

// follow waits for the end of the measured stretch and notes its intervals. It reports whether the
// stretch was cut short.
func (s *stretch) follow(ctx context.Context, run *Run, began time.Time, slots uint64, known bool) (partial bool) {
	var end <-chan time.Time
	if s.c.Duration > 0 && !(known && s.c.Rate > 0 && s.c.Records == 0) { // else the slots end it, exactly
		timer := time.NewTimer(s.c.Duration)
		defer timer.Stop()
		end = timer.C
	}
	poll := time.NewTicker(look)
	defer poll.Stop()
	interrupted := ctx.Done()
	last, alive := began, began
	delivered := uint64(0)
	sending := true
	for !s.all((*engine.Engine).Done) {
		select {
		case <-interrupted:
			interrupted = nil
			partial = true
			s.halt()
		case <-end:
			end = nil
			s.halt()
		case <-poll.C:
		}
		now := time.Now()
		if sending && s.all((*engine.Engine).Sent) {
			sending = false
			run.Sending = now.Sub(began).Seconds()
		}
		if n := s.meter.counts(); n.InFlight == 0 && s.c.Rate > 0 || n.Outcomes[ledger.Delivered] > delivered {
			delivered, alive = n.Outcomes[ledger.Delivered], now
		} else if end := s.c.Timeout + patience; now.Sub(alive) > end && s.halt() > 0 {
			run.Invalid = append(run.Invalid, fmt.Sprintf("ended early: nothing was delivered for %v", end))
		}
		if now.Sub(last) >= tick {
			s.note(run, began, last, now, slots, known)
			last = now
		}
	}
	now := time.Now()
	if run.Sending == 0 {
		run.Sending = now.Sub(began).Seconds()
	}
	s.awaitAcks()
	s.meter.settle()
	s.note(run, began, last, now, slots, known)
	return partial
}

// note notes one interval, from last to now.
func (s *stretch) note(run *Run, began, last, now time.Time, slots uint64, known bool) {
	s.meter.settle()
	sum := s.meter.turn()
	took := now.Sub(last).Seconds()
	n := sum.endToEnd.TotalCount()
	if n == 0 && took < tick.Seconds()/2 {
		return
	}
	i := Interval{
		At: now.Sub(began).Seconds(), Seconds: took, Records: n, RecordsPerSec: float64(n) / took,
		BytesPerSec: float64(n) * float64(s.c.Size) / took,
		EndToEnd:    newLatency(sum.endToEnd, false), Ack: newLatency(sum.ack, false),
	}
	run.Intervals = append(run.Intervals, i)
	if s.env.Live != nil {
		counts := s.meter.counts()
		done := now.Sub(began).Seconds() / max(s.c.Duration.Seconds(), 1e-9)
		if known {
			done = float64(counts.Due-uint64(counts.InFlight)) / float64(slots)
		}
		s.env.Live.Tick(&Tick{Interval: &i, Done: min(1, done), Topic: s.topic.name, Totals: s.meter.totals})
	}
}

// collect puts the figures of the stretch together.
func (s *stretch) collect(run *Run, began time.Time, before, after use) {
	s.meter.turn()
	sum := newLegs()
	var tally ledger.Tally
	end := began
	run.Failures = map[string]uint64{}
	s.meter.each(func(_ int32, b *brokerMeter) {
		tally.Add(&b.tally)
		sum.merge(&b.total)
		if b.last.After(end) {
			end = b.last
		}
		for reason, n := range b.reasons {
			run.Failures[reason] += n
		}
	})
	run.Seconds = end.Sub(began).Seconds()
	run.Sending = min(run.Sending, run.Seconds)
	perSecond := func(n uint64) float64 {
		if run.Seconds == 0 {
			return 0
		}
		return float64(n) / run.Seconds
	}
	s.meter.each(func(id int32, b *brokerMeter) {
		if b.tally.Due == 0 {
			return
		}
		run.Brokers = append(run.Brokers, BrokerResult{
			Broker: id, Counts: newCounts(&b.tally), RecordsPerSec: perSecond(b.tally.Outcomes[ledger.Delivered]),
			EndToEnd: newLatency(b.total.endToEnd, false), Ack: newLatency(b.total.ack, false),
		})
	})
	run.Counts = newCounts(&tally)
	run.RecordsPerSec = perSecond(run.Counts.Delivered)
	run.BytesPerSec = run.RecordsPerSec * float64(s.c.Size)
	run.EndToEnd, run.Ack, run.ScheduleLag = newLatency(sum.endToEnd, true), newLatency(sum.ack, true), newLatency(sum.lag, true)
	run.Client = Client{CPUSeconds: (after.cpu - before.cpu).Seconds(), MaxRSS: after.maxRSS}
	if n := run.Counts.Delivered; n > 0 {
		run.Client.CPUSecondsPerMillion = run.Client.CPUSeconds / float64(n) * 1e6
	}
}
