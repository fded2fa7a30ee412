package properties

import (
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

// protocols are the TLS versions, as Java and as this program name them, the oldest first.
var protocols = []struct{ java, ours string }{
	{"TLSv1", "TLS10"}, {"TLSv1.1", "TLS11"}, {"TLSv1.2", "TLS12"}, {"TLSv1.3", "TLS13"},
}

// tls reads the keys that begin with ssl.
func (r *reader) tls() *security.TLS {
	t := new(security.TLS)
	t.CAFile, t.CA = r.store("ssl.truststore", "certificates", "keytool -list -rfc -keystore %[1]s > ca.pem")
	var chain string
	t.CertFile, chain = r.store("ssl.keystore", "certificate.chain",
		"keytool -importkeystore -srckeystore %[1]s -destkeystore me.p12 -deststoretype PKCS12 and openssl pkcs12 -in me.p12 -nodes -out me.pem")
	t.KeyFile = t.CertFile // Java's PEM files hold both
	t.Cert, t.Key = chain, kind.Secret(r.get("ssl.keystore.key"))
	if t.Key != "" && chain == "" {
		r.fail("ssl.keystore.key", "needs its certificate: give ssl.keystore.certificate.chain too")
	}
	if chain != "" && t.Key == "" {
		r.fail("ssl.keystore.certificate.chain", "needs its private key: give ssl.keystore.key too")
	}
	if r.get("ssl.key.password") != "" {
		r.fail("ssl.key.password", "a key with a passphrase is not read: write it out with openssl pkey -in <old file> -out <new file>, and leave this out")
	}
	if key := "ssl.endpoint.identification.algorithm"; r.given(key) && !strings.EqualFold(r.get(key), "https") {
		r.fail(key, "must be https or left out: a broker's name is always compared with its certificate. If they differ, write a configuration file of kafka_prober with tls_config: {server_name: <a name in the certificate>}")
	}
	if enabled := r.get("ssl.enabled.protocols"); enabled != "" {
		t.MinVersion = r.oldest(enabled)
	}
	return t
}

// oldest returns the oldest version of a list.
func (r *reader) oldest(list string) (version string) {
	oldest := len(protocols)
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(protocols, func(p struct{ java, ours string }) bool { return p.java == strings.TrimSpace(name) })
		if i < 0 {
			r.fail("ssl.enabled.protocols", "must be a list of TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3, has %q", strings.TrimSpace(name))
			return ""
		}
		oldest = min(oldest, i)
	}
	return protocols[oldest].ours
}

// store returns the PEM file that a store is, or what is written in the properties themselves. Of another
// store it says how to convert it.
func (r *reader) store(prefix, inlineKey, convert string) (file, inline string) {
	r.get(prefix + ".password") // a PEM file has none
	file, inline = r.get(prefix+".location"), r.get(prefix+"."+inlineKey)
	form := strings.ToUpper(r.get(prefix + ".type"))
	switch {
	case file != "" && inline != "":
		r.fail(prefix+".location", "and %s.%s are both given: leave one out", prefix, inlineKey)
	case file == "" && inline == "" || form == "PEM":
	case inline != "":
		r.fail(prefix+"."+inlineKey, "is for %s.type=PEM only: add that", prefix)
	default:
		if form == "" {
			form = "JKS, since " + prefix + ".type is not given"
		}
		r.fail(prefix+".location", "%s is a store in Java's own form (%s), which is not read here. Convert it: "+convert+
			"; then %[3]s.type=PEM and %[3]s.location=<the .pem file>. If it is PEM already, %[3]s.type=PEM alone is missing", file, form, prefix)
	}
	return file, inline
}
