package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteOMB writes the runs as OpenMessaging Benchmark writes its results, one JSON object for each in a list
// of them, or alone if there is one, so that its charts work. Latencies are milliseconds, delays microseconds;
// rates are records/s; arrays have a value for each interval.
func (r *Report) WriteOMB(w io.Writer) error {
	var all []map[string]any
	for i := range r.Cases {
		c := &r.Cases[i]
		for j := range c.Runs {
			all = append(all, c.omb(&c.Runs[j], r))
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if len(all) == 1 {
		return enc.Encode(all[0])
	}
	return enc.Encode(all)
}

// ombQuantiles are the percentiles that OMB names.
var ombQuantiles = []struct {
	name string
	of   func(l *Latency) float64
}{
	{"Avg", func(l *Latency) float64 { return l.Mean }},
	{"50pct", func(l *Latency) float64 { return l.P50 }},
	{"75pct", func(l *Latency) float64 { return l.P75 }},
	{"95pct", func(l *Latency) float64 { return l.P95 }},
	{"99pct", func(l *Latency) float64 { return l.P99 }},
	{"999pct", func(l *Latency) float64 { return l.P999 }},
	{"9999pct", func(l *Latency) float64 { return l.P9999 }},
	{"Max", func(l *Latency) float64 { return l.Max }},
}

func (c *CaseResult) omb(run *Run, r *Report) map[string]any {
	out := map[string]any{
		"workload": c.Name, "driver": "kafka_prober", "messageSize": c.Size, "topics": 1, "partitions": max(c.Partitions, len(run.Brokers)),
		"producersPerTopic": c.Producers, "consumersPerTopic": c.Consumers, "version": r.Environment.Version, "beginTime": run.Started.Format("2006-01-02T15:04:05.000Z07:00"),
	}
	var rates, errors []float64
	for i := range run.Intervals {
		rates = append(rates, run.Intervals[i].RecordsPerSec)
		errors = append(errors, float64(run.Counts.Undelivered())/max(run.Seconds, 1e-9)) // on the average: which interval's is not known
	}
	out["publishRate"], out["consumeRate"], out["publishErrorRate"] = rates, rates, errors
	legs := []struct {
		name  string
		scale float64
		total *Latency
		of    func(i *Interval) *Latency
	}{
		{"publishLatency", 1, run.Ack, func(i *Interval) *Latency { return i.Ack }},
		{"endToEndLatency", 1, run.EndToEnd, func(i *Interval) *Latency { return i.EndToEnd }},
		{"publishDelayLatency", 1000, run.ScheduleLag, func(*Interval) *Latency { return nil }},
	}
	for _, leg := range legs {
		for _, q := range ombQuantiles {
			values := make([]float64, len(run.Intervals))
			for i := range run.Intervals {
				if l := leg.of(&run.Intervals[i]); l != nil {
					values[i] = q.of(l) * leg.scale
				}
			}
			out[leg.name+q.name] = values
			total := 0.0
			if leg.total != nil {
				total = q.of(leg.total) * leg.scale
			}
			out[aggregated(leg.name)+q.name] = total
		}
		out[aggregated(leg.name)+"Quantiles"] = ombCurve(leg.total, leg.scale)
	}
	return out
}

// aggregated is the name of a leg's figure of the whole run: publishLatency makes aggregatedPublishLatency.
func aggregated(leg string) string { return "aggregated" + strings.ToUpper(leg[:1]) + leg[1:] }

// ombCurve is a distribution as OMB has it: latency by percentile.
func ombCurve(l *Latency, scale float64) map[string]float64 {
	curve := map[string]float64{}
	h := l.histogram()
	if h == nil {
		return curve
	}
	for _, q := range []float64{0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 100} {
		curve[fmt.Sprint(q)] = float64(h.ValueAtQuantile(q)) / 1000 * scale
	}
	return curve
}
