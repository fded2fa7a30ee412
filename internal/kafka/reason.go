package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Names that Reason gives to what happened on this side of the wire. They are
// written like Kafka's, beside which they stand in the label `reason`.
const (
	ReasonAddressNotMapped  = "ADDRESS_NOT_MAPPED"       // there is an address map, and what a broker advertises is not in it
	ReasonBufferFull        = "BUFFER_FULL"              // the client's own buffer was full
	ReasonCertExpired       = "CERTIFICATE_EXPIRED"      // the broker's certificate is out of its time, by this host's clock
	ReasonCertRefused       = "CERTIFICATE_REFUSED"      // the broker does not accept the client's certificate, or that there is none
	ReasonCertUntrusted     = "CERTIFICATE_UNTRUSTED"    // no authority known here has signed the broker's certificate
	ReasonCertWrongName     = "CERTIFICATE_WRONG_NAME"   // the broker's certificate is for other names
	ReasonClientClosed      = "CLIENT_CLOSED"            // this process closed the client
	ReasonClosedOnConnect   = "CLOSED_ON_CONNECT"        // accepted, then closed before any answer: TLS or SASL missing, a load balancer without a backend, a broker going down
	ReasonConnectionClosed  = "CONNECTION_CLOSED"        // the broker closed a working connection
	ReasonConnectionRefused = "CONNECTION_REFUSED"       // nobody listens on the port
	ReasonConnectionReset   = "CONNECTION_RESET"         // the peer or something on the way broke the connection
	ReasonContextCanceled   = "CONTEXT_CANCELED"         // this process gave the request up
	ReasonCredentials       = "CREDENTIALS_UNUSABLE"     // this side's password, token or certificate can't be read or made use of
	ReasonDataLoss          = "DATA_LOSS"                // a consumer found that the log was truncated
	ReasonDeadlineExceeded  = "DEADLINE_EXCEEDED"        // the caller's time ran out, nobody knows where
	ReasonDialTimeout       = "DIAL_TIMEOUT"             // no connection within the dial timeout
	ReasonDNSError          = "DNS_ERROR"                // the host name did not resolve
	ReasonHostUnreachable   = "HOST_UNREACHABLE"         // no route to host or network
	ReasonLocalResources    = "LOCAL_RESOURCES"          // this host ran out of file descriptors, ports or buffers
	ReasonNoResponse        = "NO_RESPONSE"              // connected and asked, no answer in time: a frozen broker or a lost network
	ReasonNotKafka          = "NOT_KAFKA"                // something answered that does not speak Kafka's protocol
	ReasonRecordTimeout     = "RECORD_TIMEOUT"           // kgo.RecordDeliveryTimeout passed, cause unknown
	ReasonRetriesExhausted  = "RECORD_RETRIES_EXHAUSTED" // kgo.RecordRetries were used up; the record may have been appended
	ReasonTLSError          = "TLS_ERROR"                // TLS can't be agreed on, or this side does without and the broker does not
	ReasonTLSNotSpoken      = "TLS_NOT_SPOKEN"           // this side wants TLS, the listener does not speak it
	ReasonUnknown           = "UNKNOWN"                  // none of these; the log has the text
	ReasonUnknownBroker     = "UNKNOWN_BROKER"           // metadata does not name the broker
)

var reasons = []string{
	ReasonAddressNotMapped, ReasonBufferFull, ReasonCertExpired, ReasonCertRefused, ReasonCertUntrusted, ReasonCertWrongName, ReasonClientClosed, ReasonCredentials, ReasonClosedOnConnect, ReasonConnectionClosed, ReasonConnectionRefused,
	ReasonConnectionReset, ReasonContextCanceled, ReasonDNSError, ReasonDataLoss, ReasonDeadlineExceeded,
	ReasonDialTimeout, ReasonHostUnreachable, ReasonLocalResources, ReasonNoResponse, ReasonNotKafka,
	ReasonRecordTimeout, ReasonRetriesExhausted, ReasonTLSError, ReasonTLSNotSpoken, ReasonUnknown, ReasonUnknownBroker,
}

// Reasons returns the names that are not Kafka's, sorted.
func Reasons() []string { return slices.Sorted(slices.Values(reasons)) }

