package security

import (
	"crypto/tls"
	"errors"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// TLS is Prometheus' tls_config. Its presence switches TLS on; with nothing
// inside, brokers are verified against the system's authorities.
type TLS struct {
	CAFile             string `yaml:"ca_file" help:"PEM file of the authorities that may have signed the brokers' certificates; the system's if left out"`
	CertFile           string `yaml:"cert_file" help:"PEM file of the client's certificate, followed by those between it and its authority"`
	KeyFile            string `yaml:"key_file" help:"PEM file of the client certificate's private key, not encrypted"`
	ServerName         string `yaml:"server_name" help:"name to expect in the brokers' certificates; the host that is dialled if left out"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify" help:"accept any certificate: whoever is on the way can then read and change everything, credentials included"`
	MinVersion         string `yaml:"min_version" default:"TLS12" help:"oldest TLS version to agree to: TLS10, TLS11, TLS12 or TLS13"`
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
	if t.CertFile != "" && t.KeyFile == "" {
		errs = append(errs, kind.Errorf("cert_file", "a client certificate needs its private key: give key_file too"))
	}
	if t.KeyFile != "" && t.CertFile == "" {
		errs = append(errs, kind.Errorf("key_file", "a private key needs its certificate: give cert_file too"))
	}
	if t.InsecureSkipVerify && t.CAFile != "" {
		errs = append(errs, kind.Errorf("insecure_skip_verify", "makes ca_file useless: leave out one of them"))
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
