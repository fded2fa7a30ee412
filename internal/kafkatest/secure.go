package kafkatest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// The listeners that Secure adds. Those in TLS show certificates for localhost and 127.0.0.1 unless they
// say otherwise.
const (
	SSLListener     = "SSL"            // TLS
	MTLSListener    = "MTLS"           // TLS, and a client certificate of the same authority is required
	ExpiredListener = "EXPIRED"        // TLS with a certificate that ended an hour ago
	RenamedListener = "RENAMED"        // TLS with a certificate for kafka.example.com
	SASLListener    = "SASL_PLAINTEXT" // PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512
	SASLSSLListener = "SASL_SSL"       // the same in TLS
	OAuthListener   = "OAUTH"          // OAUTHBEARER; Kafka takes unsigned tokens, see UnsecuredToken
)

// Security is what a test needs to get in by one of Secure's listeners.
type Security struct {
	Authority *testpki.Authority
	Users     map[string]string // of PLAIN, with their passwords; those of SCRAM are for the test to make
}

// NewSecurity makes an authority.
func NewSecurity(users map[string]string) (*Security, error) {
	authority, err := testpki.New("kafkatest")
	if err != nil {
		return nil, err
	}
	return &Security{authority, users}, nil
}

// Secure adds a listener for every way in, and the standard authorizer: who comes in by PLAINTEXT, as the
// brokers do, may do everything, everybody else what ACLs allow. The principal of a client certificate is
// User:CN=<its name>.
func Secure(s *Security) (Option, error) {
	config := map[string]string{
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":           "User:ANONYMOUS",
	}
	past := testpki.Leaf{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	for name, leaf := range map[string]testpki.Leaf{
		SSLListener: {}, MTLSListener: {}, SASLSSLListener: {}, ExpiredListener: past, RenamedListener: {Hosts: []string{"kafka.example.com"}},
	} {
		pair, err := s.Authority.Issue(leaf)
		if err != nil {
			return nil, err
		}
		maps.Copy(config, KeyStore(name, s.Authority, pair))
	}
	config[prefix(MTLSListener)+"ssl.client.auth"] = "required"
	for _, name := range []string{SASLListener, SASLSSLListener} {
		config[prefix(name)+"sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		config[prefix(name)+"plain.sasl.jaas.config"] = plainUsers(s.Users)
		for _, hash := range []string{"256", "512"} {
			config[prefix(name)+"scram-sha-"+hash+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	config[prefix(OAuthListener)+"sasl.enabled.mechanisms"] = "OAUTHBEARER"
	config[prefix(OAuthListener)+"oauthbearer.sasl.jaas.config"] = `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
	return func(settings *settings) {
		maps.Copy(settings.config, config)
		settings.listeners = append(settings.listeners,
			listener{SSLListener, "SSL"}, listener{MTLSListener, "SSL"}, listener{ExpiredListener, "SSL"}, listener{RenamedListener, "SSL"},
			listener{SASLListener, "SASL_PLAINTEXT"}, listener{SASLSSLListener, "SASL_SSL"}, listener{OAuthListener, "SASL_PLAINTEXT"})
	}, nil
}

// KeyStore returns the broker configuration that gives a listener its certificate and the authority of its
// clients. It may be set on a running broker too.
func KeyStore(listener string, authority *testpki.Authority, pair testpki.Pair) map[string]string {
	at := prefix(listener)
	return map[string]string{
		at + "ssl.keystore.type": "PEM", at + "ssl.keystore.certificate.chain": string(pair.Cert), at + "ssl.keystore.key": string(pair.Key),
		at + "ssl.truststore.type": "PEM", at + "ssl.truststore.certificates": string(authority.PEM),
	}
}

// prefix is that of a listener's own properties.
func prefix(listener string) string { return "listener.name." + strings.ToLower(listener) + "." }

func plainUsers(users map[string]string) string {
	var b strings.Builder
	b.WriteString("org.apache.kafka.common.security.plain.PlainLoginModule required")
	for user, password := range users {
		fmt.Fprintf(&b, " user_%s=%q", user, password)
	}
	return b.String() + ";"
}
