package bench

import (
	"fmt"
	"math"
)

const (
	// rateTolerance is how far below the rate that was asked for a run may stay.
	rateTolerance = 0.01
	// lagShare is the part of the end-to-end 99th percentile that this host's own lateness may be.
	lagShare = 0.1
	// lagLimit is below which, in milliseconds, lateness is no matter.
	lagLimit = 1.0
)

// judge says of a run why its figures are not to be used, and what to know when using them.
func judge(r *Run, c *Case) {
	invalid := func(format string, args ...any) { r.Invalid = append(r.Invalid, fmt.Sprintf(format, args...)) }
	n := &r.Counts
	if n.AcknowledgedLost > 0 {
		invalid("%d acknowledged records were lost", n.AcknowledgedLost)
	}
	if n.Missing > 0 {
		invalid("%d records are missing between others of their sender: lost, refused or never sent; the report of the bench that sent them tells which", n.Missing)
	}
	if n.Corrupt > 0 {
		invalid("%d records came back with changed bytes", n.Corrupt)
	}
	if bad := n.Undelivered(); bad > 0 {
		invalid("%d of %d records were not delivered within %v", bad, n.Due, c.Timeout)
	}
	if n.Skipped > 0 {
		invalid("%d records were skipped: this process was suspended or starved for a while", n.Skipped)
	}
	if n.Delivered == 0 && !r.Partial {
		invalid("nothing was delivered")
	}
	if c.Rate > 0 && c.Producers > 0 && r.Sending > 0 && !r.Partial {
		// A partition's slots are due anywhere in their intervals, and the fullest partition ends last. The end is looked for every so often.
		partitions := float64(max(1, c.Partitions))
		planned := math.Ceil(float64(n.Due)/partitions) * partitions / c.Rate
		if late := r.Sending - planned; late > rateTolerance*planned+2*look.Seconds()+0.05 {
			invalid("%v records/s were asked for and %.0f were sent: this host or its clients' buffers are too slow; lower --rate, or raise --producers or --buffer-memory",
				c.Rate, float64(n.Due)/r.Sending)
		}
	}
	if l := r.ScheduleLag; l != nil && r.EndToEnd != nil && l.P99 > lagLimit && l.P99 > lagShare*r.EndToEnd.P99 {
		invalid("this host handed records over late, %.1f ms at p99 of an end-to-end p99 of %.1f ms: it is overloaded, and its lateness is in the figures",
			l.P99, r.EndToEnd.P99)
	}
	if n.Duplicate > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d records came twice", n.Duplicate))
	}
	if n.Reordered > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d records came out of order", n.Reordered))
	}
	if r.Partial {
		r.Warnings = append(r.Warnings, "interrupted: the figures are of what was sent until then")
	}
}
