package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// credentialReason names what is wrong before anything is sent.
func credentialReason(err error) string {
	if _, ok := errors.AsType[*UnmappedError](err); ok {
		return ReasonAddressNotMapped
	}
	if _, ok := errors.AsType[*CredentialError](err); ok {
		return ReasonCredentials
	}
	return ""
}

// tlsReason names what crypto/tls and crypto/x509 complain of. What they say in plain text only, such as
// the alerts of the other side, is for textReason.
func tlsReason(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return ReasonCertExpired
		}
		return ReasonCertUntrusted
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ReasonCertUntrusted
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ReasonCertWrongName
	}
	if handshake, ok := errors.AsType[*HandshakeError](err); ok {
		switch timeout, isNet := errors.AsType[net.Error](handshake.Err); {
		case handshake.notTLS():
			return ReasonTLSNotSpoken
		case isNet && timeout.Timeout():
			return ReasonNoResponse
		}
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return ReasonTLSError
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return ReasonTLSError
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return ReasonTLSError
	}
	return ""
}
