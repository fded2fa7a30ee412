package kafka_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// pki is an authority, and the files of a test.
type pki struct {
	*testpki.Authority
	dir string
}

func newPKI(t *testing.T) pki {
	t.Helper()
	authority, err := testpki.New("test authority")
	if err != nil {
		t.Fatal(err)
	}
	p := pki{authority, t.TempDir()}
	p.write(t, "ca.pem", authority.PEM)
	return p
}

func (p pki) path(name string) string { return filepath.Join(p.dir, name) }

func (p pki) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(p.path(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return p.path(name)
}

func (p pki) issue(t *testing.T, leaf testpki.Leaf) testpki.Pair {
	t.Helper()
	pair, err := p.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// server returns the configuration of a broker whose certificate is as leaf says.
func (p pki) server(t *testing.T, leaf testpki.Leaf) *tls.Config {
	t.Helper()
	pair := p.issue(t, leaf)
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// mutual lets a broker want certificates of this authority.
func (p pki) mutual(config *tls.Config) *tls.Config {
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	config.ClientCAs.AppendCertsFromPEM(p.PEM)
	return config
}

// ping connects with the settings and returns the error.
func ping(t *testing.T, servers []string, tls *security.TLS, sasl *security.SASL) error {
	t.Helper()
	factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: servers, TLS: tls, SASL: sasl}, quiet, nil)
	return newClient(t, factory, kgo.RequestRetries(0), kgo.RequestTimeoutOverhead(time.Second)).Ping(t.Context())
}

// TestWaysIn is one fake broker per way, and what each misfit is called.
func TestWaysIn(t *testing.T) {
	ours, other := newPKI(t), newPKI(t)
	client := ours.issue(t, testpki.Leaf{Name: "prober"})
	cert, key := ours.write(t, "me.pem", client.Cert), ours.write(t, "me.key", client.Key)
	past := testpki.Leaf{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	with := func(c *tls.Config) []kfake.Opt { return []kfake.Opt{kfake.TLS(c)} }
	login := func(mechanism string) []kfake.Opt {
		return []kfake.Opt{kfake.EnableSASL(), kfake.Superuser(mechanism, "prober", "hunter2")}
	}
	as := func(mechanism, password string) *security.SASL {
		return &security.SASL{Mechanism: mechanism, Username: "prober", PasswordFile: ours.write(t, password, []byte(password+"\n"))}
	}
	trusting := &security.TLS{CAFile: ours.path("ca.pem")}
	for _, test := range []struct {
		name   string
		broker []kfake.Opt
		tls    *security.TLS
		sasl   *security.SASL
		want   string // reason; "" if it works
	}{
		{"TLS", with(ours.server(t, testpki.Leaf{})), trusting, nil, ""},
		{"TLS, authority not known", with(other.server(t, testpki.Leaf{})), trusting, nil, "CERTIFICATE_UNTRUSTED"},
		{"TLS, expired", with(ours.server(t, past)), trusting, nil, "CERTIFICATE_EXPIRED"},
		{"TLS, wrong name", with(ours.server(t, testpki.Leaf{Hosts: []string{"kafka-1"}})), trusting, nil, "CERTIFICATE_WRONG_NAME"},
		{"TLS, other name expected", with(ours.server(t, testpki.Leaf{Hosts: []string{"kafka-1"}})), &security.TLS{CAFile: ours.path("ca.pem"), ServerName: "kafka-1"}, nil, ""},
		{"TLS, anything goes", with(other.server(t, past)), &security.TLS{InsecureSkipVerify: true}, nil, ""},
		{"TLS, too old", with(&tls.Config{Certificates: ours.server(t, testpki.Leaf{}).Certificates, MaxVersion: tls.VersionTLS12}), &security.TLS{CAFile: ours.path("ca.pem"), MinVersion: "TLS13"}, nil, "TLS_ERROR"},
		{"mutual TLS", with(ours.mutual(ours.server(t, testpki.Leaf{}))), &security.TLS{CAFile: ours.path("ca.pem"), CertFile: cert, KeyFile: key}, nil, ""},
		{"mutual TLS, no certificate", with(ours.mutual(ours.server(t, testpki.Leaf{}))), trusting, nil, "CERTIFICATE_REFUSED"},
		{"mutual TLS, of another authority", with(other.mutual(ours.server(t, testpki.Leaf{}))), &security.TLS{CAFile: ours.path("ca.pem"), CertFile: cert, KeyFile: key}, nil, "CERTIFICATE_REFUSED"},
		{"mutual TLS, all in the settings", with(ours.mutual(ours.server(t, testpki.Leaf{}))), &security.TLS{CA: string(ours.PEM), Cert: string(client.Cert), Key: kind.Secret(client.Key)}, nil, ""},
		{"PLAIN", login("PLAIN"), nil, as("PLAIN", "hunter2"), ""},
		{"SCRAM-SHA-256", login("SCRAM-SHA-256"), nil, as("SCRAM-SHA-256", "hunter2"), ""},
		{"SCRAM-SHA-512 in TLS", append(login("SCRAM-SHA-512"), with(ours.server(t, testpki.Leaf{}))...), trusting, as("SCRAM-SHA-512", "hunter2"), ""},
		{"SASL missing", login("PLAIN"), nil, nil, "CLOSED_ON_CONNECT"},
		{"mechanism not offered", login("PLAIN"), nil, as("OAUTHBEARER", "hunter2"), "UNSUPPORTED_SASL_MECHANISM"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.sasl != nil && test.sasl.Mechanism == security.OAuthBearer {
				test.sasl = &security.SASL{Mechanism: security.OAuthBearer, Token: "x"}
			}
			cluster := newCluster(t, append(test.broker, kfake.NumBrokers(1))...)
			start := time.Now()
			err := ping(t, cluster.ListenAddrs(), test.tls, test.sasl)
			if got := kafka.Reason(err); got != test.want {
				t.Errorf("got %q, want %q, of %v", got, test.want, err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A plaintext listener takes the greeting of TLS for the size of a request and hangs up; some say nothing.
func TestTLSToWhatDoesNotSpeakIt(t *testing.T) {
	for name, test := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"hangs up":  {func(c net.Conn) { c.Read(make([]byte, 1024)) }, "TLS_NOT_SPOKEN"},
		"resets":    {func(c net.Conn) { c.Read(make([]byte, 1)); c.(*net.TCPConn).SetLinger(0) }, "TLS_NOT_SPOKEN"},
		"speaks":    {answer("HTTP/1.1 400 Bad Request\r\n\r\n"), "TLS_NOT_SPOKEN"},
		"is silent": {func(c net.Conn) { io.Copy(io.Discard, c) }, "NO_RESPONSE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ping(t, []string{listener(test.serve)(t)}, new(security.TLS), nil)
			if got := kafka.Reason(err); got != test.want {
				t.Errorf("got %q, want %q, of %v", got, test.want, err)
			}
		})
	}
}

// What can't be used is said by every connection, in words, and shows nothing of its content.
func TestUnusableCredentials(t *testing.T) {
	p := newPKI(t)
	pair := p.issue(t, testpki.Leaf{})
	cert := p.write(t, "me.pem", pair.Cert)
	encrypted := p.write(t, "encrypted.key", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVudGVyMg==\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	old := p.write(t, "old.key", []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----\n"))
	junk := p.write(t, "junk", []byte("hunter2"))
	empty := p.write(t, "empty", []byte("\n"))
	for name, test := range map[string]struct {
		tls  *security.TLS
		sasl *security.SASL
		want string
	}{
		"no ca file":         {&security.TLS{CAFile: "/none"}, nil, "read ca_file: open /none: no such file or directory"},
		"no certificate":     {&security.TLS{CAFile: junk}, nil, "ca_file " + junk + " holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"},
		"empty ca file":      {&security.TLS{CAFile: empty}, nil, "ca_file " + empty + " holds no certificate in PEM form"},
		"no key in place":    {&security.TLS{Cert: string(pair.Cert), Key: "hunter2"}, nil, "cert and key: tls: failed to find any PEM data in key input"},
		"encrypted":          {&security.TLS{CertFile: cert, KeyFile: encrypted}, nil, "key_file " + encrypted + " is encrypted and nobody is here to type its passphrase: write it out with openssl pkey -in " + encrypted + " -out <new file>, and let only this program read it"},
		"encrypted, old":     {&security.TLS{CertFile: cert, KeyFile: old}, nil, "key_file " + old + " is encrypted and nobody"},
		"no key":             {&security.TLS{CertFile: cert, KeyFile: junk}, nil, "cert_file " + cert + " and key_file " + junk + ": tls: failed to find any PEM data in key input"},
		"no password file":   {nil, &security.SASL{Mechanism: "PLAIN", Username: "u", PasswordFile: "/none"}, "read password_file: open /none: no such file or directory"},
		"empty":              {nil, &security.SASL{Mechanism: "PLAIN", Username: "u", PasswordFile: empty}, "password_file " + empty + " is empty"},
		"no such variable":   {nil, &security.SASL{Mechanism: "PLAIN", Username: "u", PasswordEnv: "KAFKA_PROBER_TEST_UNSET"}, "password_env: the environment variable KAFKA_PROBER_TEST_UNSET is not set"},
		"no client secret":   {nil, &security.SASL{Mechanism: "OAUTHBEARER", OAuth2: &security.OAuth2{ClientSecretFile: "/none"}}, "read client_secret_file: open /none: no such file or directory"},
		"no access key, IAM": {nil, &security.SASL{Mechanism: "AWS_MSK_IAM", Username: "u"}, "AWS_MSK_IAM needs an access key: give username and password_file, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ping(t, []string{"127.0.0.1:1"}, test.tls, test.sasl)
			if got, ok := errors.AsType[*kafka.CredentialError](err); !ok || !strings.HasPrefix(got.Error(), "credentials can't be used: "+test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVu") {
				t.Errorf("shows a secret: %v", err)
			}
		})
	}
}
