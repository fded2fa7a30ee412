package kafka_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/security"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestReason(t *testing.T) {
	socket := func(op string, errno syscall.Errno) error {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
	}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{kerr.NotEnoughReplicas, "NOT_ENOUGH_REPLICAS"},
		{kerr.NotLeaderForPartition, "NOT_LEADER_OR_FOLLOWER"},
		{fmt.Errorf("login: %w", kerr.SaslAuthenticationFailed), "SASL_AUTHENTICATION_FAILED"},
		{fmt.Errorf("%w, last err: %w", kgo.ErrRecordTimeout, kerr.LeaderNotAvailable), "LEADER_NOT_AVAILABLE"},
		{fmt.Errorf("%w, last err: %w", kgo.ErrRecordTimeout, socket("dial", syscall.ECONNREFUSED)), "CONNECTION_REFUSED"},
		{kgo.ErrRecordTimeout, "RECORD_TIMEOUT"},
		{kgo.ErrRecordRetries, "RECORD_RETRIES_EXHAUSTED"},
		{kgo.ErrMaxBuffered, "BUFFER_FULL"},
		{fmt.Errorf("produce: %w", kgo.ErrClientClosed), "CLIENT_CLOSED"},
		{&kgo.ErrDataLoss{Topic: "t"}, "DATA_LOSS"},
		{context.Canceled, "CONTEXT_CANCELED"},
		{context.DeadlineExceeded, "DEADLINE_EXCEEDED"},
		{fmt.Errorf("unable to dial: %w", context.DeadlineExceeded), "DIAL_TIMEOUT"},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "DIAL_TIMEOUT"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "NO_RESPONSE"},
		{socket("dial", syscall.ETIMEDOUT), "DIAL_TIMEOUT"},
		{socket("read", syscall.ETIMEDOUT), "NO_RESPONSE"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsTimeout: true}}, "DNS_ERROR"},
		{socket("dial", syscall.EHOSTUNREACH), "HOST_UNREACHABLE"},
		{socket("dial", syscall.ENETUNREACH), "HOST_UNREACHABLE"},
		{socket("dial", syscall.EADDRNOTAVAIL), "LOCAL_RESOURCES"},
		{socket("dial", syscall.EMFILE), "LOCAL_RESOURCES"},
		{socket("read", syscall.ECONNRESET), "CONNECTION_RESET"},
		{socket("write", syscall.EPIPE), "CONNECTION_RESET"},
		{io.EOF, "CONNECTION_CLOSED"},
		{fmt.Errorf("read size: %w", io.ErrUnexpectedEOF), "CONNECTION_CLOSED"},
		{net.ErrClosed, "CONNECTION_CLOSED"},
		{kbin.ErrNotEnoughData, "NOT_KAFKA"},
		{x509.UnknownAuthorityError{}, "CERTIFICATE_UNTRUSTED"},
		{fmt.Errorf("handshake: %w", x509.HostnameError{Certificate: new(x509.Certificate), Host: "h"}), "CERTIFICATE_WRONG_NAME"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "CERTIFICATE_EXPIRED"},
		{x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}, "CERTIFICATE_UNTRUSTED"},
		{&kafka.HandshakeError{Err: io.EOF}, "TLS_NOT_SPOKEN"},
		{fmt.Errorf("unable to dial: %w", &kafka.HandshakeError{Err: context.DeadlineExceeded}), "NO_RESPONSE"},
		{&kafka.CredentialError{Err: os.ErrNotExist}, "CREDENTIALS_UNUSABLE"},
		{fmt.Errorf("unable to dial: %w", &kafka.UnmappedError{Addr: "kafka-1:9092"}), "ADDRESS_NOT_MAPPED"},
		{errors.New("something else"), "UNKNOWN"},
	} {
		if got := kafka.Reason(test.err); got != test.want {
			t.Errorf("%v: got %q, want %q", test.err, got, test.want)
		}
	}
}

