package bench

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// Schema names the form of the report. The part after the slash grows with each change that a reader of
// an earlier one would misread; fields may be added without.
const Schema = "kafka_prober.bench/1"

// Report is the whole outcome of a bench. docs/bench.md describes its JSON.
type Report struct {
	Schema      string       `json:"schema"`
	ID          string       `json:"id"`      // of this bench, random
	Started     time.Time    `json:"started"` // wall clock
	Profile     string       `json:"profile"`
	Environment Environment  `json:"environment"`
	Cases       []CaseResult `json:"cases"`
	Assertions  []Assertion  `json:"assertions,omitempty"`
	Valid       bool         `json:"valid"`   // every run is
	Partial     bool         `json:"partial"` // ended early: what is there was measured in full
}

// Empty reports whether nothing at all was measured.
func (r *Report) Empty() bool {
	return !slices.ContainsFunc(r.Cases, func(c CaseResult) bool { return len(c.Runs) > 0 })
}

// CaseResult is a case and its runs.
type CaseResult struct {
	PlannedCase
	Runs []Run `json:"runs"`
}

// Run is one run of a case. Times are seconds, latencies milliseconds, sizes bytes.
type Run struct {
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`      // of the measured stretch: from its start to the last record judged
	Sending  float64   `json:"send_seconds"` // from its start to the last record handed over
	Topic    string    `json:"topic"`
	Partial  bool      `json:"partial,omitempty"`
	Invalid  []string  `json:"invalid,omitempty"`  // why the figures are not to be used
	Warnings []string  `json:"warnings,omitempty"` // what to know when using them

	Counts        Counts            `json:"counts"`
	Failures      map[string]uint64 `json:"failures,omitempty"` // records not delivered, by reason
	RecordsPerSec float64           `json:"records_per_second"` // delivered
	BytesPerSec   float64           `json:"bytes_per_second"`   // of values, delivered
	EndToEnd      *Latency          `json:"end_to_end,omitempty"`
	Ack           *Latency          `json:"ack,omitempty"`          // from handed over to acknowledged: what producer tools print
	ScheduleLag   *Latency          `json:"schedule_lag,omitempty"` // from due to handed over: this host's own lateness
	Brokers       []BrokerResult    `json:"brokers,omitempty"`
	Intervals     []Interval        `json:"intervals"`
	Client        Client            `json:"client"`
}

// Counts are records. Due is the sum of the outcomes; the anomalies are counted beside them.
type Counts struct {
	Due            uint64 `json:"due"`
	Delivered      uint64 `json:"delivered"`
	Failed         uint64 `json:"failed"`
	Timeout        uint64 `json:"timeout"`
	Lost           uint64 `json:"lost"`
	Expired        uint64 `json:"expired"`
	TopicRecreated uint64 `json:"topic_recreated"`
	Skipped        uint64 `json:"skipped"`

	AcknowledgedLost uint64 `json:"acknowledged_lost"`
	Duplicate        uint64 `json:"duplicate"`
	Reordered        uint64 `json:"reordered"`
	Missing          uint64 `json:"missing"` // where records are only read: between others of their sender; lost, refused or never sent
	Corrupt          uint64 `json:"corrupt"`
	Late             uint64 `json:"late"`
	Foreign          uint64 `json:"foreign"`
}

// Latency is a distribution, in milliseconds.
type Latency struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	Min   float64 `json:"min"`
	P50   float64 `json:"p50"`
	P75   float64 `json:"p75"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	P9999 float64 `json:"p9999"`
	Max   float64 `json:"max"`
	HDR   string  `json:"hdr,omitempty"` // HdrHistogram V2, compressed, base64; values in microseconds
}

// BrokerResult is what the records had whose partitions a broker led when they were due.
type BrokerResult struct {
	Broker        int32    `json:"broker"`
	Counts        Counts   `json:"counts"`
	RecordsPerSec float64  `json:"records_per_second"`
	EndToEnd      *Latency `json:"end_to_end,omitempty"`
	Ack           *Latency `json:"ack,omitempty"`
}

// Interval is about a second of a run.
type Interval struct {
	At            float64  `json:"at"`      // its end, seconds from the run's start
	Seconds       float64  `json:"seconds"` // its length
	Records       int64    `json:"records"` // judged in it
	RecordsPerSec float64  `json:"records_per_second"`
	BytesPerSec   float64  `json:"bytes_per_second"`
	EndToEnd      *Latency `json:"end_to_end,omitempty"`
	Ack           *Latency `json:"ack,omitempty"`
}

// Client is what the run cost this process.
type Client struct {
	CPUSeconds           float64 `json:"cpu_seconds"`
	CPUSecondsPerMillion float64 `json:"cpu_seconds_per_million_records"`
	MaxRSS               int64   `json:"max_rss_bytes"`
}

// newLatency sums up a histogram of microseconds, or returns nil if it is empty. hdr says whether to keep
// the whole.
func newLatency(h *hdrhistogram.Histogram, hdr bool) *Latency {
	if h.TotalCount() == 0 {
		return nil
	}
	ms := func(us int64) float64 { return float64(us) / 1000 }
	q := func(q float64) float64 { return ms(h.ValueAtQuantile(q)) }
	l := &Latency{
		Count: h.TotalCount(), Mean: h.Mean() / 1000, Min: ms(h.Min()), P50: q(50), P75: q(75), P95: q(95),
		P99: q(99), P999: q(99.9), P9999: q(99.99), Max: ms(h.Max()),
	}
	if hdr {
		if text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err == nil { // can't fail: in memory
			l.HDR = string(text)
		}
	}
	return l
}

func newCounts(t *ledger.Tally) Counts {
	c := Counts{
		Due: t.Due, Delivered: t.Outcomes[ledger.Delivered], Failed: t.Outcomes[ledger.Failed], Timeout: t.Outcomes[ledger.Timeout],
		Lost: t.Outcomes[ledger.Lost], Expired: t.Outcomes[ledger.Expired], TopicRecreated: t.Outcomes[ledger.TopicRecreated],
		Skipped:          t.Outcomes[ledger.Skipped],
		AcknowledgedLost: t.Anomalies[ledger.AcknowledgedLost], Duplicate: t.Anomalies[ledger.Duplicate],
		Reordered: t.Anomalies[ledger.Reordered], Corrupt: t.Anomalies[ledger.Corrupt], Late: t.Anomalies[ledger.Late],
	}
	for _, n := range t.Foreign {
		c.Foreign += n
	}
	return c
}

// Undelivered is how many records were due and not delivered, for whatever reason but our own.
func (c *Counts) Undelivered() uint64 {
	return c.Failed + c.Timeout + c.Lost + c.Expired + c.TopicRecreated
}
