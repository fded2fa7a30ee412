package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteText writes the report for a person, and for each run the line of kafka-producer-perf-test.
func (r *Report) WriteText(w io.Writer) error {
	t := &text{w: w}
	e := &r.Environment
	t.line("kafka_prober bench %s, %s", r.ID, r.Started.UTC().Format("2006-01-02 15:04:05 MST"))
	t.line("%s on %s, %s, %d CPU(s), host %s", named(e.Version, "kafka_prober"), e.OS, e.Go, e.CPUs, e.Host)
	t.line("%s; cluster %s, %d broker(s), Kafka %s", e.Client, named(e.ClusterID, "unknown"), e.Brokers, named(e.Kafka, "unknown"))
	t.line("")
	t.summary(r)
	for i := range r.Cases {
		c := &r.Cases[i]
		for j := range c.Runs {
			t.run(c, j)
		}
	}
	t.asserts(r.Assertions)
	switch {
	case r.Partial:
		t.line("Interrupted: the report has what was measured until then.")
	case !r.Valid:
		t.line("INVALID: see above why these figures are not to be used.")
	}
	return t.err
}

func named(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// text remembers the first error of its writer.
type text struct {
	w   io.Writer
	err error
}

func (t *text) line(format string, args ...any) {
	if _, err := fmt.Fprintf(t.w, format+"\n", args...); err != nil && t.err == nil {
		t.err = err
	}
}

// table writes rows of cells, tab-separated, the first of them the head, aligned to the right.
func (t *text) table(rows []string) {
	tw := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintln(tw, row+"\t")
	}
	if err := tw.Flush(); err != nil && t.err == nil {
		t.err = err
	}
}

const percentiles = "p50\tp95\tp99\tp99.9\tp99.99\tmax"

func cells(l *Latency) string {
	if l == nil {
		return "-\t-\t-\t-\t-\t-"
	}
	return strings.Join([]string{ms(l.P50), ms(l.P95), ms(l.P99), ms(l.P999), ms(l.P9999), ms(l.Max)}, "\t")
}

// ms writes milliseconds with three digits that count.
func ms(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// summary is a line for each run of each case.
func (t *text) summary(r *Report) {
	rows := []string{"case\trun\trecords/s\tMB/s\te2e p50 ms\tp99\tack p50 ms\tp99\terrors\tCPU s/M\tvalid"}
	for i := range r.Cases {
		c := &r.Cases[i]
		for j := range c.Runs {
			run := &c.Runs[j]
			valid := "yes"
			if len(run.Invalid) > 0 {
				valid = "NO"
			}
			p50, p99, a50, a99 := "-", "-", "-", "-"
			if l := run.EndToEnd; l != nil {
				p50, p99 = ms(l.P50), ms(l.P99)
			}
			if l := run.Ack; l != nil {
				a50, a99 = ms(l.P50), ms(l.P99)
			}
			rows = append(rows, fmt.Sprintf("%s\t%d\t%.1f\t%.2f\t%s\t%s\t%s\t%s\t%.3f%%\t%.2f\t%s", c.Name, j+1, run.RecordsPerSec,
				run.BytesPerSec/1e6, p50, p99, a50, a99, 100*errorRatio(&run.Counts), run.Client.CPUSecondsPerMillion, valid))
		}
	}
	t.table(rows)
	t.line("")
}

// run is the details of one run.
func (t *text) run(c *CaseResult, j int) {
	r := &c.Runs[j]
	title := c.Name
	if len(c.Runs) > 1 {
		title = fmt.Sprintf("%s, run %d", title, j+1)
	}
	t.line("%s", title)
	n := &r.Counts
	t.line("  %d due: %d delivered, %d failed, %d timed out, %d lost, %d expired, %d skipped", n.Due, n.Delivered, n.Failed, n.Timeout, n.Lost, n.Expired+n.TopicRecreated, n.Skipped)
	if c.Producers > 0 {
		t.line("  %d acknowledged and lost, %d duplicate, %d reordered, %d corrupt, %d late, %d of others", n.AcknowledgedLost, n.Duplicate, n.Reordered, n.Corrupt, n.Late, n.Foreign)
	} else {
		t.line("  %d missing, %d duplicate, %d reordered, %d corrupt, %d of others", n.Missing, n.Duplicate, n.Reordered, n.Corrupt, n.Foreign)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Failures)) {
		t.line("  not delivered for %s: %d", reason, r.Failures[reason])
	}
	if r.EndToEnd != nil || r.Ack != nil {
		rows := []string{"  milliseconds\tmean\t" + percentiles}
		for _, leg := range []struct {
			name string
			l    *Latency
		}{{c.meaning(), r.EndToEnd}, {"ack", r.Ack}, {"schedule lag", r.ScheduleLag}} {
			if leg.l != nil {
				rows = append(rows, "  "+leg.name+"\t"+ms(leg.l.Mean)+"\t"+cells(leg.l))
			}
		}
		t.table(rows)
	}
	if len(r.Brokers) > 0 {
		rows := []string{"  broker\trecords/s\tundelivered\t" + percentiles}
		for i := range r.Brokers {
			b := &r.Brokers[i]
			rows = append(rows, fmt.Sprintf("  %d\t%.1f\t%d\t%s", b.Broker, b.RecordsPerSec, b.Counts.Undelivered(), cells(b.EndToEnd)))
		}
		t.table(rows)
	}
	t.line("  client: %.2f CPU s in %.2f s, %.2f CPU s per million records, %d MiB at most", r.Client.CPUSeconds, r.Seconds, r.Client.CPUSecondsPerMillion, r.Client.MaxRSS>>20)
	for _, w := range r.Warnings {
		t.line("  note: %s", w)
	}
	for _, why := range r.Invalid {
		t.line("  INVALID: %s", why)
	}
	if c.Producers > 0 {
		t.line("%s", r.PerfLine())
	}
	t.line("")
}

// meaning is what end to end means in a case.
func (c *Case) meaning() string {
	if c.Consumers == 0 {
		return "due to ack"
	}
	return "end to end"
}

func (t *text) asserts(all []Assertion) {
	for _, a := range all {
		verdict := "FAIL"
		if a.Pass {
			verdict = "pass"
		}
		value := fmt.Sprintf("%.6g", a.Value)
		if !a.Known {
			value = "not known"
		}
		t.line("%s  %s  (%s, run %d: %s)", verdict, a.Text, a.Case, a.Run, value)
	}
	if len(all) > 0 {
		t.line("")
	}
}

// PerfLine is the run in the form in which kafka-producer-perf-test prints it: records acknowledged, the
// time until the last of them, MB of 2^20 bytes, whole milliseconds.
func (r *Run) PerfLine() string {
	l := r.Ack
	if l == nil {
		l = &Latency{}
	}
	return fmt.Sprintf("%d records sent, %.6f records/sec (%.2f MB/sec), %.2f ms avg latency, %.2f ms max latency, %d ms 50th, %d ms 95th, %d ms 99th, %d ms 99.9th.",
		r.Counts.Delivered, r.RecordsPerSec, r.BytesPerSec/(1<<20), l.Mean, l.Max, int(l.P50), int(l.P95), int(l.P99), int(l.P999))
}
