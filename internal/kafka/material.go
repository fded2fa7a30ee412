package kafka

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

// maxSecretFile bounds what is read of a file. Bundles of authorities are some hundred kB.
const maxSecretFile = 4 << 20

// material is one reading of the credentials, ready for use. It is never changed.
type material struct {
	digest   digest
	tls      *tls.Config // nil: plaintext
	expires  time.Time   // end of the client certificate's validity; zero without one
	username string
	password string
	token    string
	tokens   *tokenSource // where tokens come from instead; nil if not from a server
}

type digest = [sha256.Size]byte

// fileSet is the contents of files at one moment.
type fileSet struct {
	names    []string
	contents map[string][]byte
	errs     map[string]error
}

func readFiles(names []string) fileSet {
	f := fileSet{names: names, contents: map[string][]byte{}, errs: map[string]error{}}
	for _, name := range names {
		content, err := readFile(name)
		f.contents[name], f.errs[name] = content, err
	}
	return f
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err == nil && len(content) > maxSecretFile {
		err = fmt.Errorf("%s is larger than %d MiB: that is no credential", name, maxSecretFile>>20)
	}
	return content, err
}

// digest is equal for equal contents.
func (f fileSet) digest() digest {
	sum := sha256.New()
	for _, name := range f.names {
		content := sha256.Sum256(f.contents[name])
		sum.Write(content[:])
		if err := f.errs[name]; err != nil {
			fmt.Fprint(sum, err)
		}
	}
	return digest(sum.Sum(nil))
}

// newMaterial makes credentials of settings and of what their files hold.
func newMaterial(t *security.TLS, s *security.SASL, f fileSet) (*material, error) {
	m := &material{digest: f.digest()}
	var err error
	if t != nil {
		if m.tls, m.expires, err = f.tlsConfig(t); err != nil {
			return nil, err
		}
	}
	if s == nil {
		return m, nil
	}
	m.username = s.Username
	if m.password, err = f.secret("password", s.Password, s.PasswordFile, s.PasswordEnv); err != nil {
		return nil, err
	}
	if m.token, err = f.secret("token", s.Token, s.TokenFile, ""); err != nil {
		return nil, err
	}
	if s.Mechanism == security.MSKIAM {
		if err := m.fromAWSEnvironment(); err != nil {
			return nil, err
		}
	}
	if o := s.OAuth2; o != nil {
		secret, err := f.secret("client_secret", o.ClientSecret, o.ClientSecretFile, o.ClientSecretEnv)
		if err != nil {
			return nil, err
		}
		var config *tls.Config
		if o.TLS != nil {
			if config, _, err = f.tlsConfig(o.TLS); err != nil {
				return nil, fmt.Errorf("oauth2: %w", err)
			}
		}
		m.tokens = newTokenSource(o, secret, config)
	}
	return m, nil
}

// secret returns a secret that is given inline, by file or by environment variable, or "" if it is not.
func (f fileSet) secret(key string, inline kind.Secret, file, env string) (string, error) {
	switch {
	case file != "":
		if err := f.errs[file]; err != nil {
			return "", fmt.Errorf("read %s_file: %w", key, err)
		}
		secret := strings.TrimRight(string(f.contents[file]), "\r\n")
		if secret == "" {
			return "", fmt.Errorf("%s_file %s is empty", key, file)
		}
		return secret, nil
	case env != "":
		secret := strings.TrimRight(os.Getenv(env), "\r\n")
		if secret == "" {
			return "", fmt.Errorf("%s_env: the environment variable %s is not set", key, env)
		}
		return secret, nil
	}
	return string(inline), nil
}

// tlsConfig returns the configuration, and the end of the client certificate's validity.
func (f fileSet) tlsConfig(t *security.TLS) (config *tls.Config, expires time.Time, err error) {
	config = &tls.Config{MinVersion: t.Version(), ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	if t.CAFile != "" {
		if err := f.errs[t.CAFile]; err != nil {
			return nil, expires, fmt.Errorf("read ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(f.contents[t.CAFile]) {
			return nil, expires, fmt.Errorf("ca_file %s holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", t.CAFile)
		}
	}
	if t.CertFile == "" {
		return config, expires, nil
	}
	for key, name := range map[string]string{"cert_file": t.CertFile, "key_file": t.KeyFile} {
		if err := f.errs[name]; err != nil {
			return nil, expires, fmt.Errorf("read %s: %w", key, err)
		}
	}
	if encrypted(f.contents[t.KeyFile]) {
		return nil, expires, fmt.Errorf("key_file %s is encrypted and nobody is here to type its passphrase: write it out with openssl pkey -in %[1]s -out <new file>, and let only this program read it", t.KeyFile)
	}
	pair, err := tls.X509KeyPair(f.contents[t.CertFile], f.contents[t.KeyFile])
	if err != nil {
		return nil, expires, fmt.Errorf("cert_file %s and key_file %s: %w", t.CertFile, t.KeyFile, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, pair.Leaf.NotAfter, nil
}

// encrypted returns whether a PEM file holds a private key that needs a passphrase.
func encrypted(content []byte) bool {
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return false
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return true
		}
		content = bytes.TrimSpace(content)
	}
}

// fromAWSEnvironment fills in what the settings leave out, by the names that AWS's own tools use.
func (m *material) fromAWSEnvironment() error {
	if m.username == "" {
		m.username = os.Getenv("AWS_ACCESS_KEY_ID")
	}
	if m.password == "" {
		m.password = os.Getenv("AWS_SECRET_ACCESS_KEY")
	}
	if m.token == "" {
		m.token = os.Getenv("AWS_SESSION_TOKEN")
	}
	if m.username == "" || m.password == "" {
		return errors.New("AWS_MSK_IAM needs an access key: give username and password_file, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return nil
}
