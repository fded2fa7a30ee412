// Package ledger judges every record of a probe exactly once. It is a pure state machine: it has no
// clock, no goroutine and no I/O; the engine tells it what happened and when.
//
// A record's life has two questions, and they have different answers. Its *outcome* is what a client
// experienced: fixed once, at its deadline at the latest, and observed in the latency histogram whatever
// it is. Its *fate*, if Kafka acknowledged it, is whether it was ever seen again: followed for longer
// than the deadline, because an acknowledged record that vanished must not hide behind a timeout.
//
//	delivered        read back, intact, before its deadline
//	failed           refused by Kafka for good, and it can't have been appended
//	timeout          neither at its deadline; it may still arrive (then it counts as late, too)
//	lost             acknowledged, and the reader's position went past its offset without it
//	expired          like lost, but retention took it
//	topic_recreated  like lost, but the topic is another one now; also what was handed over before and
//	                 acknowledged after that, if it is not read by its deadline
//	skipped          due while this process was suspended, starting or stopping: nobody's fault
//
// At every moment, per series and in sum: due = delivered + failed + timeout + lost + expired +
// topic_recreated + skipped + in flight.
//
// What is judged leaves through a Sink, in one direction: counts at once and together, so that the
// equation above holds for whoever copies them; results and samples in batches afterwards.
package ledger
