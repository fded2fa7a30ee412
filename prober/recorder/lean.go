package recorder

import "github.com/kafka-prober/kafka_prober/prober/ledger"

// A lean probe runs beside the steady one, which says most of it already. It has few series from the
// start: the identity of due and outcomes, the end-to-end latency without classic buckets, its own
// lateness, and what nobody should lose for want of a zero to grow from. Other outcomes and anomalies
// appear once there is something to tell; legs and coverage are the steady probe's to tell.

// leanOutcomes are those that a lean probe shows from the start.
var leanOutcomes = [ledger.NumOutcomes]bool{ledger.Delivered: true, ledger.Failed: true, ledger.Timeout: true, ledger.Lost: true}

// leanAnomalies are those that a lean probe shows from the start.
var leanAnomalies = [ledger.NumAnomalies]bool{ledger.AcknowledgedLost: true, ledger.Corrupt: true}

// leanHistograms are those of a lean probe. Classic buckets are most of what a histogram costs: only who
// asks for all gets them.
func leanHistograms(classic string) histograms {
	if classic != ClassicAll {
		classic = ClassicNone
	}
	var all histograms
	for _, id := range []seriesID{endToEnd, scheduleLag} {
		all[id] = newHistogram(id, classic)
	}
	return all
}
