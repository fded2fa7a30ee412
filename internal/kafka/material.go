package kafka

import (
	"bytes"
	"cmp"
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
	if t.CAFile != "" || t.CA != "" {
		authority, where, err := f.pem("ca", t.CA, t.CAFile)
		if err != nil {
			return nil, expires, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authority) {
			return nil, expires, fmt.Errorf("%s holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", where)
		}
	}
	if t.CertFile == "" && t.Cert == "" {
		return config, expires, nil
	}
	certificate, where, err := f.pem("cert", t.Cert, t.CertFile)
	if err != nil {
		return nil, expires, err
	}
	key, whereKey, err := f.pem("key", string(t.Key), t.KeyFile)
	if err != nil {
		return nil, expires, err
	}
	if encrypted(key) {
		return nil, expires, fmt.Errorf("%s is encrypted and nobody is here to type its passphrase: write it out with openssl pkey -in %s -out <new file>, and let only this program read it", whereKey, cmp.Or(t.KeyFile, "<old file>"))
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, expires, fmt.Errorf("%s and %s: %w", where, whereKey, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, pair.Leaf.NotAfter, nil
}

// pem returns what is given inline or by file, and where in the settings that is. It is empty if nothing is.
func (f fileSet) pem(key, inline, file string) (content []byte, where string, err error) {
	if file == "" {
		return []byte(inline), key, nil
	}
	if err := f.errs[file]; err != nil {
		return nil, "", fmt.Errorf("read %s_file: %w", key, err)
	}
	return f.contents[file], key + "_file " + file, nil
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
