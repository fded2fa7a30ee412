package engine

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// notebook is a sink that keeps everything.
type notebook struct {
	mu    sync.Mutex
	pages map[int32]*page
	state func() ledger.State
}

type page struct {
	book    *notebook
	tally   ledger.Tally
	results []ledger.Result
	samples []ledger.Sample
}

var _ ledger.Sink = (*notebook)(nil)

func (n *notebook) Series(_ string, broker int32) ledger.Series {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pages == nil {
		n.pages = map[int32]*page{}
	}
	if n.pages[broker] == nil {
		n.pages[broker] = &page{book: n}
	}
	return n.pages[broker]
}

func (n *notebook) Watch(state func() ledger.State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state = state
}

func (p *page) Count(t *ledger.Tally) {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	p.tally.Add(t)
}

func (p *page) Observe(b *ledger.Batch) {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	p.results = append(p.results, b.Results...)
	p.samples = append(p.samples, b.Samples...)
}

// total returns the sum of all counts.
func (n *notebook) total() ledger.Tally {
	n.mu.Lock()
	state := n.state
	n.mu.Unlock()
	if state != nil {
		state()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var sum ledger.Tally
	for _, p := range n.pages {
		sum.Add(&p.tally)
	}
	return sum
}

// results returns what was judged of a broker's records.
func (n *notebook) results(broker int32) []ledger.Result {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.pages[broker]; p != nil {
		return slices.Clone(p.results)
	}
	return nil
}

// samples returns all samples of a leg.
func (n *notebook) samples(leg ledger.Leg) []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []time.Duration
	for _, p := range n.pages {
		for _, s := range p.samples {
			if s.Leg == leg {
				all = append(all, s.Value)
			}
		}
	}
	return all
}

// checkInvariant fails the test if due is not the sum of what became of it.
func checkInvariant(t *testing.T, sum ledger.Tally) {
	t.Helper()
	accounted := uint64(sum.InFlight)
	for _, n := range sum.Outcomes {
		accounted += n
	}
	if sum.Due != accounted {
		t.Errorf("due = %d, outcomes and in flight = %d: %+v", sum.Due, accounted, sum)
	}
}

const testTopic = "kafka-prober-steady-internal"

// newCluster starts a fake cluster of three brokers with a topic of three partitions.
func newCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(3, testTopic)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for p := range int32(3) {
		if err := c.MoveTopicPartition(testTopic, p, p); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// config returns the configuration of an engine on a cluster.
func config(t *testing.T, seeds []string, sink ledger.Sink) Config {
	t.Helper()
	return Config{
		Topic: testTopic, Interval: 10 * time.Millisecond, Timeout: 2 * time.Second, Size: 128,
		RandomShare: 1, Acks: AcksAll, Seed: 1,
		Client: func(_ string, opts ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(seeds...), kgo.MetadataMinAge(250 * time.Millisecond)}, opts...)...)
		},
		Reason: kafka.Reason,
		Sink:   sink, Log: slog.New(slog.DiscardHandler),
	}
}

// layoutOf returns the layout of the test topic as it is.
func layoutOf(c *kfake.Cluster) Layout {
	info := c.TopicInfo(testTopic)
	l := Layout{TopicID: info.TopicID, Brokers: []int32{0, 1, 2}}
	for _, p := range c.PartitionInfos(testTopic) {
		l.Partitions = append(l.Partitions, Assignment{Partition: p.Partition, Leader: p.Leader, Preferred: p.Leader})
	}
	return l
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}
