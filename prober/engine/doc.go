// Package engine sends probe records when they are due, reads them back and lets the ledger judge each
// exactly once: schedule -> produce -> read -> ledger, on franz-go. One engine serves ten records a
// second and a million.
//
// # Who does what
//
// Three goroutines and kgo's own: the sender waits for the next due time or deadline (on Linux on a
// timerfd: Go's own timers wake an idle process up to a millisecond late), hands records over and lets
// the ledger judge; the reader polls; the opener finds where each partition's reading begins and begins
// it again after trouble. kgo calls one promise at a time per client.
//
// All that is known of a partition is behind that partition's lock, taken once per wake-up, per fetched
// partition and per promise. Nothing is sent to the sink with it held but the counters.
//
// # What keeps the figures the cluster's own
//
// No linger, no compression, no group, no reset policy; a producing client per partition (up to
// maxProducers), because Kafka serves one request at a time per connection and a partition that waits
// for a frozen follower would hold up its neighbours; a reader that starts at exact offsets before
// anything is sent. kgo never judges time here: its delivery timeout fails whole partitions at once.
package engine
