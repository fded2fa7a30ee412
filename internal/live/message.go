package live

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
)

// message is prometheus.WriteRequest of remote write 1.0, encoded. It has no metadata, no exemplars and no
// native histograms: the first version's receivers are those that are everywhere.
type message []byte

// Size is how the client library asks for the message's length.
func (m message) Size() int { return len(m) }

// MarshalToSizedBuffer is how the client library asks for the message.
func (m message) MarshalToSizedBuffer(to []byte) (int, error) { return copy(to, m), nil }

// Fields of the messages: WriteRequest has time series, a time series labels and samples.
const (
	fieldTimeSeries = 1
	fieldLabels     = 1
	fieldSamples    = 2
	fieldName       = 1 // of a label
	fieldText       = 2
	fieldValue      = 1 // of a sample
	fieldTime       = 2
)

// encode writes gathered families as samples of one instant, with more labels. A label that a series has
// already is its own.
func encode(families []*dto.MetricFamily, more map[string]string, at time.Time) message {
	e := encoder{more: more, at: at.UnixMilli()}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			e.metric(f.GetName(), m)
		}
	}
	return e.out
}

type encoder struct {
	more map[string]string
	at   int64 // milliseconds
	out  message
}

// metric appends the samples of one metric: of a histogram or summary several.
func (e *encoder) metric(name string, m *dto.Metric) {
	switch {
	case m.Counter != nil:
		e.sample(name, m.GetLabel(), m.Counter.GetValue())
	case m.Gauge != nil:
		e.sample(name, m.GetLabel(), m.Gauge.GetValue())
	case m.Untyped != nil:
		e.sample(name, m.GetLabel(), m.Untyped.GetValue())
	case m.Histogram != nil:
		h := m.Histogram
		last := math.Inf(-1)
		for _, b := range h.GetBucket() {
			last = b.GetUpperBound()
			e.sample(name+"_bucket", m.GetLabel(), float64(b.GetCumulativeCount()), "le", number(last))
		}
		if !math.IsInf(last, 1) {
			e.sample(name+"_bucket", m.GetLabel(), float64(h.GetSampleCount()), "le", number(math.Inf(1)))
		}
		e.sample(name+"_sum", m.GetLabel(), h.GetSampleSum())
		e.sample(name+"_count", m.GetLabel(), float64(h.GetSampleCount()))
	case m.Summary != nil:
		for _, q := range m.Summary.GetQuantile() {
			e.sample(name, m.GetLabel(), q.GetValue(), "quantile", number(q.GetQuantile()))
		}
		e.sample(name+"_sum", m.GetLabel(), m.Summary.GetSampleSum())
		e.sample(name+"_count", m.GetLabel(), float64(m.Summary.GetSampleCount()))
	}
}

// sample appends a time series of one sample, its labels sorted by name as the specification wants.
func (e *encoder) sample(name string, own []*dto.LabelPair, value float64, extra ...string) {
	labels := map[string]string{"__name__": name}
	for k, v := range e.more {
		labels[k] = v
	}
	for _, l := range own {
		labels[l.GetName()] = l.GetValue()
	}
	if len(extra) > 0 {
		labels[extra[0]] = extra[1]
	}
	names := make([]string, 0, len(labels))
	for n, v := range labels {
		if v != "" { // an empty label is none
			names = append(names, n)
		}
	}
	slices.SortFunc(names, strings.Compare)
	var series []byte
	for _, n := range names {
		var label []byte
		label = protowire.AppendTag(label, fieldName, protowire.BytesType)
		label = protowire.AppendString(label, n)
		label = protowire.AppendTag(label, fieldText, protowire.BytesType)
		label = protowire.AppendString(label, labels[n])
		series = protowire.AppendTag(series, fieldLabels, protowire.BytesType)
		series = protowire.AppendBytes(series, label)
	}
	var sample []byte
	sample = protowire.AppendTag(sample, fieldValue, protowire.Fixed64Type)
	sample = protowire.AppendFixed64(sample, math.Float64bits(value))
	sample = protowire.AppendTag(sample, fieldTime, protowire.VarintType)
	sample = protowire.AppendVarint(sample, uint64(e.at))
	series = protowire.AppendTag(series, fieldSamples, protowire.BytesType)
	series = protowire.AppendBytes(series, sample)
	e.out = protowire.AppendTag(e.out, fieldTimeSeries, protowire.BytesType)
	e.out = protowire.AppendBytes(e.out, series)
}

// number writes a bound as the exposition does.
func number(f float64) string {
	if math.IsInf(f, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
