package ledger_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// duel drives the ledger and its model with the same events and compares what they tell.
type duel struct {
	t           *testing.T
	ledger      *ledger.Partition
	sink        notebook
	model       *model
	now         time.Duration
	generations []uint32 // of the slots that were handed over
	log         []string // the events, for a failure
}

func newDuel(t *testing.T) *duel {
	d := &duel{t: t, sink: notebook{}, now: time.Second}
	d.ledger = ledger.NewPartition(
		ledger.Options{Partition: 3, Timeout: timeout, Fate: fate}, schedule.New(1, 3, d.now, time.Second))
	d.model = newModel(schedule.New(1, 3, d.now, time.Second))
	d.lead(1)
	return d
}

func (d *duel) note(format string, args ...any) {
	d.log = append(d.log, fmt.Sprintf("%v: ", d.now)+fmt.Sprintf(format, args...))
}

func (d *duel) lead(broker int32) {
	d.note("lead %d", broker)
	d.ledger.Lead(broker, d.sink.Series("topic", broker))
	d.model.leader = broker
}

func (d *duel) advance(limit int) {
	d.note("advance %d", limit)
	d.ledger.Advance(d.now, limit)
	d.model.advance(d.now, limit)
	for len(d.generations) < len(d.model.slots) {
		d.generations = append(d.generations, 0)
	}
}

// send lets the next slot become due and hands it over.
func (d *duel) send(lag time.Duration) {
	d.now = max(d.now, d.ledger.NextDue())
	d.advance(1)
	d.hand(d.model.next()-1, lag)
}

func (d *duel) hand(seq uint64, lag time.Duration) {
	d.now += lag
	d.note("hand %d", seq)
	d.generations[seq] = d.ledger.Hand(seq, d.now)
	d.model.hand(seq, d.now)
}

func (d *duel) ack(seq uint64, offset int64, jitter time.Duration) {
	written, now := d.now-2*jitter, d.now-jitter
	d.note("ack %d @%d", seq, offset)
	d.ledger.Ack(seq, d.generations[seq], offset, written, now)
	d.model.ack(seq, d.generations[seq], offset, written, now)
}

func (d *duel) read(seq uint64, offset int64, by ledger.Producer, jitter time.Duration) {
	d.note("read %d @%d of %v", seq, offset, by)
	d.ledger.Read(seq, offset, by, d.now-jitter)
	d.model.seen(seq, offset, by, d.now-jitter)
}

func (d *duel) passed(offset int64) {
	d.note("passed %d", offset)
	d.ledger.Passed(offset)
	d.model.passed(offset)
}

var (
	duelIntervals = []time.Duration{20 * ms, 100 * ms, time.Second, 3 * time.Second}
	duelWaits     = []time.Duration{0, 0, 1, ms, 10 * ms, 50 * ms, time.Second, time.Second, timeout - time.Second, timeout, fate}
	duelReasons   = []string{"A", "B", ledger.NoReader}
)

