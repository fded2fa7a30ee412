package live

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/internal/bench"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// Probe is the value of the label "probe", which in the daemon's series has the name of a probe.
const Probe = "bench"

// bounds of the latencies in seconds: those of the daemon's end to end.
var bounds = []float64{.0005, .001, .002, .003, .005, .0075, .01, .015, .02, .03, .05, .075, .1, .2, .5, 1, 2, 5, 10, 30, 60}

var (
	byBench  = []string{"kafka_cluster", "listener", "run_id"}
	byCase   = append(byBench[:len(byBench):len(byBench)], "case", "run")
	byBroker = append(byCase[:len(byCase):len(byCase)], "probe", "topic", "broker")
)

func desc(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc("kafka_prober_"+name, help, labels, nil)
}

// Those that the daemon has too have the same names, so that its dashboards and rules hold for a bench.
var (
	endToEndDesc = desc("end_to_end_latency_seconds", "From the instant a record was due to reading it back; a record that was not delivered counts with the timeout.", byBroker)
	ackDesc      = desc("acknowledge_latency_seconds", "From handed over to the client library to acknowledged: what kafka-producer-perf-test calls latency.", byBroker)
	lagDesc      = desc("schedule_lag_seconds", "From due to handed over to the client library: this host's own lateness.", byBroker)
	dueDesc      = desc("records_due_total", "Records that were due: the sum of all outcomes and of those in flight.", byBroker)
	recordsDesc  = desc("records_total", "Records judged, each exactly once, at its deadline at the latest.", append(byBroker[:len(byBroker):len(byBroker)], "outcome"))
	inFlightDesc = desc("records_in_flight", "Records that are due and not yet judged.", byBroker)
	lostDesc     = desc("acknowledged_lost_total", "Records that Kafka acknowledged and that the reader's position went past without them: data loss.", byBroker)
	duplicate    = desc("records_duplicate_total", "Records read again at another offset.", byBroker)
	reordered    = desc("records_reordered_total", "Records read after a later one of the same producer epoch, both acknowledged.", byBroker)
	corrupt      = desc("records_corrupt_total", "Records read back with changed bytes.", byBroker)
	missingDesc  = desc("bench_records_missing", "Where a topic is only read: records between others of their sender that have not come yet; lost, refused or never sent.", byBroker)
	doneDesc     = desc("bench_done_ratio", "Share of the run's measured stretch that is over; 0 while it warms up.", byCase)
	infoDesc     = desc("bench_info", "What the bench runs on and in, as its report says.",
		append(byBench[:len(byBench):len(byBench)], "profile", "version", "client", "os", "host", "kafka_version", "cluster_id"))
)

// linger is for how long a run that has ended is shown beside the next one: a writer and a scraper with the
// usual intervals see what it came to.
const linger = 20 * time.Second

// Series are those of the run that a bench is at, and of those that ended just before. It is a collector for a registry, and may be gathered
// from any goroutine at any time.
type Series struct {
	cluster, listener string

	mu     sync.Mutex
	bench  []prometheus.Metric // of the bench as a whole
	labels []string            // values of byCase
	run    []prometheus.Metric // as of the last interval that ended
	ended  []endedRun          // in the order of their ends
}

// endedRun is what a run came to.
type endedRun struct {
	until time.Time // it is shown
	run   []prometheus.Metric
}

var (
	_ bench.Live           = (*Series)(nil)
	_ prometheus.Collector = (*Series)(nil)
)

// NewSeries returns the series of a bench of a cluster by one of its listeners.
func NewSeries(cluster, listener string) *Series {
	return &Series{cluster: cluster, listener: listener}
}

