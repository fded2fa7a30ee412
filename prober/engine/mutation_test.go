package engine

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// mutation is a thing that happens to one record on its way back.
type mutation struct {
	name     string
	from, to int // bytes of the value of which one is changed
	kind     mutationKind
	found    func(*ledger.Tally) // counts what it is found as
}

type mutationKind int

const (
	change mutationKind = iota
	drop
	double // in the place of a filler record that is read later
	swap   // with the next record
)

const testSize = 128

// mutations is package record's table, field by field.
var mutations = []mutation{
	{name: "magic", from: 0, to: 4, found: foreign(ledger.NotAProbeRecord)},
	{name: "version", from: 4, to: 5, found: foreign(ledger.OtherVersion)},
	{name: "flags", from: 5, to: 6, found: anomaly(ledger.Corrupt)},
	{name: "header size", from: 6, to: 8, found: foreign(ledger.OtherVersion)},
	{name: "run id", from: 8, to: 24, found: foreign(ledger.DamagedForeign)},
	{name: "partition", from: 24, to: 28, found: anomaly(ledger.Corrupt)},
	{name: "length", from: 28, to: 32, found: anomaly(ledger.Corrupt)},
	{name: "sequence", from: 32, to: 40, found: anomaly(ledger.Corrupt)},
	{name: "due", from: 40, to: 48, found: anomaly(ledger.Corrupt)},
	{name: "due by wall clock", from: 48, to: 56, found: anomaly(ledger.Corrupt)},
	{name: "interval", from: 56, to: 64, found: anomaly(ledger.Corrupt)},
	{name: "start of the padding", from: 64, to: 68, found: anomaly(ledger.Corrupt)},
	{name: "checksum", from: 68, to: 72, found: anomaly(ledger.Corrupt)},
	{name: "padding", from: 72, to: testSize, found: anomaly(ledger.Corrupt)},
	{name: "dropped", kind: drop, found: func(*ledger.Tally) {}}, // lost, and no more than that
	{name: "doubled", kind: double, found: anomaly(ledger.Duplicate)},
	{name: "swapped", kind: swap, found: anomaly(ledger.Reordered)},
}

func foreign(f ledger.Foreign) func(*ledger.Tally) { return func(t *ledger.Tally) { t.Foreign[f]++ } }
func anomaly(a ledger.Anomaly) func(*ledger.Tally) { return func(t *ledger.Tally) { t.Anomalies[a]++ } }

// slotID names a record of an engine.
type slotID struct {
	partition int32
	sequence  uint64
}

// mutator mutates records on their way back and keeps the books of what must be found.
type mutator struct {
	rng    *rand.Rand
	left   int // mutations to go
	done   map[string]int
	want   ledger.Tally
	lost   map[slotID]bool
	intact map[int32][]byte // the last record of each partition that was let through as it is
}

func (m *mutator) rewrite(t *testing.T, resp *kmsg.FetchResponse) {
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			p := &resp.Topics[i].Partitions[j]
			p.RecordBatches = rewriteBatches(t, p.RecordBatches, func(recs []*logRecord) { m.edit(p.Partition, recs) })
		}
	}
}

// edit mutates about every third record of those that arrive together.
func (m *mutator) edit(partition int32, recs []*logRecord) {
	for i := 0; i < len(recs); i++ {
		var h record.Header
		if record.Decode(recs[i].Value, &h) != record.Intact {
			m.editFiller(partition, recs[i])
			continue
		}
		mu := &mutations[m.rng.IntN(len(mutations))]
		if m.left == 0 || m.rng.IntN(3) > 0 || mu.kind == double || mu.kind == swap && !oursFollows(recs, i) {
			m.intact[partition] = slices.Clone(recs[i].Value)
			continue
		}
		m.count(mu)
		switch mu.kind {
		case change:
			recs[i].Value[mu.from+m.rng.IntN(mu.to-mu.from)] ^= byte(1 + m.rng.IntN(255))
			m.lost[slotID{partition, h.Sequence}] = true
		case drop:
			recs[i].Value = nil
			m.lost[slotID{partition, h.Sequence}] = true
		case swap:
			recs[i].Value, recs[i+1].Value = recs[i+1].Value, recs[i].Value
			i++
		}
	}
}

