// Package reach says how an attempt to reach a broker went, phase by phase, as plain values that go one
// way: from the connect probe into a Sink. It knows neither Kafka's protocol nor Prometheus.
package reach

import "time"

// Phase is a step on the way to a broker, in the order in which they are taken.
type Phase uint8

// The phases. Those that a listener does not have (TLS, SASL) are not taken.
const (
	Resolve     Phase = iota // the advertised name to addresses
	Dial                     // TCP
	TLS                      // handshake
	APIVersions              // the first request, which needs no authentication
	SASL                     // handshake and authentication
	Metadata                 // the first request that needs authentication; needs no further right
	NumPhases   int   = iota
)

var phaseNames = [NumPhases]string{"resolve", "dial", "tls", "api_versions", "sasl", "metadata"}

// String returns the value of the label phase.
func (p Phase) String() string { return phaseNames[p] }

// UnknownBroker is the broker of attempts at a bootstrap server while no broker is known.
const UnknownBroker = int32(-1)

// Attempt is one walk of the way. It ends at the first phase that fails.
type Attempt struct {
	Broker int32 // node id, or UnknownBroker

	Taken [NumPhases]bool          // phases that succeeded
	Took  [NumPhases]time.Duration // how long each of them took, monotonic

	Failed Phase  // the phase that failed; only if Reason is not empty
	Reason string // why: Kafka's error name or one of the client's; empty if none failed

	TLSVersion      string    // as in "TLS 1.3"; empty without TLS
	Mechanism       string    // of SASL; empty without
	CertificateEnds time.Time // the earliest end of the certificates that the broker sent; zero without TLS
}

// OK returns whether the broker was reached.
func (a *Attempt) OK() bool { return a.Reason == "" }

// Sink takes attempts. Its methods are called from several goroutines at once.
type Sink interface {
	// Attempt takes an attempt that has ended. It is not kept.
	Attempt(a *Attempt)
	// Brokers names the brokers that are attempted from now on; series of others end. The slice is not kept.
	Brokers(ids []int32)
}
