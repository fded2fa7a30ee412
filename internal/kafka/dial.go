package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// handshakeTimeout bounds a TLS handshake, which on a busy broker takes longer than to be accepted.
const handshakeTimeout = 2 * time.Second

// HandshakeError is a TLS handshake that failed.
type HandshakeError struct {
	Addr string // host:port
	Err  error
}

// Error says what it means where Go's own words do not.
func (e *HandshakeError) Error() string {
	if e.notTLS() {
		return fmt.Sprintf("TLS handshake with %s: the other side breaks it off, as a listener without TLS does (%v)", e.Addr, e.Err)
	}
	return fmt.Sprintf("TLS handshake with %s: %v", e.Addr, e.Err)
}

// Unwrap returns the error of crypto/tls or of the connection.
func (e *HandshakeError) Unwrap() error { return e.Err }

// notTLS returns whether the other side answered something else or broke off: a plaintext listener takes
// the greeting for a request of 369 MB and closes the connection.
func (e *HandshakeError) notTLS() bool {
	if _, ok := errors.AsType[tls.RecordHeaderError](e.Err); ok {
		return true
	}
	return errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, syscall.ECONNRESET)
}

// Handshake makes a TLS connection of a plain one, which it closes if that fails. Its errors are
// HandshakeErrors, but for ctx's own.
func Handshake(ctx context.Context, conn net.Conn, addr string, config *tls.Config) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake's error is the one that counts
		return nil, &HandshakeError{addr, err}
	}
	return secure, nil
}

// dial opens a connection with the credentials that are in force: TCP, and TLS on it.
func (f *Factory) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m, err := f.credentials.current()
	if err != nil {
		return nil, err
	}
	conn, err := f.open(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if config := m.tlsConfig(host); config != nil {
		if conn, err = Handshake(ctx, conn, addr, config); err != nil {
			if m == f.credentials.inForce.Load() {
				f.pacer.connected(addr, err)
			}
			return nil, err
		}
	}
	return f.credentials.conns.add(conn, m), nil
}
