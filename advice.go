package main

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/connect"
	"github.com/kafka-prober/kafka_prober/prober/reach"
)

// advices say what usually lies behind the reason of an error, and what to do.
var advices = map[string]string{
	kafka.ReasonConnectionRefused:           "nobody listens on that port: is the broker up, and is this its listener's port?",
	kafka.ReasonConnectionReset:             "the connection was broken on the way: a firewall, a load balancer, or a broker going down",
	kafka.ReasonClosedOnConnect:             "the connection was accepted and closed at once: the listener may want TLS or SASL",
	kafka.ReasonConnectionClosed:            "the broker closed the connection: look into its log",
	kafka.ReasonDialTimeout:                 "nobody answers on that address: look at the network and at firewalls",
	kafka.ReasonHostUnreachable:             "there is no way to that host: look at routes and addresses",
	kafka.ReasonDNSError:                    "the name does not resolve here: look at its spelling and at this host's DNS",
	kafka.ReasonNoResponse:                  "connected, but no answer in time: the broker may be frozen, or overloaded, or the port may not be Kafka's",
	kafka.ReasonDeadlineExceeded:            "no answer in time: the broker may be frozen or overloaded",
	kafka.ReasonNotKafka:                    "something answers there that does not speak Kafka's protocol: an HTTP server, or a listener that wants TLS?",
	kafka.ReasonTLSError:                    "TLS could not be agreed on: look at the certificate, its names and its authority",
	kafka.ReasonTLSNotSpoken:                "the listener does not speak TLS: leave tls_config out, or give the port of a TLS listener",
	kafka.ReasonCertExpired:                 "the broker's certificate is not valid now: renew it, or set this host's clock",
	kafka.ReasonCertUntrusted:               "the broker's certificate is of an authority that is not known here: give the authority's certificate as tls_config.ca_file",
	kafka.ReasonCertWrongName:               "the broker's certificate is for another name: dial it by a name that is in it, or set tls_config.server_name",
	kafka.ReasonCertRefused:                 "the broker does not accept the client's certificate, or wants one: look at tls_config.cert_file and at the authority that the broker trusts",
	kafka.ReasonCredentials:                 "look at the files and environment variables that tls_config and sasl name",
	kafka.ReasonAddressNotMapped:            "add the address that the broker advertises to address_map, with the address to dial",
	kafka.ReasonLocalResources:              "this host is out of file descriptors, ports or buffers",
	kafka.ReasonUnknownBroker:               "the cluster no longer lists that broker",
	kafka.ReasonUnknown:                     "something that has no name here",
	kerr.SaslAuthenticationFailed.Message:   "the broker refuses these credentials: look at the user and the password or token",
	kerr.UnsupportedSaslMechanism.Message:   "the listener does not offer this mechanism: look at sasl.mechanism",
	kerr.IllegalSaslState.Message:           "the listener wants no SASL: leave sasl out, or give the port of a SASL listener",
	kerr.TopicAuthorizationFailed.Message:   "the prober's principal has no right to do that with the topic",
	kerr.ClusterAuthorizationFailed.Message: "the prober's principal has no right to do that with the cluster",
	kerr.UnsupportedVersion.Message:         "the broker is too old for this request, or does not offer it",
}

// phaseAdvices say what lies behind a connection that the broker closes, by the phase in which it does.
var phaseAdvices = map[reach.Phase]string{
	reach.APIVersions: "the connection was accepted and closed at once: the listener may want TLS or SASL, or be none of Kafka's",
	reach.SASL:        "the listener closes the connection during authentication: look at sasl and at the broker's log",
	reach.Metadata:    "the listener closes the connection at the first request that needs a login: it wants SASL (sasl)",
}

// advice returns what an operator should look at for an error.
func advice(err error) string {
	reason := kafka.Reason(err)
	if failed, ok := errors.AsType[*connect.Error](err); ok {
		if reason == kafka.ReasonTLSError && failed.Phase == reach.APIVersions {
			return "the listener wants TLS: give tls_config, or the port of a plaintext listener"
		}
		words, known := phaseAdvices[failed.Phase]
		if known && (reason == kafka.ReasonConnectionClosed || reason == kafka.ReasonConnectionReset) {
			return words
		}
	}
	if words, ok := advices[reason]; ok {
		return words
	}
	return "Kafka answers " + reason
}