// Begin implements bench.Live. What the run before came to is shown for a while still.
func (s *Series) Begin(r *bench.Report, c *bench.PlannedCase, run, _ int) {
	ofBench := []string{s.cluster, s.listener, r.ID}
	e := &r.Environment
	info := prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1,
		with(ofBench, r.Profile, e.Version, e.Client, e.OS, e.Host, e.Kafka, e.ClusterID)...)
	labels := with(ofBench, c.Name, strconv.Itoa(run))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.ended = append(s.ended, endedRun{time.Now().Add(linger), s.run})
	}
	s.bench, s.labels = []prometheus.Metric{info}, labels
	s.run = []prometheus.Metric{prometheus.MustNewConstMetric(doneDesc, prometheus.GaugeValue, 0, labels...)}
}

// Tick implements bench.Live.
func (s *Series) Tick(t *bench.Tick) {
	run := []prometheus.Metric{prometheus.MustNewConstMetric(doneDesc, prometheus.GaugeValue, t.Done, s.labels...)}
	for total := range t.Totals {
		run = appendTotal(run, total, with(s.labels, Probe, t.Topic, ledger.BrokerLabel(total.Broker)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
}

// End implements bench.Live: what was measured last stays until the next run begins.
func (s *Series) End() {}

// Describe implements prometheus.Collector.
func (s *Series) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{endToEndDesc, ackDesc, lagDesc, dueDesc, recordsDesc, inFlightDesc, lostDesc,
		duplicate, reordered, corrupt, missingDesc, doneDesc, infoDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *Series) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.bench {
		ch <- m
	}
	now := time.Now()
	s.ended = slices.DeleteFunc(s.ended, func(e endedRun) bool { return now.After(e.until) })
	for _, e := range s.ended {
		for _, m := range e.run {
			ch <- m
		}
	}
	for _, m := range s.run {
		ch <- m
	}
}

// appendTotal appends the series of one broker.
func appendTotal(to []prometheus.Metric, t *bench.Total, labels []string) []prometheus.Metric {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		to = append(to, prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...))
	}
	counter(dueDesc, t.Counts.Due, labels...)
	for outcome, n := range map[ledger.Outcome]uint64{
		ledger.Delivered: t.Counts.Delivered, ledger.Failed: t.Counts.Failed, ledger.Timeout: t.Counts.Timeout, ledger.Lost: t.Counts.Lost,
		ledger.Expired: t.Counts.Expired, ledger.TopicRecreated: t.Counts.TopicRecreated, ledger.Skipped: t.Counts.Skipped,
	} {
		counter(recordsDesc, n, with(labels, outcome.String())...)
	}
	counter(lostDesc, t.Counts.AcknowledgedLost, labels...)
	counter(duplicate, t.Counts.Duplicate, labels...)
	counter(reordered, t.Counts.Reordered, labels...)
	counter(corrupt, t.Counts.Corrupt, labels...)
	if t.Broker == ledger.UnknownBroker {
		to = append(to, prometheus.MustNewConstMetric(missingDesc, prometheus.GaugeValue, float64(t.Counts.Missing), labels...))
	}
	to = append(to, prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(t.InFlight), labels...))
	for d, h := range map[*prometheus.Desc]*hdrhistogram.Histogram{endToEndDesc: t.EndToEnd, ackDesc: t.Ack, lagDesc: t.ScheduleLag} {
		if h != nil && h.TotalCount() > 0 {
			to = append(to, histogram(d, h, labels))
		}
	}
	return to
}

// histogram returns a histogram of microseconds as one of seconds with bounds. A value that an HDR
// histogram can't tell from a bound is below it.
func histogram(d *prometheus.Desc, h *hdrhistogram.Histogram, labels []string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(bounds))
	next, below := 0, uint64(0)
	for _, bar := range h.Distribution() {
		for next < len(bounds) && float64(bar.From)/1e6 > bounds[next] {
			buckets[bounds[next]] = below
			next++
		}
		below += uint64(bar.Count)
	}
	for ; next < len(bounds); next++ {
		buckets[bounds[next]] = below
	}
	n := h.TotalCount()
	return prometheus.MustNewConstHistogram(d, uint64(n), h.Mean()/1e6*float64(n), buckets, labels...)
}

// with returns labels and more.
func with(labels []string, more ...string) []string {
	return append(labels[:len(labels):len(labels)], more...)
}
