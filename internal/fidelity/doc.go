// Package fidelity measures the prober itself, side by side with the least that a franz-go program can do
// (floor) and with the tool that Kafka ships. Nothing here is linked into the daemon.
//
//	floor    the minimal loop, of a page: what the client library and the cluster cost by themselves
//	ours     the daemon's engine without the daemon, watched from outside by hooks of the client library
//	probe    how ours is run, for ours and for the truth test
//	brokers  many fake brokers in a process of their own
//
// Its tests carry the build tag bench and are what `make bench` runs, 25 minutes in all. Each can be had
// alone, and each length is a flag (main_test.go), for instance
//
//	go test -tags bench -count 1 -v -run TestFidelity ./internal/fidelity -args -fidelity.pairs=2
//
// They are:
//
//	TestHotPath   one record's own work: nanoseconds and allocations
//	TestFidelity  latency beside the floor and Kafka's EndToEndLatency, in interleaved pairs
//	TestCost      CPU time and memory of the daemon beside the floor
//	TestTruth     an added delay is measured as what it is
//	TestScale     a hundred brokers
//	TestPartitions  scrapes, memory and requests with 100,000 fake partitions
//	TestPartitionsOnKafka  the same with 3,000 real ones
//
// But for those of partitions, all figures are ratios of two things that ran in turn on the same machine and cluster: absolute ones
// differ by a factor of two between two runs of the same thing. A ratio is printed as the median of its
// pairs with a bootstrapped 95 % interval, and the median is what a limit is compared with.
package fidelity
