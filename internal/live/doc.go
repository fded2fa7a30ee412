// Package live shows a bench to Prometheus while it runs: as series to be scraped, and by remote write to a
// receiver. What it shows was measured by the bench itself; nothing is measured twice, and no record waits.
//
//	series.go   the run's series, renewed at each interval of the bench
//	writer.go   sends what a gatherer has to a remote write receiver, now and then and at the end
//	message.go  gathered series in the form of remote write 1.0, which every receiver takes
package live