// step plays one event: which, about a slot near the last one, and with an argument.
func (d *duel) step(which, slot, arg byte) {
	seq := d.model.next() - 1 - min(uint64(slot%24), d.model.next()-1)
	if d.model.next() == 0 {
		which, seq = 0, 0
	}
	offset := max(0, d.model.position) + int64(arg%32) - 8 // around the reader's position
	jitter := time.Duration(arg%4) * ms
	by := ledger.Producer{ID: 7, Epoch: int16(arg / 250)}

	switch which % 32 {
	case 0, 1, 2, 3:
		d.send(jitter)
	case 4, 5, 6:
		d.ack(seq, offset, jitter)
	case 7: // as a log does: at the reader's position, and read at once
		d.ack(seq, max(0, d.model.position), jitter)
		fallthrough
	case 8, 9:
		d.read(seq, max(0, d.model.position), by, jitter)
		d.passed(d.model.position + 1)
	case 10, 11:
		d.read(seq, offset, by, jitter)
	case 12, 13:
		d.passed(offset)
	case 14:
		d.ack(seq, -1, jitter)
	case 15, 16:
		reason := duelReasons[int(arg)%len(duelReasons)]
		d.note("refuse %d %v %s", seq, which%2 == 0, reason)
		d.ledger.Refuse(seq, which%2 == 0, reason, d.now)
		d.model.refuse(seq, which%2 == 0, reason, d.now)
	case 17, 18, 19:
		d.now += duelWaits[int(arg)%len(duelWaits)]
		d.note("judge")
		d.ledger.Judge(d.now)
		d.model.judge(d.now)
	case 20:
		d.now += duelWaits[int(arg)%len(duelWaits)]
		d.advance(int(slot))
	case 21: // withheld, for one of the reasons
		reason := [...]string{ledger.NoReader, ledger.BufferFull}[arg%2]
		d.now = max(d.now, d.ledger.NextDue())
		d.advance(1)
		d.note("withhold %s", reason)
		d.ledger.Withhold(d.model.next()-1, reason)
		d.model.withhold(d.model.next()-1, reason)
	case 22:
		why := ledger.Skip(int(arg) % ledger.NumSkips)
		d.now += time.Duration(slot) * 100 * ms
		if slot == 255 {
			d.now += 4 * time.Minute // longer than the trail is
		}
		d.note("skip")
		d.ledger.Skip(d.now, why)
		d.model.skip(d.now, why)
		for len(d.generations) < len(d.model.slots) {
			d.generations = append(d.generations, 0)
		}
	case 23:
		why := ledger.Skip(int(arg) % ledger.NumSkips)
		d.note("drop")
		d.ledger.Drop(d.now, why)
		d.model.drop(d.now, why)
	case 24:
		d.note("expired %d", offset)
		d.ledger.Expired(offset)
		d.model.expire(offset)
	case 25:
		// Seldom, like the two that follow: little can be concluded from what was before it.
		if arg >= 64 {
			d.read(seq, max(0, d.model.position), by, jitter)
			return
		}
		to := max(0, offset-8)
		d.note("truncated %d", to)
		d.ledger.Truncated(to)
		d.model.truncate(to)
	case 26:
		if arg >= 32 {
			d.ack(seq, max(0, d.model.position)+1, jitter)
			return
		}
		d.note("recreated")
		d.ledger.Recreated()
		d.model.recreate()
	case 27:
		to := max(0, offset)
		if d.model.readable && arg >= 64 {
			to = d.model.position
		}
		d.note("reading %d", to)
		d.ledger.Reading(to)
		d.model.reading(to)
	case 28:
		interval := duelIntervals[int(arg)%len(duelIntervals)]
		d.note("interval %v", interval)
		d.ledger.SetInterval(interval)
		d.model.sched.Change(d.model.next()+1, interval)
	case 29:
		d.note("begin")
		interval := d.model.sched.Interval(d.model.next() + 1)
		d.ledger.Begin(d.now + 1)
		d.model.sched.Begin(d.model.next(), d.now+1, interval)
	case 30:
		d.lead(1 + int32(arg%3))
	case 31:
		d.odd(seq, slot, arg, offset)
	}
}

// odd plays an event that is not of this run's records, or one that only a fault brings.
func (d *duel) odd(seq uint64, slot, arg byte, offset int64) {
	by := ledger.Producer{ID: 7}
	switch slot % 6 {
	case 0:
		kind := ledger.Foreign(int(arg) % ledger.NumForeign)
		d.ledger.Foreign(kind)
		d.model.sink.page(d.model.leader).tally.Foreign[kind]++
	case 1:
		d.ledger.Corrupt()
		d.model.count(ledger.Corrupt)
	case 2:
		d.note("unreadable %d", offset)
		d.ledger.Unreadable(offset)
		d.model.count(ledger.Unreadable)
		d.model.passed(offset)
	case 3:
		reason := duelReasons[int(arg)%len(duelReasons)]
		d.note("trouble %s", reason)
		d.ledger.Trouble(reason, d.now)
		d.model.trouble(reason, d.now)
	case 4: // forged
		d.read(d.model.next()+uint64(arg), offset, by, 0)
	case 5: // replayed, from long ago
		d.read(seq/256*uint64(arg), offset, by, 0)
	}
}

