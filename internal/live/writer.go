package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

const (
	writeInterval = 5 * time.Second
	// writeTimeout is of one message; the next one has all that it had.
	writeTimeout = 5 * time.Second
	// lastTimeout is of the last message, which no other makes up for.
	lastTimeout = 15 * time.Second
)

// WriterOptions say where to send series and as whom.
type WriterOptions struct {
	URL             string // of the receiver: http://prometheus:9090/api/v1/write
	Username        string // of basic authentication; "" for none
	PasswordFile    string
	BearerTokenFile string            // "" for none
	CAFile          string            // authorities of the receiver's certificate; "" for the system's
	Labels          map[string]string // of all series
}

// Writer sends the series of a gatherer to a remote write receiver. All series are cumulative, or of the
// moment: a message that gets lost leaves a gap in a picture and nothing else.
type Writer struct {
	url      string // without a password
	api      *remote.API
	gatherer prometheus.Gatherer
	labels   map[string]string
	log      *slog.Logger

	mu     sync.Mutex
	sent   int
	failed int
	err    error // of the last message
}

// NewWriter checks the options. It does not ask the receiver anything.
func NewWriter(o WriterOptions, gatherer prometheus.Gatherer, log *slog.Logger) (*Writer, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no URL of a receiver: write for example http://prometheus:9090/api/v1/write", o.URL)
	}
	if u.User != nil {
		return nil, errors.New("the URL has a user or password in it: give them by flag and by file, every process may read an argument")
	}
	for name := range o.Labels {
		if !model.LegacyValidation.IsValidLabelName(name) || name == model.MetricNameLabel {
			return nil, fmt.Errorf("label %q: a name has letters, digits and _, and begins with no digit", name)
		}
	}
	client, err := newHTTPClient(o)
	if err != nil {
		return nil, err
	}
	api, err := remote.NewAPI(o.URL, remote.WithAPIPath(""), remote.WithAPIHTTPClient(client),
		remote.WithAPIBackoff(remote.BackoffConfig{Min: 100 * time.Millisecond, Max: 2 * time.Second, MaxRetries: 5}))
	if err != nil {
		return nil, err
	}
	return &Writer{url: o.URL, api: api, gatherer: gatherer, labels: o.Labels, log: log}, nil
}

// newHTTPClient reads the files of credentials again for each request.
func newHTTPClient(o WriterOptions) (*http.Client, error) {
	c := config.HTTPClientConfig{FollowRedirects: false, TLSConfig: config.TLSConfig{CAFile: o.CAFile}}
	switch {
	case o.BearerTokenFile != "" && o.Username != "":
		return nil, errors.New("a receiver takes one of bearer token and user: leave one out")
	case o.PasswordFile != "" && o.Username == "":
		return nil, errors.New("a password without a user: give both, or neither")
	case o.BearerTokenFile != "":
		c.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: o.BearerTokenFile}
	case o.Username != "":
		c.BasicAuth = &config.BasicAuth{Username: o.Username, PasswordFile: o.PasswordFile}
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return config.NewClientFromConfig(c, "remote_write", config.WithKeepAlivesDisabled())
}

// Run sends until ctx is done, and then once more what there is at the end.
func (w *Writer) Run(ctx context.Context) {
	tick := time.NewTicker(writeInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.write(ctx, writeTimeout)
		case <-ctx.Done():
			w.write(context.WithoutCancel(ctx), lastTimeout)
			return
		}
	}
}

// write sends one message.
func (w *Writer) write(ctx context.Context, timeout time.Duration) {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	families, err := w.gatherer.Gather()
	if err == nil && len(families) > 0 {
		_, err = w.api.Write(within, remote.WriteV1MessageType, encode(families, w.labels, time.Now()))
	}
	if err != nil && ctx.Err() != nil {
		return // cut off by the end: the last message is still to come
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	w.err = err
	if err != nil {
		w.failed++
		w.log.Warn("remote write failed", "url", w.url, "err", err)
	}
}

// Err says, after Run, whether the receiver lacks something: the last message did not get there.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		return nil
	}
	return fmt.Errorf("remote write to %s: %d of %d messages failed, the last one with: %w", w.url, w.failed, w.sent, w.err)
}
