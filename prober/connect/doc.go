// Package connect walks the way to a broker as a client's first connection does, and times each step:
// resolve, dial, TLS, ApiVersions, SASL, Metadata.
//
// It speaks the protocol itself: kgo says only how long all of it took, retries in silence, and keeps the
// connection, of which the next attempt would then learn nothing.
package connect