// compare fails the test unless both told the same since the last time.
func (d *duel) compare() {
	d.t.Helper()
	for _, delivery := range d.ledger.Flush(nil) {
		delivery.Observe()
	}
	if d.ledger.Waiting() != 0 {
		d.fail("results wait after a flush")
	}
	var got, want ledger.Tally // anomalies and foreign records, in sum
	for broker := int32(1); broker <= 3; broker++ {
		l, m := d.sink.page(broker), d.model.sink.page(broker)
		l.check(d.t, broker)
		a, b := l.tally, m.tally
		for i := range a.Anomalies { // what is learnt of a forgotten record may go to another broker
			got.Anomalies[i] += a.Anomalies[i]
			want.Anomalies[i] += b.Anomalies[i]
		}
		for i := range a.Foreign {
			got.Foreign[i] += a.Foreign[i]
			want.Foreign[i] += b.Foreign[i]
		}
		a.Anomalies, a.Foreign, b.Anomalies, b.Foreign = want.Anomalies, want.Foreign, want.Anomalies, want.Foreign
		if a != b {
			d.fail("broker %d: ledger %v, model %v", broker, l, m)
		}
		sortPage(l)
		sortPage(m)
		if !slices.Equal(l.results, m.results) {
			d.fail("broker %d: results of the ledger %+v, of the model %+v", broker, l.results, m.results)
		}
		if !slices.Equal(l.samples, m.samples) {
			d.fail("broker %d: samples of the ledger %v, of the model %v", broker, l.samples, m.samples)
		}
		l.clear()
		m.clear()
	}
	if got != want {
		d.fail("ledger %v, model %v", &page{tally: got}, &page{tally: want})
	}
	d.compareState()
}

func (d *duel) compareState() {
	d.t.Helper()
	type state struct {
		readable    bool
		position    int64
		leader      int32
		nextDue     time.Duration
		deadline    time.Duration
		outstanding map[int32]int
	}
	l := state{outstanding: map[int32]int{}}
	l.readable, l.position, l.leader, l.nextDue = d.ledger.Readable(), d.ledger.Position(), d.ledger.Leader(), d.ledger.NextDue()
	l.deadline, _ = d.ledger.NextDeadline()
	d.ledger.Outstanding(func(broker int32, n int, _ time.Duration) { l.outstanding[broker] += n })

	m := state{outstanding: map[int32]int{}}
	m.readable, m.position, m.leader, m.nextDue = d.model.readable, d.model.position, d.model.leader, d.model.sched.Due(d.model.next())
	for _, f := range d.model.slots {
		if !f.judged {
			if len(m.outstanding) == 0 {
				m.deadline = f.due + timeout
			}
			m.outstanding[f.broker]++
		}
	}
	if !reflect.DeepEqual(l, m) {
		d.fail("state of the ledger %+v, of the model %+v", l, m)
	}
}

func (d *duel) fail(format string, args ...any) {
	d.t.Helper()
	for _, line := range d.log[max(0, len(d.log)-60):] {
		d.t.Log(line)
	}
	d.t.Fatalf(format, args...)
}

func sortPage(p *page) {
	slices.SortFunc(p.results, func(a, b ledger.Result) int { return cmp.Compare(a.Sequence, b.Sequence) })
	slices.SortFunc(p.samples, func(a, b ledger.Sample) int {
		return cmp.Or(cmp.Compare(a.Leg, b.Leg), cmp.Compare(a.Value, b.Value))
	})
}

// play runs a script, three bytes an event. What makes the model slow is cut short.
func play(t *testing.T, script []byte) {
	const events, slots = 300, 20_000
	d := newDuel(t)
	script = script[:min(len(script), 3*events)]
	for ; len(script) >= 3 && len(d.model.slots) < slots; script = script[3:] {
		d.step(script[0], script[1], script[2])
		d.compare()
	}
	// In the end everything is judged and forgotten.
	d.now += fate + timeout
	d.ledger.Judge(d.now)
	d.model.judge(d.now)
	d.compare()
	if !d.ledger.Empty() {
		d.fail("something is remembered after all fates were given up")
	}
}

// The ledger against its model, in random play that is the same each time.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		script := make([]byte, 3*200)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		play(t, script)
	}
}

func FuzzLedger(f *testing.F) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 5))
		script := make([]byte, 3*60)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(play)
}
