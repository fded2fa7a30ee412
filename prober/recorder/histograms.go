package recorder

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/prober/flush"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// numHistograms is how many rows of the table are histograms; they are the first ones.
const numHistograms = int(ackReadGap) + 1

// histograms are the options of each histogram; those without a name are left out.
type histograms [numHistograms]prometheus.HistogramVecOpts

func newHistograms(classic string) histograms {
	var all histograms
	for i := range all {
		all[i] = newHistogram(seriesID(i), classic)
	}
	return all
}

// newHistogram returns the options of one row of the table.
func newHistogram(id seriesID, classic string) prometheus.HistogramVecOpts {
	opts := prometheus.HistogramOpts{
		Name: namespace + table[id].Name,
		Help: table[id].Help,
		// Schema 4: a quantile is right within 2.2 %.
		NativeHistogramBucketFactor: 1.05,
		// 26 doublings of 16 buckets from 1 us to 60 s would be 416; no cluster fills them all.
		NativeHistogramMaxBucketNumber: 400,
		// Over the limit the resolution halves. The default would throw the whole histogram away,
		// classic buckets and count included.
		NativeHistogramMinResetDuration: 0,
		// Below a microsecond there is only noise.
		NativeHistogramZeroThreshold: 1e-6,
	}
	switch {
	case classic == ClassicNone:
	case id == logFlush:
		opts.Buckets = flush.Bounds[:]
	case classic == ClassicAll, id == endToEnd, id == produce:
		opts.Buckets = ledger.LatencyBounds[:]
	}
	return prometheus.HistogramVecOpts{
		HistogramOpts:  opts,
		VariableLabels: prometheus.UnconstrainedLabels(table[id].Labels),
	}
}

// vecs are the histograms of one topic of one probe. Each topic has its own, so that its series end
// with it and a forgotten engine can't bring them back; their descriptions are the same.
type vecs [numHistograms]*prometheus.HistogramVec

func (h *histograms) vecs() vecs {
	var all vecs
	for i := range all {
		if h[i].Name != "" {
			all[i] = prometheus.V2.NewHistogramVec(h[i])
		}
	}
	return all
}

// observer returns the series of a histogram with these labels, or nil if the histogram is left out.
func (v *vecs) observer(id seriesID, labels []string) prometheus.Observer {
	if v[id] == nil {
		return nil
	}
	return v[id].WithLabelValues(labels...)
}
