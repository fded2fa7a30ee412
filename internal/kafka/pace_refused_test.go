package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/security"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// refusals is a broker that answers whoever logs in as Kafka answers a wrong password, until it takes what comes.
type refusals struct {
	addr    string
	factory *Factory
	file    string // of the password
	logins  atomic.Int64
	up      atomic.Bool // whether it takes the right password
}

func newRefusals(t *testing.T, right string) *refusals {
	t.Helper()
	var network kfake.VirtualNetwork
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9001), kfake.ListenFn(network.Listen), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "prober", right))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	r := &refusals{addr: c.ListenAddrs()[0], file: filepath.Join(t.TempDir(), "password")}
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r.logins.Add(1)
		if r.up.Load() && string(req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes) == "\x00prober\x00"+right {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse) // kfake by itself would hang up
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return resp, nil, true
	})
	r.write(t, "wrong")
	r.factory = NewFactory(Settings{
		Cluster: "c", BootstrapServers: []string{r.addr}, Dialer: network.DialContext,
		SASL: &security.SASL{Mechanism: security.Plain, Username: "prober", PasswordFile: r.file},
	}, slog.New(slog.DiscardHandler), nil)
	return r
}

func (r *refusals) write(t *testing.T, password string) {
	t.Helper()
	if err := os.WriteFile(r.file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
}

// attempts lets clients try to connect, again and again, until each has done so once. It returns when each had.
func (r *refusals) attempts(t *testing.T, clients int) (connected func() []time.Time) {
	t.Helper()
	times, began := make([]time.Time, clients), time.Now()
	var all sync.WaitGroup
	for i := range clients {
		client, err := r.factory.Client("test")
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer client.Close()
			for time.Since(began) < time.Minute {
				err := client.Ping(t.Context())
				if err == nil {
					times[i] = time.Now()
					return
				}
				if got := Reason(err); got != "SASL_AUTHENTICATION_FAILED" {
					t.Errorf("got %s of %v", got, err)
				}
				wait(t.Context(), backoff(10))
			}
		})
	}
	return func() []time.Time { all.Wait(); return times }
}

// TestPacedLogin lets 30 clients log in with a password that is refused: together they do so as often as they
// would dial an address that refuses, and each hears why. Once the broker takes it all are in as fast as ever.
func TestPacedLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			clients = 30
			outage  = 10 * time.Second
		)
		r := newRefusals(t, "wrong")
		connected := r.attempts(t, clients)
		wait(t.Context(), outage)
		if n, most := r.logins.Load(), 2*clients+int64(longOutage/dialPause+(outage-longOutage)/longDialPause)+1; n > most || n < 30 {
			t.Errorf("%d logins in %v, want at most %d", n, outage, most)
		}
		back := time.Now()
		r.up.Store(true)
		for _, at := range connected() {
			if took := at.Sub(back); took < 0 || took > longDialPause+maxBackoff {
				t.Errorf("a client was in after %v, want at most %v", took, longDialPause+maxBackoff)
			}
		}
	})
}

// TestPacedHandshake is the same of a certificate that nobody knows, on a real network.
func TestPacedHandshake(t *testing.T) {
	const (
		clients = 30
		outage  = 2 * time.Second
	)
	ours, other := newAuthority(t), newAuthority(t)
	pair, err := other.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	var handshakes atomic.Int64
	c, err := kfake.NewCluster(kfake.NumBrokers(1),
		kfake.TLS(&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			handshakes.Add(1)
			return &cert, nil
		}}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	factory := NewFactory(Settings{Cluster: "c", BootstrapServers: c.ListenAddrs(),
		TLS: &security.TLS{CA: string(ours.PEM)}}, slog.New(slog.DiscardHandler), nil)
	ctx, cancel := context.WithTimeout(t.Context(), outage)
	defer cancel()
	var all sync.WaitGroup
	for range clients {
		client, err := factory.Client("test")
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		all.Go(func() {
			for ctx.Err() == nil {
				if got := Reason(client.Ping(ctx)); got != "CERTIFICATE_UNTRUSTED" && ctx.Err() == nil {
					t.Errorf("got %s", got)
				}
				wait(ctx, backoff(10))
			}
		})
	}
	all.Wait()
	if n, most := handshakes.Load(), int64(2*clients+outage/dialPause+1); n > most || n == 0 {
		t.Errorf("%d handshakes in %v, want some, and at most %d", n, outage, most)
	}
}

func newAuthority(t *testing.T) *testpki.Authority {
	t.Helper()
	authority, err := testpki.New("test authority")
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// TestNewPasswordIsTriedAtOnce: what was refused to the old password keeps nobody from trying the new one.
func TestNewPasswordIsTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefusals(t, "right")
		r.up.Store(true)
		connected := r.attempts(t, 30)
		wait(t.Context(), 10*time.Second)
		r.write(t, "right")
		r.factory.credentials.look() // sees it
		if !r.factory.credentials.look() {
			t.Fatal("the new password is not in force")
		}
		back := time.Now()
		for _, at := range connected() {
			if took := at.Sub(back); took < 0 || took > maxBackoff {
				t.Errorf("a client was in after %v, want at most %v", took, maxBackoff)
			}
		}
	})
}

// TestRefusalsAndOthers: what proves that an address is well, and what says nothing of it.
func TestRefusalsAndOthers(t *testing.T) {
	const addr = "broker:9092"
	down := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	for name, test := range map[string]struct {
		happen func(p *pacer)
		paced  bool
	}{
		"reached after it was down":    {func(p *pacer) { p.note(addr, down, false); p.reached(addr) }, false},
		"reached after a refusal":      {func(p *pacer) { p.connected(addr, kerr.SaslAuthenticationFailed); p.reached(addr) }, true},
		"connected after a refusal":    {func(p *pacer) { p.connected(addr, kerr.SaslAuthenticationFailed); p.connected(addr, nil) }, false},
		"other credentials":            {func(p *pacer) { p.connected(addr, kerr.SaslAuthenticationFailed); p.forgive() }, false},
		"other credentials, down":      {func(p *pacer) { p.note(addr, down, false); p.forgive() }, true},
		"no token":                     {func(p *pacer) { p.connected(addr, &CredentialError{errors.New("no token")}) }, true},
		"silent":                       {func(p *pacer) { p.connected(addr, os.ErrDeadlineExceeded) }, false},
		"breaks off while it comes up": {func(p *pacer) { p.connected(addr, new(kgo.ErrFirstReadEOF)) }, false},
		"our own doing":                {func(p *pacer) { p.connected(addr, context.Canceled) }, false},
	} {
		p := new(pacer)
		test.happen(p)
		if _, paced := p.failed[addr]; paced != test.paced {
			t.Errorf("%s: paced %v, want %v", name, paced, test.paced)
		}
	}
}
