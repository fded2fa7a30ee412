package bench

import (
	"fmt"
	"io"
	"time"
)

// PerfWindows prints what kafka-producer-perf-test prints while it runs: a line every so often.
type PerfWindows struct {
	W      io.Writer
	Window time.Duration // that a line stands for, a second at least

	seconds, sum, most float64
	records            int64 // acknowledged
	size               int   // of a record, in bytes
}

var _ Live = (*PerfWindows)(nil)

// Begin implements Live.
func (p *PerfWindows) Begin(_ *Report, c *PlannedCase, _, _ int) {
	*p = PerfWindows{W: p.W, Window: p.Window, size: c.Size}
}

// Tick implements Live.
func (p *PerfWindows) Tick(t *Tick) {
	i := t.Interval
	p.seconds += i.Seconds
	if l := i.Ack; l != nil {
		p.records += l.Count
		p.sum += l.Mean * float64(l.Count)
		p.most = max(p.most, l.Max)
	}
	if p.seconds < p.Window.Seconds()-tick.Seconds()/2 {
		return
	}
	fmt.Fprintf(p.W, "%d records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, %.1f ms max latency.\n",
		p.records, float64(p.records)/p.seconds, float64(p.records)*float64(p.size)/p.seconds/(1<<20), p.sum/float64(max(1, p.records)), p.most)
	*p = PerfWindows{W: p.W, Window: p.Window, size: p.size}
}

// End implements Live.
func (p *PerfWindows) End() {}

// WriteConsumerPerf writes the run as kafka-consumer-perf-test does. There is no group, and so no rebalance.
func (r *Run) WriteConsumerPerf(w io.Writer, header bool) {
	if header {
		fmt.Fprintln(w, "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec")
	}
	stamp := func(t time.Time) string {
		return fmt.Sprintf("%s:%03d", t.Format("2006-01-02 15:04:05"), t.Nanosecond()/1e6)
	}
	mb := r.BytesPerSec / (1 << 20)
	fmt.Fprintf(w, "%s, %s, %.4f, %.4f, %d, %.4f, 0, %d, %.4f, %.4f\n", stamp(r.Started),
		stamp(r.Started.Add(time.Duration(r.Seconds*float64(time.Second)))), mb*r.Seconds, mb, r.Counts.Due, r.RecordsPerSec,
		int64(r.Seconds*1000), mb, r.RecordsPerSec)
}
