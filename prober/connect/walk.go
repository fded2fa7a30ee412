package connect

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/kafka-prober/kafka_prober/prober/reach"
)

// Config says how to walk. It is not changed once it is in use.
type Config struct {
	Timeout time.Duration // of a whole attempt

	ClientID string // as Kafka's request logs see it
	Software string // for ApiVersions: letters, digits, '.' and '-'
	Version  string // of the software, in the same letters

	// Address says where to dial for an address that a broker advertises; nil means there.
	Address   func(addr string) (string, error)
	TLS       func(host string) (*tls.Config, error) // nil configuration: a plain connection
	Mechanism func() sasl.Mechanism                  // nil mechanism: no SASL
	Reason    func(error) string                     // names an error

	// Handshake makes a TLS connection of a plain one, which it closes if that fails.
	Handshake func(ctx context.Context, conn net.Conn, addr string, config *tls.Config) (*tls.Conn, error)
	// Dial opens a connection, as net.Dialer.DialContext does, names included; nil means that names are
	// resolved and their addresses dialled.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Broker is a broker as metadata names it, on the listener that was asked.
type Broker struct {
	ID   int32
	Addr string // host:port
}

// Error is a phase that failed.
type Error struct {
	Phase reach.Phase
	Addr  string // host:port
	Err   error
}

// Error returns "phase with host:port: cause".
func (e *Error) Error() string { return fmt.Sprintf("%s of %s: %v", e.Phase, e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Walk goes all the way to a broker and leaves again. It returns how that went and, if all went well, the
// brokers that this one names; else the error is an *Error.
func (c *Config) Walk(ctx context.Context, to Broker) (reach.Attempt, []Broker, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	w := walk{config: c, to: to, attempt: reach.Attempt{Broker: to.ID}}
	defer func() {
		if w.conn != nil {
			_ = w.conn.Close() // nothing is outstanding on it
		}
	}()
	for _, step := range []struct {
		phase reach.Phase
		take  func(context.Context) (skip bool, err error)
	}{
		{reach.Resolve, w.resolve}, {reach.Dial, w.dial}, {reach.TLS, w.tls},
		{reach.APIVersions, w.apiVersions}, {reach.SASL, w.sasl}, {reach.Metadata, w.metadata},
	} {
		start := time.Now()
		skip, err := step.take(ctx)
		if err != nil {
			w.attempt.Failed, w.attempt.Reason = step.phase, c.Reason(err)
			return w.attempt, nil, &Error{step.phase, to.Addr, err}
		}
		if !skip {
			w.attempt.Taken[step.phase], w.attempt.Took[step.phase] = true, time.Since(start)
		}
	}
	return w.attempt, w.brokers, nil
}

// walk is one attempt under way.
type walk struct {
	config  *Config
	to      Broker
	attempt reach.Attempt

	host      string
	addresses []string // what the host resolves to, with the port
	conn      net.Conn
	wire      wire
	brokers   []Broker
}

func (w *walk) resolve(ctx context.Context) (skip bool, err error) {
	if w.host, _, err = net.SplitHostPort(w.to.Addr); err != nil { // certificates name what is advertised
		return false, err
	}
	dialled := w.to.Addr
	if w.config.Address != nil {
		if dialled, err = w.config.Address(w.to.Addr); err != nil {
			return false, err
		}
	}
	host, port, err := net.SplitHostPort(dialled)
	if err != nil {
		return false, err
	}
	if _, err := netip.ParseAddr(host); err == nil || w.config.Dial != nil {
		w.addresses = []string{dialled}
		return true, nil
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return false, err
	}
	for _, address := range found {
		w.addresses = append(w.addresses, net.JoinHostPort(address, port))
	}
	return false, nil
}

// dial tries the addresses one after the other. Each but the last has its share of the time only.
func (w *walk) dial(ctx context.Context) (skip bool, err error) {
	dial := w.config.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	deadline, _ := ctx.Deadline()
	for i, address := range w.addresses {
		share := time.Until(deadline) / time.Duration(len(w.addresses)-i)
		trying, cancel := context.WithTimeout(ctx, share)
		w.conn, err = dial(trying, "tcp", address)
		cancel()
		if err == nil {
			return false, w.conn.SetDeadline(deadline)
		}
	}
	return false, err
}

func (w *walk) tls(ctx context.Context) (skip bool, err error) {
	config, err := w.config.TLS(w.host)
	if config == nil || err != nil {
		return true, err
	}
	plain := w.conn
	w.conn = nil // Handshake closes it if it fails
	secure, err := w.config.Handshake(ctx, plain, w.to.Addr, config)
	if err != nil {
		return false, err
	}
	w.conn = secure
	state := secure.ConnectionState()
	w.attempt.TLSVersion = tls.VersionName(state.Version)
	for _, certificate := range state.PeerCertificates {
		if ends := w.attempt.CertificateEnds; ends.IsZero() || certificate.NotAfter.Before(ends) {
			w.attempt.CertificateEnds = certificate.NotAfter
		}
	}
	return false, nil
}

func (w *walk) apiVersions(context.Context) (skip bool, err error) {
	w.wire = wire{conn: w.conn, formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID(w.config.ClientID))}
	return false, w.wire.apiVersions(w.config.Software, w.config.Version)
}

func (w *walk) sasl(ctx context.Context) (skip bool, err error) {
	mechanism := w.config.Mechanism()
	if mechanism == nil {
		return true, nil
	}
	w.attempt.Mechanism = mechanism.Name()
	return false, w.wire.authenticate(ctx, mechanism, w.to.Addr)
}

func (w *walk) metadata(context.Context) (skip bool, err error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, where nil is all
	resp := kmsg.NewPtrMetadataResponse()
	if err := w.wire.request(req, resp); err != nil {
		return false, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return false, err
	}
	for _, b := range resp.Brokers {
		w.brokers = append(w.brokers, Broker{b.NodeID, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))})
	}
	slices.SortFunc(w.brokers, func(a, b Broker) int { return int(a.ID) - int(b.ID) })
	return false, nil
}
