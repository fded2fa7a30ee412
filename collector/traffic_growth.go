package collector

import "time"

// Bounds of what is believed about the growth of a log.
const (
	// maxSlack is how much of the records of a window may be uncertain because
	// they were appended while the broker was asked: the error at worst. A window
	// that is too short for that goes on, or begins anew if that is sooner over.
	maxSlack = 0.02
	// deferredDeletion is how long after its log start moved a log may still
	// shrink for it: Kafka deletes segments every five minutes by default
	// (log.retention.check.interval.ms), DeleteRecords moves the start at once.
	deferredDeletion = 6 * time.Minute
)

// logReading is what a leader's log looked like at one instant.
type logReading struct {
	leader int32         // broker
	at     time.Duration // monotonic, since the collector was made
	start  int64         // log start offset, read after the size
	local  int64         // earliest offset on the broker's own disk; start without tiered storage
	end    float64       // log end offset at the instant the size was read, interpolated
	slack  float64       // records appended while end was found out
	size   int64         // bytes on disk, with the overhead of batches
}

// logGrowth works out how many bytes a partition's records take, from how its
// log grew between two readings. A log also shrinks, when retention deletes a
// segment; a window in which that could have happened gives no answer rather
// than a wrong one. The zero value has seen nothing.
type logGrowth struct {
	base      logReading
	has       bool
	distrust  time.Duration // until then the log may shrink unseen, unless it has been seen to
	lastBytes int64         // size in the last reading, to see it fall
}

// grown is what a partition gained in one window.
type grown struct {
	records  float64 // appended, control records included
	bytes    float64 // they take on disk; 0 unless measured
	measured bool    // whether bytes is known
	vague    bool    // whether records is too uncertain to divide bytes by
}

// take adds a reading and returns what was gained since the window began, or
// nothing while the window goes on. The next window begins here.
func (g *logGrowth) take(r logReading) grown {
	base, had, fell := g.base, g.has, g.has && r.size < g.lastBytes
	g.lastBytes = r.size
	if !had || r.leader != base.leader || r.end < base.end { // another copy of the log, or truncated
		g.begin(r)
		if !had {
			return grown{}
		}
		return grown{records: max(0, r.end-base.end)}
	}
	moved := r.start != base.start || r.local != base.local
	trusted := r.at >= g.distrust
	switch {
	case fell:
		g.distrust = 0 // what was to be deleted is gone
	case moved:
		g.distrust = r.at + deferredDeletion
	}
	records := r.end - base.end
	switch {
	case fell || moved || !trusted:
		g.begin(r)
		return grown{records: records}
	}
	vague := base.slack+r.slack > maxSlack*records || records == 0
	if late := base.slack-r.slack > maxSlack*records; vague && !late { // late: the broker was slow when the window began
		return grown{}
	}
	g.begin(r)
	return grown{records: records, bytes: float64(r.size - base.size), measured: true, vague: vague}
}

func (g *logGrowth) begin(r logReading) { g.base, g.has = r, true }
