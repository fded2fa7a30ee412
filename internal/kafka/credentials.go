package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/security"
)

// watchInterval is how often the files are read. What is read twice in a row is believed: a file, or a
// certificate and its key, may be caught half written.
const watchInterval = time.Second

// cycleTime is within which connections that were made with older credentials are closed, one after the
// other, so that they are not all made anew at once.
const cycleTime = 10 * time.Second

// CredentialError says that this side's credentials can't be used: a file is missing, or what is in it is
// not what it should be. It quotes no secret.
type CredentialError struct{ Err error }

// Error implements error.
func (e *CredentialError) Error() string { return "credentials can't be used: " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *CredentialError) Unwrap() error { return e.Err }

// credentials are what the clients of one listener prove themselves with, as last read. They are safe for
// concurrent use; only load and watch change them.
type credentials struct {
	tls   *security.TLS  // nil: plaintext
	sasl  *security.SASL // nil: no SASL
	log   *slog.Logger
	conns connections

	renewed func() // called when others are in force

	inForce atomic.Pointer[material] // nil until some could be used
	failure atomic.Pointer[CredentialError]

	mu    sync.Mutex // held by load and look
	seen  digest     // of the last reading
	tried digest     // of the last reading that was put to use, successfully or not
}

// newCredentials reads the credentials for the first time. If they can't be used every connection fails
// with a CredentialError until watch finds that they can.
func newCredentials(s Settings, log *slog.Logger) *credentials {
	c := &credentials{tls: s.TLS, sasl: s.SASL, log: log}
	if !c.any() {
		return c
	}
	f := readFiles(c.files())
	c.seen, c.tried = f.digest(), f.digest()
	if m, err := newMaterial(c.tls, c.sasl, f); err != nil {
		c.failure.Store(&CredentialError{err})
	} else {
		c.inForce.Store(m)
	}
	return c
}

// any returns whether there is anything beside a plain connection.
func (c *credentials) any() bool { return c.tls != nil || c.sasl != nil }

// files returns the files that may change.
func (c *credentials) files() []string {
	var files []string
	if c.tls != nil {
		files = append(files, c.tls.Files()...)
	}
	if c.sasl != nil {
		files = append(files, c.sasl.Files()...)
	}
	return files
}

// current returns what is in force, or why nothing is.
func (c *credentials) current() (*material, error) {
	if m := c.inForce.Load(); m != nil {
		return m, nil
	}
	if err := c.failure.Load(); err != nil {
		return nil, err
	}
	return nil, &CredentialError{errors.New("there are none")}
}

// watch reads the files again and again until ctx is done. New contents are in force within three
// intervals, and connections that were made with the old ones are gone within cycleTime after that.
// Contents that can't be used are logged, and the old ones stay in force.
func (c *credentials) watch(ctx context.Context) {
	if len(c.files()) == 0 {
		return
	}
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c.look() {
			c.conns.cycle(ctx, c.inForce.Load(), cycleTime)
		}
	}
}

// look reads the files once and returns whether other credentials are in force now.
func (c *credentials) look() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := readFiles(c.files())
	now := f.digest()
	settled := now == c.seen
	c.seen = now
	if !settled || now == c.tried {
		return false
	}
	c.tried = now
	m, err := newMaterial(c.tls, c.sasl, f)
	if err != nil {
		c.failure.Store(&CredentialError{err})
		c.log.Error("new credentials can't be used; the old ones stay in force", "err", err)
		return false
	}
	c.failure.Store(nil)
	if old := c.inForce.Load(); old != nil && old.digest == now {
		c.log.Info("credentials are again as those in force")
		return false
	}
	c.inForce.Store(m)
	c.renewed()
	c.log.Info("new credentials are in force", "cycle_seconds", cycleTime.Seconds())
	return true
}

// replaced returns whether a connection was made with other credentials than those in force.
func (c *credentials) replaced(conn net.Conn) bool {
	one, ok := conn.(*connection)
	return ok && one.made != c.inForce.Load()
}

// tlsConfig returns the configuration for a connection to a host, or nil for a plain one.
func (m *material) tlsConfig(host string) *tls.Config {
	if m.tls == nil {
		return nil
	}
	config := m.tls.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	return config
}
