package recorder

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// Sink takes what one probe measures. Each configuration of a probe gets a Sink of its own; all of
// them lead to the same series.
type Sink struct{ probe *probe }

var _ ledger.Sink = (*Sink)(nil)

// Series implements ledger.Sink. All series of the broker exist from now on, at zero.
func (s *Sink) Series(topic string, broker int32) ledger.Series {
	return s.probe.series(topic, broker)
}

// Watch implements ledger.Sink. Ending it with nil does nothing when another Sink of the same probe has
// taken over, so that a reload may start the new engine before the old one has ended. A call of state
// that is under way may still return after Watch has.
func (s *Sink) Watch(state func() ledger.State) {
	p := s.probe
	p.mu.Lock()
	defer p.mu.Unlock()
	if state == nil && p.watcher != s {
		return
	}
	if s != p.watcher { // another engine counts from 0
		p.stepsBefore = p.clockSteps
	}
	p.watcher, p.state = s, state
}

// probe is everything that is known of one probe.
type probe struct {
	hists      histograms
	sloLatency atomic.Int64 // settings.SLOLatency, for Observe

	mu          sync.Mutex
	settings    Probe
	labels      []string // values of byProbe
	topics      map[string]*topic
	watcher     *Sink // who set state
	state       func() ledger.State
	clockSteps  uint64 // as last told, so that the counter stays when the engine stops
	stepsBefore uint64 // of engines before the present one
}

// topic is the part of a probe's series that one topic has.
type topic struct {
	name    string
	labels  []string // values of byTopic
	vecs    vecs
	lag     prometheus.Observer
	queue   prometheus.Observer
	brokers map[int32]*series // guarded by the probe's lock
}

func (p *probe) configure(settings Probe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	settings.Thresholds = slices.Clone(settings.Thresholds)
	p.settings = settings
	p.sloLatency.Store(int64(settings.SLOLatency))
	p.labels = []string{settings.Cluster, settings.Listener, settings.Name}
	if settings.Topic != "" {
		maps.DeleteFunc(p.topics, func(name string, _ *topic) bool { return name != settings.Topic })
		p.topic(settings.Topic)
	}
}

// topic returns the topic of that name. p.mu is held.
func (p *probe) topic(name string) *topic {
	if t := p.topics[name]; t != nil {
		return t
	}
	t := &topic{name: name, labels: with(p.labels, name), vecs: p.hists.vecs(), brokers: map[int32]*series{}}
	t.lag = t.vecs.observer(scheduleLag, t.labels)
	t.queue = t.vecs.observer(clientQueue, t.labels)
	p.topics[name] = t
	return t
}

func (p *probe) series(topic string, broker int32) *series {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.topic(topic)
	if s := t.brokers[broker]; s != nil {
		return s
	}
	s := newSeries(p, t, broker)
	t.brokers[broker] = s
	return s
}

// view is a probe at one moment: what a scrape or a snapshot goes through without the probe's lock.
type view struct {
	settings   Probe
	labels     []string
	topics     []topicView
	clockSteps uint64
	running    bool         // state is known
	state      ledger.State // as the engine told it just now
}

type topicView struct {
	*topic
	brokers []*series // by node id
}

// view asks the engine for its state, which makes it hand over all that it has measured, and then
// lists the series. No lock is held while asking: the engine calls back.
func (p *probe) view() view {
	p.mu.Lock()
	ask := p.state
	p.mu.Unlock()
	var v view
	if ask != nil {
		v.running, v.state = true, ask()
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if v.running {
		p.clockSteps = max(p.clockSteps, p.stepsBefore+v.state.ClockSteps) // an engine that ends may be asked still
	}
	v.settings, v.labels, v.clockSteps = p.settings, p.labels, p.clockSteps
	if v.state.Topic == "" {
		v.state.Topic = p.settings.Topic
	}
	if v.state.Interval == 0 {
		v.state.Interval = p.settings.Interval
	}
	for _, name := range slices.Sorted(maps.Keys(p.topics)) {
		t := p.topics[name]
		v.topics = append(v.topics, topicView{t, slices.SortedFunc(maps.Values(t.brokers), func(a, b *series) int {
			return cmp.Compare(a.broker, b.broker)
		})})
	}
	return v
}

// seconds returns d as Prometheus wants it. A duration that is a decimal number of seconds becomes the
// float that the number's literal is, so that it stays on a bucket's bound.
func seconds(d time.Duration) float64 { return d.Seconds() }
