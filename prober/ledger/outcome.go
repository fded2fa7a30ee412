package ledger

// Outcome is what became of a record, for the client that sent it.
type Outcome uint8

// The outcomes, in the order of the design's table. Skipped is in no histogram and no objective.
const (
	Delivered Outcome = iota
	Failed
	Timeout
	Lost
	Expired
	TopicRecreated
	Skipped
	NumOutcomes int = iota
)

var outcomeNames = [NumOutcomes]string{"delivered", "failed", "timeout", "lost", "expired", "topic_recreated", "skipped"}

// String returns the outcome as the value of the label "outcome".
func (o Outcome) String() string { return outcomeNames[o] }

// Skip is why a record was skipped: the prober's own absence, never Kafka's.
type Skip uint8

// The reasons for skipping, values of the label "reason" of records_skipped_total.
const (
	Suspended    Skip = iota // the process did not run: SIGSTOP, a frozen container, a suspended machine
	Starting                 // due before the prober had its first connection, and it had that soon
	ShuttingDown             // in flight when the process, or by a reload the probe, was told to end
	NumSkips     int  = iota
)

var skipNames = [NumSkips]string{"suspended", "starting", "shutting_down"}

// String returns the reason as the value of the label "reason".
func (s Skip) String() string { return skipNames[s] }

// Anomaly is something that should not happen to a record, counted beside its outcome, never instead.
type Anomaly uint8

// The anomalies. Each is a counter of its own.
const (
	AcknowledgedLost Anomaly = iota // acknowledged, and the reader's position passed it, or it was cut off the log later: the one to page on
	Duplicate                       // read again at another offset
	Reordered                       // read after a later record of the same producer epoch; both acknowledged
	Corrupt                         // ours by its run id, but its bytes have changed
	Late                            // read after its deadline
	Ghost                           // read although Kafka had refused it
	Rewind                          // the log was truncated below what had been read
	Unreadable                      // a stretch of the log that no client can read was stepped over
	NumAnomalies     int     = iota
)

var anomalyNames = [NumAnomalies]string{
	"acknowledged_lost", "duplicate", "reordered", "corrupt", "late", "ghost", "rewind", "unreadable",
}

// String returns the anomaly's name, which is its series' name too.
func (a Anomaly) String() string { return anomalyNames[a] }

// Foreign is why a record in the probe's topic is not this run's. Such records are ignored.
type Foreign uint8

// The kinds of foreign records, values of the label "reason" of records_foreign_total.
const (
	NotAProbeRecord Foreign = iota // another magic, or too short
	OtherVersion                   // a probe record in a format of another release
	DamagedForeign                 // a probe record whose bytes have changed, with another run's id
	OtherRun                       // another prober's, or an earlier run's
	Misplaced                      // this run's, but meant for another partition
	NeverSent                      // claims to be this run's, but this run has not sent such a slot
	Stale                          // this run's, but so old that nothing is known of it any more
	Diagnostic                     // sent by the prober to learn an error's name
	NumForeign      int     = iota
)

var foreignNames = [NumForeign]string{
	"not_a_probe_record", "other_version", "damaged", "other_run", "misplaced", "never_sent", "stale", "diagnostic",
}

// String returns the kind as the value of the label "reason".
func (f Foreign) String() string { return foreignNames[f] }
