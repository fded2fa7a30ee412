package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/kafka-prober/kafka_prober/collector/jmxpage"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

// maxJolokia is the largest answer that Jolokia may give, in bytes: an honest one has 100 kB, and each
// part of it is held in memory.
const maxJolokia = 4 << 20

// jmxReading is what reading a page led to.
type jmxReading struct {
	page *jmxpage.Page // nil with an error
	err  error
	at   time.Time     // when the page was whole; has a monotonic reading
	took time.Duration // from the request to the end of the page
	size int64         // bytes, decompressed
}

// jmxReader reads pages over HTTP. Safe for concurrent use.
type jmxReader struct {
	settings JMXClient
	max      int64                        // bytes of a page
	dial     commonconfig.DialContextFunc // nil for the usual network

	mu   sync.Mutex   // guards http
	http *http.Client // nil until the files of the settings could be read
}

// statusError is an HTTP status other than 200.
type statusError int

func (s statusError) Error() string {
	return fmt.Sprintf("the answer is %d %s", int(s), http.StatusText(int(s)))
}

// read reads the page at the address.
func (r *jmxReader) read(ctx context.Context, address string) (reading jmxReading) {
	start := time.Now()
	body := &jmxpage.Limited{Max: r.max}
	reading.page, reading.err = r.fetch(ctx, address, body)
	reading.at = time.Now()
	reading.took, reading.size = reading.at.Sub(start), body.N
	if ctx.Err() != nil && reading.err != nil {
		reading.err = fmt.Errorf("after %d bytes: %w", body.N, ctx.Err())
	}
	return reading
}

func (r *jmxReader) fetch(ctx context.Context, address string, body *jmxpage.Limited) (*jmxpage.Page, error) {
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	req, read, err := jmxRequest(ctx, address)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // the address is said by the caller, without the password it may hold
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can serve again
		return nil, statusError(resp.StatusCode)
	}
	if req.Method == http.MethodPost {
		body.Max = min(body.Max, maxJolokia)
	}
	body.R = resp.Body
	return read(body)
}

// client returns the HTTP client, which is made when it is first asked for: files may not be there yet.
func (r *jmxReader) client() (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.http != nil {
		return r.http, nil
	}
	client, err := r.settings.client(r.dial)
	if err != nil {
		return nil, fmt.Errorf("make the HTTP client: %w", err)
	}
	r.http = client
	return client, nil
}

// close ends the connections that are kept.
func (r *jmxReader) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.http != nil {
		r.http.CloseIdleConnections()
	}
}

// jmxRequest returns the request for a page, and how to read the answer.
func jmxRequest(ctx context.Context, address string) (*http.Request, func(io.Reader) (*jmxpage.Page, error), error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	if !isJolokia(u) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, nil, err
		}
		req.Header.Set("Accept", "text/plain;version=0.0.4,*/*;q=0.1")
		return req, jmxpage.ReadText, nil
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/read") + "/" // the agent knows its context only with the slash
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(jmxpage.JolokiaRequest()))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, jmxpage.ReadJolokia, nil
}

// isJolokia returns whether an address is Jolokia's: .../jolokia, with or without /read or a slash.
func isJolokia(u *url.URL) bool {
	return path.Base(strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/read")) == "jolokia"
}

// jmxReason names an error for the label reason.
func jmxReason(err error) string {
	status, refused := errors.AsType[statusError](err)
	switch {
	case refused:
		return fmt.Sprintf("HTTP_%d", int(status))
	case errors.Is(err, jmxpage.ErrTooLarge):
		return "PAGE_TOO_LARGE"
	case errors.Is(err, jmxpage.ErrInvalid):
		return "PAGE_INVALID"
	case errors.Is(err, jmxpage.ErrForeign):
		return "PAGE_FOREIGN"
	}
	return kafka.Reason(err)
}