// Reason names an error for the label `reason`: with the name of the error that
// Kafka answered (NOT_ENOUGH_REPLICAS, SASL_AUTHENTICATION_FAILED...), else with
// one of Reasons. Where an error wraps several, the most specific one counts. No
// error has the name "".
func Reason(err error) string {
	if err == nil {
		return ""
	}
	if answer, ok := errors.AsType[*kerr.Error](err); ok {
		return kafkaName(answer)
	}
	for _, name := range []func(error) string{clientReason, credentialReason, tlsReason, dialReason, socketReason, textReason, recordReason} {
		if reason := name(err); reason != "" {
			return reason
		}
	}
	return ReasonUnknown
}

// kafkaName returns Kafka's present name of an error it answered.
func kafkaName(err *kerr.Error) string {
	if err.Code == kerr.NotLeaderForPartition.Code {
		return "NOT_LEADER_OR_FOLLOWER" // renamed in Kafka 2.6, not in kerr
	}
	return err.Message
}

// clientReason names what this process did itself.
func clientReason(err error) string {
	switch {
	case errors.Is(err, kgo.ErrClientClosed):
		return ReasonClientClosed
	case errors.Is(err, kgo.ErrMaxBuffered):
		return ReasonBufferFull
	case errors.Is(err, context.Canceled):
		return ReasonContextCanceled
	}
	if _, ok := errors.AsType[*kgo.ErrDataLoss](err); ok {
		return ReasonDataLoss
	}
	return ""
}

// dialReason names what can only go wrong before there is a connection.
func dialReason(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return ReasonDNSError
	}
	op, ok := errors.AsType[*net.OpError](err)
	dialling := ok && op.Op == "dial" || strings.Contains(err.Error(), "unable to dial")
	if timeout, ok := errors.AsType[net.Error](err); dialling && ok && timeout.Timeout() {
		return ReasonDialTimeout
	}
	return ""
}

// socketReason names what the kernel and the net package report.
func socketReason(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		switch errno {
		case syscall.ECONNREFUSED:
			return ReasonConnectionRefused
		case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
			return ReasonConnectionReset
		case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN:
			return ReasonHostUnreachable
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL:
			return ReasonLocalResources
		case syscall.ETIMEDOUT:
			return ReasonNoResponse
		}
	}
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok {
		return ReasonClosedOnConnect
	}
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed} {
		if errors.Is(err, closed) {
			return ReasonConnectionClosed
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ReasonDeadlineExceeded
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return ReasonNoResponse
	}
	if errors.Is(err, kbin.ErrNotEnoughData) {
		return ReasonNotKafka
	}
	return ""
}

// texts are parts of what kgo says in errors that it does not export. The tests
// provoke the real ones, so that a new version that says it otherwise shows.
var texts = []struct{ part, reason string }{
	{"remote error: tls: bad certificate", ReasonCertRefused},
	{"remote error: tls: unsupported certificate", ReasonCertRefused},
	{"remote error: tls: revoked certificate", ReasonCertRefused},
	{"remote error: tls: expired certificate", ReasonCertRefused},
	{"remote error: tls: unknown certificate", ReasonCertRefused},
	{"remote error: tls: certificate required", ReasonCertRefused},
	{"tls: ", ReasonTLSError}, // errors that crypto/tls makes of plain text
	{"appear to be a tls alert record", ReasonTLSError},
	{"the four size bytes are 'HTTP'", ReasonNotKafka},
	{"invalid large response size", ReasonNotKafka},
	{"invalid negative response size", ReasonNotKafka},
	{"short response from ApiVersions request", ReasonNotKafka},
	{"unable to read ApiVersions response", ReasonNotKafka},
	{"correlation ID mismatch", ReasonNotKafka},
	{"the broker connection has died", ReasonConnectionClosed},
	{"unknown broker", ReasonUnknownBroker},
	{"broker is too old", "UNSUPPORTED_VERSION"}, // Kafka's own name of it
}

func textReason(err error) string {
	said := err.Error()
	for _, text := range texts {
		if strings.Contains(said, text.part) {
			return text.reason
		}
	}
	return ""
}

// recordReason names what kgo says of a record whose cause it did not keep.
func recordReason(err error) string {
	switch {
	case errors.Is(err, kgo.ErrRecordTimeout):
		return ReasonRecordTimeout
	case errors.Is(err, kgo.ErrRecordRetries):
		return ReasonRetriesExhausted
	}
	return ""
}
