package recorder

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Values of Options.Classic: which histograms have classic buckets beside their native part.
const (
	ClassicAll  = "all"  // every leg
	ClassicMain = "main" // end to end and produce, those that thresholds are set on
	ClassicNone = "none" // native only
)

// Options are what all probes share.
type Options struct {
	Classic string // one of the constants above; empty means ClassicMain
}

// Probe is what a probe promises: its configuration, constant until the next reload.
type Probe struct {
	Cluster    string        // label kafka_cluster
	Listener   string        // label listener
	Name       string        // label probe; with the two above the probe's identity
	Topic      string        // what it probes; empty if only the engine will know
	Timeout    time.Duration // after which a record counts as not delivered
	Interval   time.Duration // between two records of a partition, before any rate limit
	RecordSize int           // bytes of a record's value
	Objective  float64       // share of good events, 0 to 1; 0 is no objective
	SLOLatency time.Duration // up to which a delivered record is good; 0 is no latency SLO
	Thresholds []Threshold   // that alerts compare with; one each per signal and severity
	Lean       bool          // few series: see lean.go
}

// Threshold is a limit from the configuration, exported so that one rule serves every probe.
type Threshold struct {
	Signal   string // what is compared: end_to_end
	Severity string // warning or critical
	Value    time.Duration
}

// Recorder holds the series of every probe of the process. It is safe for concurrent use.
type Recorder struct {
	hists   histograms
	lean    histograms // for lean probes
	phases  prometheus.HistogramVecOpts
	appends [3]prometheus.HistogramVecOpts // logAppend, logAppendFlushed, logFlush

	mu      sync.Mutex
	probes  map[identity]*probe
	reached map[identity]*ReachSink
	flushes map[identity]*FlushSink
}

var _ prometheus.Collector = (*Recorder)(nil)

// identity is what tells one probe from another.
type identity struct{ cluster, listener, name string }

// New returns a Recorder without probes. It panics if opts.Classic is none of the constants: the
// configuration was to check it.
func New(opts Options) *Recorder {
	switch opts.Classic {
	case "", ClassicAll, ClassicMain, ClassicNone:
	default:
		panic(fmt.Sprintf("recorder: classic histograms %q: want all, main or none", opts.Classic))
	}
	r := &Recorder{
		hists: newHistograms(opts.Classic), lean: leanHistograms(opts.Classic), phases: newHistogram(connectPhase, opts.Classic),
		probes: map[identity]*probe{}, reached: map[identity]*ReachSink{}, flushes: map[identity]*FlushSink{},
	}
	for i, id := range []seriesID{logAppend, logAppendFlushed, logFlush} {
		r.appends[i] = newHistogram(id, opts.Classic)
	}
	return r
}

// Probe returns the sink for p. For a probe that is there already (a reload) it goes on with the same
// counters under the new settings, except that series of a topic that the probe has left end.
func (r *Recorder) Probe(p Probe) *Sink {
	id := identity{p.Cluster, p.Listener, p.Name}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id, r.probes[id])
	known := r.probes[id]
	if known == nil {
		known = &probe{hists: r.hists, topics: map[string]*topic{}}
		if p.Lean {
			known.hists = r.lean
		}
		r.probes[id] = known
	}
	known.configure(p)
	return &Sink{probe: known}
}

// Remove ends the series of a probe that is gone from the configuration. Its sink may still be used,
// to no effect. Removing what is not there does nothing.
func (r *Recorder) Remove(cluster, listener, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(identity{cluster, listener, name}, nil)
}

// forget ends the series of the probe of that name unless they are those of kept: one of another kind may
// have had the name. r.mu is held.
func (r *Recorder) forget(id identity, kept any) {
	if kept != any(r.probes[id]) {
		delete(r.probes, id)
	}
	if kept != any(r.reached[id]) {
		delete(r.reached, id)
	}
	if kept != any(r.flushes[id]) {
		delete(r.flushes, id)
	}
}

// Describe implements prometheus.Collector.
func (r *Recorder) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range descs {
		ch <- desc
	}
}

// Collect implements prometheus.Collector. It calls the state function of every probe.
func (r *Recorder) Collect(ch chan<- prometheus.Metric) {
	for _, p := range sorted(r, r.probes) {
		p.collect(emitter(ch))
	}
	for _, s := range sorted(r, r.reached) {
		s.collect(emitter(ch))
	}
	for _, s := range sorted(r, r.flushes) {
		s.collect(emitter(ch))
	}
}

// sorted returns what one of r's maps holds by its identity. It is used without r's lock, because a
// probe's state function calls back into its sink.
func sorted[T any](r *Recorder, of map[identity]T) []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := slices.SortedFunc(maps.Keys(of), func(a, b identity) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.listener, b.listener), cmp.Compare(a.name, b.name))
	})
	all := make([]T, len(ids))
	for i, id := range ids {
		all[i] = of[id]
	}
	return all
}