// editFiller lets a filler through or puts a record of ours in its place, which so is read twice.
func (m *mutator) editFiller(partition int32, filler *logRecord) {
	if m.left == 0 || m.intact[partition] == nil || m.rng.IntN(3) > 0 {
		m.want.Foreign[ledger.NotAProbeRecord]++
		return
	}
	filler.Value = m.intact[partition]
	m.count(&mutations[slices.IndexFunc(mutations, func(mu mutation) bool { return mu.kind == double })])
}

func oursFollows(recs []*logRecord, i int) bool {
	var h record.Header
	return i+1 < len(recs) && record.Decode(recs[i+1].Value, &h) == record.Intact
}

func (m *mutator) count(mu *mutation) {
	m.left--
	m.done[mu.name]++
	mu.found(&m.want)
}

// TestMutations changes, drops, doubles and swaps a thousand records on their way back. Each is found
// under the names that package record's table gives it, and nothing else is.
func TestMutations(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const seed, number = 4, 1000
		t.Logf("seed %d", seed)
		book := new(notebook)
		cfg := b.config(t, book)
		cfg.Interval, cfg.Size = time.Millisecond, testSize
		client := cfg.Client
		cfg.Client = func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
			return client(role, append(opts, kgo.FetchMinBytes(4000))...) // several at a time, or none could be swapped
		}
		m := &mutator{rng: rand.New(rand.NewPCG(seed, seed)), done: map[string]int{}, lost: map[slotID]bool{}, intact: map[int32][]byte{}}
		tp := newTap(t, b.dial)
		tp.rewrite = func(resp *kmsg.FetchResponse) { m.rewrite(t, resp) }
		tp.install(&cfg)
		e, stop := start(t, cfg)
		if err := e.SetLayout(layoutOf(b.Cluster)); err != nil {
			t.Fatal(err)
		}
		stopFilling := fill(t, b)
		await(t, "records to flow", func() bool {
			sum := book.total()
			return sum.Outcomes[ledger.Delivered] > 100 && sum.Foreign[ledger.NotAProbeRecord] > 100
		})
		tp.locked(func() { m.left = number })
		await(t, "the mutations", func() (done bool) {
			checkInvariant(t, book.total())
			tp.locked(func() { done = m.left == 0 })
			return done
		})
		stopFilling()
		await(t, "all that is lost to be found", func() (done bool) {
			sum := book.total()
			tp.locked(func() { done = sum.Outcomes[ledger.Lost] >= uint64(len(m.lost)) })
			return done
		})
		stop()
		m.check(t, book)
		t.Logf("%d mutations of %d records: %v", number, book.total().Due, m.done)
	})
}

// check compares what was found with what was done.
func (m *mutator) check(t *testing.T, book *notebook) {
	sum := book.total()
	m.want.Due = sum.Due
	m.want.Outcomes[ledger.Lost] = uint64(len(m.lost))
	m.want.Anomalies[ledger.AcknowledgedLost] = uint64(len(m.lost))
	m.want.Outcomes[ledger.Skipped] = sum.Skips[ledger.Starting]
	m.want.Skips[ledger.Starting] = sum.Skips[ledger.Starting]
	m.want.Outcomes[ledger.Delivered] = sum.Due - m.want.Outcomes[ledger.Lost] - m.want.Outcomes[ledger.Skipped]
	if sum != m.want {
		t.Errorf("found %+v\nwant  %+v", sum, m.want)
	}
	found := map[slotID]bool{}
	for broker := range int32(3) {
		for _, r := range book.results(broker) {
			if r.Outcome == ledger.Lost {
				found[slotID{r.Partition, r.Sequence}] = true
			}
		}
	}
	if !maps.Equal(found, m.lost) {
		t.Errorf("%d records lost, not the %d that were to be", len(found), len(m.lost))
	}
	for _, mu := range mutations {
		if m.done[mu.name] == 0 {
			t.Errorf("no record was mutated in this way: %s", mu.name)
		}
	}
}

// fill sends records that are not ours to each partition until it is told to stop.
func fill(t *testing.T, b *bubble) (stop func()) {
	t.Helper()
	client, err := b.client("filler", kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			for p := range int32(3) {
				client.Produce(context.Background(), &kgo.Record{Topic: testTopic, Partition: p, Value: []byte("filler")}, nil)
			}
		}
	}()
	return func() {
		cancel()
		<-done
		if err := client.Flush(t.Context()); err != nil {
			t.Errorf("send fillers: %v", err)
		}
		client.Close()
	}
}
