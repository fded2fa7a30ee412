package ledger

// LatencyBounds are the upper bounds, in seconds, of whatever counts latencies in fixed buckets: fine
// around 1-100 ms, where healthy clusters are, and with every usual timeout and threshold on a bound of
// its own. A quantile is known no better than between two of them, so thresholds are checked against them.
var LatencyBounds = [...]float64{
	.0005, .001, .002, .003, .005, .0075, .01, .015, .02, .03, .05, .075, .1, .2, .5, 1, 2, 5, 10, 30, 60,
}