// What a client really gets from the things that are found at a wrong address.
func TestReasonOfRealErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		addr func(t *testing.T) string
		tls  *security.TLS
		want string
	}{
		{name: "closed port", addr: closedPort, want: "CONNECTION_REFUSED"},
		{name: "HTTP server", addr: listener(answer("HTTP/1.1 400 Bad Request\r\n\r\n")), want: "NOT_KAFKA"},
		{name: "HTTP server that waits for the end of the line", addr: httpServer, want: "NO_RESPONSE"},
		{name: "TLS server", addr: listener(answer("\x15\x03\x03\x00\x02\x02\x0a")), want: "TLS_ERROR"},
		{name: "TLS server that hangs up", addr: tlsServer, want: "CLOSED_ON_CONNECT"},
		{name: "TLS to a server without", addr: httpServer, tls: new(security.TLS), want: "TLS_NOT_SPOKEN"},
		{name: "unknown authority", addr: tlsServer, tls: new(security.TLS), want: "CERTIFICATE_UNTRUSTED"},
		{name: "TLS never answered", addr: listener(func(c net.Conn) { io.Copy(io.Discard, c) }), tls: new(security.TLS), want: "NO_RESPONSE"},
		{name: "silent server", addr: listener(func(c net.Conn) { io.Copy(io.Discard, c) }), want: "NO_RESPONSE"},
		{name: "server that hangs up", addr: listener(func(c net.Conn) { c.Read(make([]byte, 1024)) }), want: "CLOSED_ON_CONNECT"},
		{name: "server that resets", addr: listener(func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }), want: "CONNECTION_RESET"},
		{name: "negative size", addr: listener(answer("\xff\xff\xff\xff\x00\x00\x00\x00")), want: "NOT_KAFKA"},
		{name: "size beyond reason", addr: listener(answer("\x7f\xff\xff\xff\x00\x00\x00\x00")), want: "NOT_KAFKA"},
		{name: "wrong correlation id", addr: listener(answer("\x00\x00\x00\x06\x00\x00\x00\x63\x00\x00")), want: "NOT_KAFKA"},
		{name: "too short", addr: listener(answer("\x00\x00\x00\x05\x00\x00\x00\x00\x00")), want: "NOT_KAFKA"},
		{name: "name that does not resolve", addr: func(*testing.T) string { return "kafka.invalid:9092" }, want: "DNS_ERROR"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{test.addr(t)}, TLS: test.tls}, quiet, nil)
			client, err := factory.Client("test", kgo.RequestRetries(0), kgo.RequestTimeoutOverhead(300*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			err = client.Ping(t.Context())
			if got := kafka.Reason(err); got != test.want {
				t.Errorf("got %s, want %s, of %v", got, test.want, err)
			}
			if got, _, _ := factory.LastErrors().LastAny(); got != test.want {
				t.Errorf("the last error is %s, want %s", got, test.want)
			}
		})
	}
}

// A broker that metadata does not name, and a request it does not know.
func TestReasonOfRequests(t *testing.T) {
	cluster := newCluster(t, kfake.NumBrokers(1))
	client := newClient(t, newFactory(cluster, nil))
	_, err := client.Broker(7).Request(t.Context(), metadataRequest())
	if got := kafka.Reason(err); got != "UNKNOWN_BROKER" {
		t.Errorf("got %s of %v", got, err)
	}
	_, err = client.Request(t.Context(), quorumRequest())
	if got := kafka.Reason(err); got != "UNSUPPORTED_VERSION" {
		t.Errorf("got %s of %v", got, err)
	}
	cluster.Close()
}

func TestReasonsIsTheClosedSet(t *testing.T) {
	all := kafka.Reasons()
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("not sorted, or one twice: %v", all)
	}
	for _, reason := range []string{kafka.ReasonUnknown, kafka.ReasonDialTimeout, kafka.ReasonDNSError, kafka.ReasonRetriesExhausted} {
		if !slices.Contains(all, reason) {
			t.Errorf("%s is missing", reason)
		}
	}
	all[0] = "changed"
	if kafka.Reasons()[0] == "changed" {
		t.Error("the caller can change the set")
	}
}

func closedPort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func httpServer(t *testing.T) string {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func tlsServer(t *testing.T) string {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = nolog
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// answer reads one request of any kind and answers the bytes.
func answer(response string) func(net.Conn) {
	return func(c net.Conn) {
		c.Read(make([]byte, 1024))
		io.WriteString(c, response)
		io.Copy(io.Discard, c)
	}
}

// listener returns the address of a server that serves each connection with fn
// and then closes it.
func listener(fn func(net.Conn)) func(*testing.T) string {
	return func(t *testing.T) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		go func() {
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					fn(conn)
				}()
			}
		}()
		return ln.Addr().String()
	}
}
