package main

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
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
	kafka.ReasonLocalResources:              "this host is out of file descriptors, ports or buffers",
	kafka.ReasonUnknownBroker:               "the cluster no longer lists that broker",
	kafka.ReasonUnknown:                     "something that has no name here",
	kerr.SaslAuthenticationFailed.Message:   "the broker refuses these credentials",
	kerr.TopicAuthorizationFailed.Message:   "the prober's principal has no right to do that with the topic",
	kerr.ClusterAuthorizationFailed.Message: "the prober's principal has no right to do that with the cluster",
	kerr.UnsupportedVersion.Message:         "the broker is too old for this request, or does not offer it",
}

// advice returns what an operator should look at for an error.
func advice(err error) string {
	reason := kafka.Reason(err)
	if words, ok := advices[reason]; ok {
		return words
	}
	return "Kafka answers " + reason
}
