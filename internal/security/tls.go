package security

import (
	"crypto/tls"
	"errors"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// TLS is Prometheus' tls_config. Its presence switches TLS on; with nothing
// inside, brokers are verified against the system's authorities.
type TLS struct {
	CAFile             string      `yaml:"ca_file" help:"PEM file of the authorities that may have signed the brokers' certificates; the system's if left out"`
	CA                 string      `yaml:"ca" help:"the same, written here instead"`
	CertFile           string      `yaml:"cert_file" help:"PEM file of the client's certificate, followed by those between it and its authority"`
	Cert               string      `yaml:"cert" help:"the same, written here instead"`
	KeyFile            string      `yaml:"key_file" help:"PEM file of the client certificate's private key, not encrypted"`
	Key                kind.Secret `yaml:"key" help:"the same, written here instead. Better in a file"`
	ServerName         string      `yaml:"server_name" help:"name to expect in the brokers' certificates; the host that is dialled if left out"`
	InsecureSkipVerify bool        `yaml:"insecure_skip_verify" help:"accept any certificate: whoever is on the way can then read and change everything, credentials included"`
	MinVersion         string      `yaml:"min_version" default:"TLS12" help:"oldest TLS version to agree to: TLS10, TLS11, TLS12 or TLS13"`
}

// versions are the values of TLS.MinVersion; "" is the default.
var versions = map[string]uint16{
	"": tls.VersionTLS12, "TLS10": tls.VersionTLS10, "TLS11": tls.VersionTLS11, "TLS12": tls.VersionTLS12, "TLS13": tls.VersionTLS13,
}

// Version returns MinVersion as crypto/tls numbers it.
func (t *TLS) Version() uint16 { return versions[t.MinVersion] }

// Files returns the files that the settings name, in a fixed order.
func (t *TLS) Files() []string { return named(t.CAFile, t.CertFile, t.KeyFile) }

// Validate reports what is wrong with the settings, without looking at files.
func (t *TLS) Validate() error {
	var errs []error
	if _, known := versions[t.MinVersion]; !known {
		errs = append(errs, kind.Errorf("min_version", "must be TLS10, TLS11, TLS12 or TLS13, is %q", t.MinVersion))
	}
	errs = append(errs,
		onlyOne("authority", given("ca_file", t.CAFile), given("ca", t.CA)),
		onlyOne("certificate", given("cert_file", t.CertFile), given("cert", t.Cert)),
		onlyOne("private key", given("key_file", t.KeyFile), given("key", string(t.Key))))
	certificate, key := given("cert_file", t.CertFile)+given("cert", t.Cert), given("key_file", t.KeyFile)+given("key", string(t.Key))
	if certificate != "" && key == "" {
		errs = append(errs, kind.Errorf(certificate, "a client certificate needs its private key: give key_file too"))
	}
	if key != "" && certificate == "" {
		errs = append(errs, kind.Errorf(key, "a private key needs its certificate: give cert_file too"))
	}
	if authority := given("ca_file", t.CAFile) + given("ca", t.CA); t.InsecureSkipVerify && authority != "" {
		errs = append(errs, kind.Errorf("insecure_skip_verify", "makes %s useless: leave out one of them", authority))
	}
	return errors.Join(errs...)
}

// named returns the file names that are not empty.
func named(files ...string) []string {
	var all []string
	for _, file := range files {
		if file != "" {
			all = append(all, file)
		}
	}
	return all
}
