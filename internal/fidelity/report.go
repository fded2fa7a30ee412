package fidelity

import (
	"slices"
	"time"
)

// Report is what a run measured after its warm-up. Processes print it as one line of JSON; durations are
// nanoseconds then.
type Report struct {
	Count  int `json:"count"`  // records sent after the warm-up and read back
	Failed int `json:"failed"` // of those sent, whatever went wrong with them

	// EndToEnd is from just before the record was given to the client library until it was read.
	EndToEnd Quantiles `json:"end_to_end"`

	Cost

	Own *Own `json:"own,omitempty"` // what only our engine has
}

// Own is what is measured of the prober's own doing.
type Own struct {
	FromDue          Quantiles `json:"from_due"`           // end to end as the prober reports it, from due
	ScheduleLag      Quantiles `json:"schedule_lag"`       // from due to handed to the client library
	Produce          Quantiles `json:"produce"`            // the prober's own figure for write to acknowledgement
	FetchedToStamped Quantiles `json:"fetched_to_stamped"` // from fetched by the client library to the stamp of the read
}

// Quantiles sum up some durations.
type Quantiles struct {
	P50  time.Duration `json:"p50"`
	P99  time.Duration `json:"p99"`
	Mean time.Duration `json:"mean"`
}

// Summarize sorts d and sums it up; without any the result is zero.
func Summarize(d []time.Duration) Quantiles {
	if len(d) == 0 {
		return Quantiles{}
	}
	slices.Sort(d)
	var sum time.Duration
	for _, v := range d {
		sum += v
	}
	return Quantiles{P50: d[len(d)/2], P99: d[len(d)*99/100], Mean: sum / time.Duration(len(d))}
}
