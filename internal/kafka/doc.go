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
// Where the settings ask for TLS or SASL, every client dials and logs in with the
// credentials that are in force at that moment. Watch reads their files again and
// again: what is new is used by new connections at once, and connections that were
// made before are closed one after the other, while they wait for no answer where
// that is possible. What can't be used changes nothing and shows in
// credential_reload_success. A mechanism is a case in mechanism.go.
//
// What one client learns of an address that is down, or that refuses TLS or SASL,
// is known to all of the factory, so that an outage costs one attempt in a while
// and not one of each client (see pacer). New credentials are tried at once.
//
// Reason gives any error one name out of a closed set: Kafka's own where Kafka
// answered, else one of Reasons.
package kafka
