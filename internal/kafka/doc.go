// Package kafka turns a cluster's settings into franz-go clients.
//
// A Factory belongs to one cluster and listener. Every client it makes carries
// the same identity, the same bounds on dialling and retrying, and the same
// hooks; whoever asks for a client adds the options of its own purpose and may
// override any of them. No interface is wrapped around kgo: tests use kfake.
//
// The hooks feed two things. Traffic counts connections and bytes per broker
// and is a Prometheus collector. LastErrors remembers why each broker last
// failed, so that a record that ran out of time can be given a reason: kgo
// retries in silence and says only that time ran out.
//
// Reason gives any error one name out of a closed set: Kafka's own where Kafka
// answered, else one of Reasons.
package kafka
