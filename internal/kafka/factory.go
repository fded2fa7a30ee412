package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/plugin/kslog"

	"github.com/kafka-prober/kafka_prober/internal/security"
)

// Bounds that every client shares. With kgo's own (10 s, 5 s, 250 ms to 5 s) a
// client comes back 1 to 4.5 s after the broker does; with these it is there
// within a tenth of a second.
const (
	dialTimeout    = time.Second            // a broker that does not accept by then is not going to
	metadataMinAge = 250 * time.Millisecond // how soon a new leader can be learnt after the last look
	minBackoff     = 20 * time.Millisecond  // before the first retry
	maxBackoff     = 100 * time.Millisecond // before any later one
)

// SoftwareName is what Kafka's per-client metrics show. Kafka refuses the
// connection of a client whose name or version has other characters than
// letters, digits, '.' and '-', so it can't be kafka_prober.
const SoftwareName = "kafka-prober"

// defaultClientID is used where the settings name none.
const defaultClientID = "kafka_prober"

// DialFunc opens a connection, as net.Dialer.DialContext does. A context that
// ends must end the dialling.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Settings say how to reach one cluster through one of its listeners.
type Settings struct {
	Cluster          string            // value of the label kafka_cluster
	Listener         string            // value of the label listener; "default" if empty
	BootstrapServers []string          // host:port of some of the brokers, at least one
	AddressMap       map[string]string // where to dial instead of what is advertised; nil: there
	ClientID         string            // as Kafka's quotas and request logs see it; "kafka_prober" if empty
	Version          string            // of this program, as Kafka's client metrics see it; from the build if empty
	Dialer           DialFunc          // nil means net.Dialer; tests use kfake.VirtualNetwork

	TLS  *security.TLS  // nil: plaintext
	SASL *security.SASL // nil: no authentication
}

// Factory makes the clients of one cluster and listener. It holds no
// connection: closing a client is up to who asked for it. A Factory is safe for
// concurrent use.
type Factory struct {
	settings Settings
	log      *slog.Logger
	hooks    *hooks
	errors   *LastErrors

	credentials *credentials
	pacer       *pacer
	open        DialFunc // a plain connection, paced and bounded
}

// NewFactory returns a factory that logs to log, to which it adds the cluster and
// listener, and counts in traffic. In an outage every client says the same thing
// ten times a second, so a long-lived program hands over a rate-limited log (see
// logging.RateLimited). traffic may be nil; factories of the same cluster and
// listener share their counts. It reads the files that the settings name; what is
// wrong with them is the error of every connection, until Watch finds them mended.
func NewFactory(s Settings, log *slog.Logger, traffic *Traffic) *Factory {
	if s.Listener == "" {
		s.Listener = "default"
	}
	if s.ClientID == "" {
		s.ClientID = defaultClientID
	}
	if s.Version == "" {
		s.Version = buildVersion()
	}
	s.Version = softwareVersion(s.Version)
	s.BootstrapServers, s.AddressMap = slices.Clone(s.BootstrapServers), maps.Clone(s.AddressMap)
	errors := newLastErrors()
	log = log.With("kafka_cluster", s.Cluster, "listener", s.Listener)
	counts := traffic.counts(s.Cluster, s.Listener)
	pacer := new(pacer)
	credentials := newCredentials(s, log)
	credentials.renewed = pacer.forgive
	counts.credentials.Store(credentials)
	dial := s.Dialer
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	f := &Factory{
		settings:    s,
		log:         log,
		hooks:       &hooks{counts: counts, errors: errors, pacer: pacer, credentials: credentials},
		errors:      errors,
		credentials: credentials,
		pacer:       pacer,
	}
	f.open = pacer.paced(boundedDial(f.mapped(dial)))
	return f
}

// Watch reads the files of the credentials again and again until ctx is done, and
// puts what is new in them to use: on new connections at once, on those that are
// open by closing them one after the other. It returns at once if there are none.
func (f *Factory) Watch(ctx context.Context) { f.credentials.watch(ctx) }

// Credentials returns why the credentials, as the files have them now, can't be
// used: a *CredentialError, or nil if they can.
func (f *Factory) Credentials() error {
	if err := f.credentials.failure.Load(); err != nil {
		return err
	}
	return nil
}

// TLS returns the configuration for a connection to a host, or nil if connections
// are plain.
func (f *Factory) TLS(host string) (*tls.Config, error) {
	if f.settings.TLS == nil {
		return nil, nil
	}
	m, err := f.credentials.current()
	if err != nil {
		return nil, err
	}
	return m.tlsConfig(host), nil
}

// Mechanism returns what authenticates a connection, with the credentials in force
// at that moment, or nil if nothing does.
func (f *Factory) Mechanism() sasl.Mechanism { return f.credentials.mechanism() }

// Settings returns the settings with their defaults filled in.
func (f *Factory) Settings() Settings { return f.settings }

// LastErrors returns why connections and requests of this factory's clients
// last failed.
func (f *Factory) LastErrors() *LastErrors { return f.errors }

// Client returns a client for one role, a word such as "producer" that the
// client's log lines carry. opts come after the common options and so override
// them; hooks add up. It does no I/O: an unreachable cluster is not an error.
// The caller closes the client.
func (f *Factory) Client(role string, opts ...kgo.Opt) (*kgo.Client, error) {
	logger := quiet{kslog.New(f.log.With("client", role))}
	client, err := kgo.NewClient(append(f.common(logger), opts...)...)
	if err != nil {
		return nil, fmt.Errorf("make %s client of cluster %q: %w", role, f.settings.Cluster, err)
	}
	return client, nil
}

// common returns the options that every client starts from.
func (f *Factory) common(logger kgo.Logger) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(f.settings.BootstrapServers...),
		kgo.ClientID(f.settings.ClientID),
		kgo.SoftwareNameAndVersion(SoftwareName, f.settings.Version),
		kgo.DisableClientMetrics(), // or every client asks every broker for KIP-714 subscriptions
		kgo.DialTimeout(dialTimeout),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.RetryBackoffFn(backoff),
		kgo.WithLogger(logger),
		kgo.WithHooks(f.hooks),
	}
	if f.credentials.any() {
		opts = append(opts, kgo.Dialer(f.dial))
	} else {
		opts = append(opts, kgo.Dialer(f.open))
	}
	if mechanism := f.credentials.mechanism(); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts
}

// boundedDial gives dial the time limit that kgo would apply to a dialer of its own.
func boundedDial(dial DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return dial(ctx, network, addr)
	}
}

// backoff returns how long to wait after so many failures: doubling, and drawn
// from the upper half, so that many clients do not come back at once.
func backoff(failures int) time.Duration {
	ceiling := maxBackoff
	if failures < 4 { // from the fourth on, doubling is past the maximum
		ceiling = min(maxBackoff, minBackoff<<max(failures-1, 0))
	}
	return ceiling/2 + rand.N(ceiling/2)
}

// unversioned are runs of characters that Kafka refuses in a version.
var unversioned = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// softwareVersion returns the version in the form that Kafka takes.
func softwareVersion(version string) string {
	version = strings.Trim(unversioned.ReplaceAllString(version, "-"), ".-")
	if version == "" {
		return "unknown"
	}
	return version
}

// buildVersion returns the main module's version as the Go toolchain noted it.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}
