package connect_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
	"github.com/kafka-prober/kafka_prober/prober/connect"
	"github.com/kafka-prober/kafka_prober/prober/reach"
)

// walker returns a configuration for a listener without TLS and SASL, to be changed by the test.
func walker() *connect.Config {
	return &connect.Config{
		Timeout: time.Second, ClientID: "test", Software: "test", Version: "1",
		TLS:       func(string) (*tls.Config, error) { return nil, nil },
		Mechanism: func() sasl.Mechanism { return nil },
		Reason:    kafka.Reason, Handshake: kafka.Handshake,
	}
}

func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// certificates returns a broker's and a client's configuration that fit.
func certificates(t *testing.T, ends time.Time) (broker, client *tls.Config) {
	t.Helper()
	authority, err := testpki.New("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(testpki.Leaf{NotAfter: ends})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	client = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	client.RootCAs.AppendCertsFromPEM(authority.PEM)
	return &tls.Config{Certificates: []tls.Certificate{cert}}, client
}

// TestWalk goes all the way by each way in.
func TestWalk(t *testing.T) {
	t.Parallel()
	ends := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	brokerTLS, clientTLS := certificates(t, ends)
	user := func(ctx context.Context) (scram.Auth, error) { return scram.Auth{User: "u", Pass: "p"}, nil }
	for name, test := range map[string]struct {
		broker []kfake.Opt
		tls    *tls.Config
		sasl   sasl.Mechanism
		want   string // phases, TLS version and mechanism
	}{
		"plaintext":     {nil, nil, nil, "[dial api_versions metadata] TLS <> SASL <>"},
		"TLS":           {[]kfake.Opt{kfake.TLS(brokerTLS)}, clientTLS, nil, "[dial tls api_versions metadata] TLS <TLS 1.3> SASL <>"},
		"PLAIN":         {[]kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p")}, nil, plain.Auth{User: "u", Pass: "p"}.AsMechanism(), "[dial api_versions sasl metadata] TLS <> SASL <PLAIN>"},
		"SCRAM and TLS": {[]kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "u", "p"), kfake.TLS(brokerTLS)}, clientTLS, scram.Sha512(user), "[dial tls api_versions sasl metadata] TLS <TLS 1.3> SASL <SCRAM-SHA-512>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := fake(t, append(test.broker, kfake.NumBrokers(3))...)
			w := walker()
			w.TLS = func(string) (*tls.Config, error) { return test.tls, nil }
			w.Mechanism = func() sasl.Mechanism { return test.sasl }
			addrs := cluster.ListenAddrs()
			a, brokers, err := w.Walk(t.Context(), connect.Broker{ID: 1, Addr: addrs[1]})
			if err != nil {
				t.Fatal(err)
			}
			var taken []string
			for i := range reach.NumPhases {
				if a.Taken[i] {
					taken = append(taken, reach.Phase(i).String())
					if a.Took[i] <= 0 || a.Took[i] > w.Timeout {
						t.Errorf("%s took %v", reach.Phase(i), a.Took[i])
					}
				}
			}
			if got := fmt.Sprintf("%v TLS <%s> SASL <%s>", taken, a.TLSVersion, a.Mechanism); got != test.want || a.Broker != 1 || !a.OK() {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if test.tls != nil && !a.CertificateEnds.Equal(ends) {
				t.Errorf("the certificate ends %v, want %v", a.CertificateEnds, ends)
			}
			if want := []connect.Broker{{ID: 0, Addr: addrs[0]}, {ID: 1, Addr: addrs[1]}, {ID: 2, Addr: addrs[2]}}; !slices.Equal(brokers, want) {
				t.Errorf("brokers %v, want %v", brokers, want)
			}
		})
	}
}

// TestWalkFails names the phase and the reason. Where SASL fails the fake hangs up; what Kafka answers is
// in the tests of package main that have a real one.
func TestWalkFails(t *testing.T) {
	t.Parallel()
	brokerTLS, clientTLS := certificates(t, time.Time{})
	_, strangerTLS := certificates(t, time.Time{})
	needsSASL := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p")}
	wrong := plain.Auth{User: "u", Pass: "wrong"}.AsMechanism()
	server := func(opts ...kfake.Opt) func(t *testing.T) string {
		return func(t *testing.T) string { return fake(t, append(opts, kfake.NumBrokers(1))...).ListenAddrs()[0] }
	}
	for name, test := range map[string]struct {
		addr func(t *testing.T) string
		tls  *tls.Config
		sasl sasl.Mechanism
		want string
	}{
		"no such name":       {addr: func(*testing.T) string { return "kafka.invalid:9092" }, want: "resolve DNS_ERROR"},
		"nobody there":       {addr: closedPort, want: "dial CONNECTION_REFUSED"},
		"frozen":             {addr: listen(func(c net.Conn) { io.Copy(io.Discard, c) }), want: "api_versions NO_RESPONSE"},
		"frozen, TLS":        {addr: listen(func(c net.Conn) { io.Copy(io.Discard, c) }), tls: clientTLS, want: "tls NO_RESPONSE"},
		"no Kafka":           {addr: listen(func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), want: "api_versions NOT_KAFKA"},
		"not ours":           {addr: server(kfake.TLS(brokerTLS)), tls: strangerTLS, want: "tls CERTIFICATE_UNTRUSTED"},
		"no TLS":             {addr: listen(func(c net.Conn) { c.Read(make([]byte, 512)) }), tls: clientTLS, want: "tls TLS_NOT_SPOKEN"},
		"TLS wanted":         {addr: server(kfake.TLS(brokerTLS)), want: "api_versions CONNECTION_CLOSED"},
		"TLS wanted, said":   {addr: listen(func(c net.Conn) { io.WriteString(c, "\x15\x03\x03\x00\x02\x02\x0a") }), want: "api_versions TLS_ERROR"},
		"SASL wanted":        {addr: server(needsSASL...), want: "metadata CONNECTION_CLOSED"},
		"SASL not wanted":    {addr: server(), sasl: wrong, want: "sasl CONNECTION_CLOSED"},
		"wrong password":     {addr: server(needsSASL...), sasl: wrong, want: "sasl CONNECTION_CLOSED"},
		"mechanism, unknown": {addr: server(needsSASL...), sasl: scram.Auth{User: "u", Pass: "p"}.AsSha256Mechanism(), want: "sasl CONNECTION_CLOSED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := walker()
			w.TLS = func(string) (*tls.Config, error) { return test.tls, nil }
			w.Mechanism = func() sasl.Mechanism { return test.sasl }
			a, _, err := w.Walk(t.Context(), connect.Broker{Addr: test.addr(t)})
			if got := a.Failed.String() + " " + a.Reason; got != test.want {
				t.Errorf("got %s, want %s, of %v", got, test.want, err)
			}
			if failed, ok := errors.AsType[*connect.Error](err); !ok || failed.Phase != a.Failed {
				t.Errorf("the error does not name the phase: %v", err)
			}
		})
	}
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listen returns the address of a server that serves each connection with fn and then closes it.
func listen(fn func(net.Conn)) func(*testing.T) string {
	return func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					fn(conn)
				}()
			}
		}()
		return l.Addr().String()
	}
}
