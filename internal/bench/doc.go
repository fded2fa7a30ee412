// Package bench measures once, for a person, what the daemon's probes measure all the time: how fast a
// cluster takes records and gives them back. It runs the probes' own engine with another sink, so that a
// figure of a bench and one on a dashboard mean the same thing.
//
// The way of a run, one file each:
//
//	param.go    the parameters: each is a flag, a field of the report, and may be a list
//	plan.go     lists make a matrix: the cases, times the repeats
//	run.go      a case: topic, engines, warm-up, the measured stretch, the end
//	meter.go    the engine's sink: histograms and counts, by broker and by second
//	result.go   what was measured, as data: the documented JSON (docs/bench.md)
//	verdict.go  what makes a run invalid; assert.go what the caller asked of it
//	text.go     what a person reads; live.go what is shown meanwhile
//
// A stretch begins and ends quiet: nothing is outstanding before it and all is judged after it. So each
// record of it is counted once, and what came before it (the warm-up) is in no figure.
package bench
