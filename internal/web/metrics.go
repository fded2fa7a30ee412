package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxAge bounds the age of what is served, from the beginning of its gather.
	maxAge = time.Second
	// gatherWait is how long a request waits for a gather before it is told
	// so; shorter than the server's write timeout, which would just hang up.
	gatherWait = 20 * time.Second
	// bodyWait is how long a reader may take for one body.
	bodyWait = 15 * time.Second
)

// Metrics serves the exposition of a gatherer.
//
// Any number of scrapers costs what one does: at most one gather runs at a
// time and at most one begins in a second. A request that arrives while one
// runs waits for it; one that arrives within a second of its beginning is
// served from it; each format and encoding is rendered once. Nothing is held
// while a body is written, so a slow reader delays nobody. What nobody has
// asked for within a second is dropped.
//
// A family that two gathers in a row return is written down once: it must not
// change after it was returned.
//
// A gatherer or collector that fails in part, or panics, costs only its own
// series. All methods may be called from several goroutines.
type Metrics struct {
	gatherer prometheus.Gatherer
	trouble  *trouble
	encoded  *encodings

	scrapes       prometheus.Counter
	gathers       prometheus.Counter
	gatherSeconds prometheus.Counter
	gatherErrors  prometheus.Counter
	encodeErrors  prometheus.Counter

	mu      sync.Mutex
	current *snapshot // running or less than maxAge old; nil otherwise
}

var _ http.Handler = (*Metrics)(nil)

// NewMetrics returns the handler for what gatherer gathers and registers its
// own five series with registerer. It fails if they are registered already.
func NewMetrics(registerer prometheus.Registerer, gatherer prometheus.Gatherer, log *slog.Logger) (*Metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kafka_prober_scrape_errors_total",
		Help: "Expositions that lacked something, by cause: gather (a collector failed) or encode (a series could not be written).",
	}, []string{"cause"})
	m := &Metrics{
		gatherer:      gatherer,
		trouble:       &trouble{log: log},
		encoded:       newEncodings(),
		scrapes:       counter("kafka_prober_scrapes_total", "Requests for the exposition."),
		gathers:       counter("kafka_prober_scrape_gathers_total", "Times the series were gathered, at most once a second whatever the number of scrapes."),
		gatherSeconds: counter("kafka_prober_scrape_gather_seconds_total", "Time spent gathering the series."),
		gatherErrors:  failures.WithLabelValues("gather"),
		encodeErrors:  failures.WithLabelValues("encode"),
	}
	for _, c := range []prometheus.Collector{m.scrapes, m.gathers, m.gatherSeconds, failures} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register the series of the exposition: %w", err)
		}
	}
	return m, nil
}

// ServeHTTP answers one scrape. Query parameters are ignored.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.scrapes.Inc()
	ctx, cancel := context.WithTimeout(r.Context(), gatherWait)
	defer cancel()
	s, err := m.snapshot(ctx)
	if err != nil {
		http.Error(w, fmt.Sprintf("Gathering the series takes longer than %s; the log and /debug/pprof/goroutine say where.", gatherWait),
			http.StatusServiceUnavailable)
		return
	}
	if len(s.families) == 0 && s.err != nil {
		http.Error(w, "No series could be gathered: "+shorten(s.err), http.StatusInternalServerError)
		return
	}
	v := variant{negotiateFormat(r.Header), negotiateEncoding(r.Header)}
	content, fresh, err := s.render(v)
	if err != nil && fresh {
		m.encodeErrors.Inc()
		m.trouble.tell("some series cannot be exposed", err)
	}
	header := w.Header()
	header.Set("Content-Type", string(v.format))
	header.Set("Content-Length", strconv.Itoa(len(content)))
	header.Add("Vary", "Accept")
	header.Add("Vary", "Accept-Encoding")
	if v.encoding != identity {
		header.Set("Content-Encoding", string(v.encoding))
	}
	// The reader's time starts now, not when the gather did. A writer without
	// deadlines (a test's) is fine: the body is in memory and no lock is held.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bodyWait))
	_, _ = w.Write(content) // a reader that hung up needs no answer
}

// snapshot returns a finished gather that began less than maxAge ago or that
// was running when the request came. The error is ctx's.
func (m *Metrics) snapshot(ctx context.Context) (*snapshot, error) {
	m.mu.Lock()
	s := m.current
	if s == nil || s.over() && time.Since(s.begun) >= maxAge {
		s = newSnapshot(m.encoded)
		m.current = s
		// Not on the goroutine of the request: who asked first may hang up,
		// and those who joined must not lose the gather with him.
		go m.gather(s)
	}
	m.mu.Unlock()
	select {
	case <-s.ready:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// gather fills s and lets it be forgotten once it is too old to be served.
func (m *Metrics) gather(s *snapshot) {
	defer func() {
		if p := recover(); p != nil {
			s.families, s.err = nil, fmt.Errorf("gatherer panicked: %v", p)
		}
		took := time.Since(s.begun)
		m.gathers.Inc()
		m.gatherSeconds.Add(took.Seconds())
		if s.err != nil {
			m.gatherErrors.Inc()
			m.trouble.tell("some series cannot be gathered", s.err)
		}
		close(s.ready)
		time.AfterFunc(maxAge-took, func() { m.forget(s) })
	}()
	s.families, s.err = m.gatherer.Gather()
	m.encoded.retain(s.families)
}

func (m *Metrics) forget(s *snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current == s {
		m.current = nil
	}
}

// troubleInterval is how often a failure that lasts is logged again.
const troubleInterval = 10 * time.Minute

// trouble logs failures that would otherwise come with every scrape: the first
// of them, then one every troubleInterval.
type trouble struct {
	log  *slog.Logger
	mu   sync.Mutex
	last map[string]time.Time // message -> when it was logged, monotonic
}

func (t *trouble) tell(message string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.last[message]; ok && time.Since(last) < troubleInterval {
		return
	}
	if t.last == nil {
		t.last = map[string]time.Time{}
	}
	t.last[message] = time.Now()
	t.log.Error(message, "err", errors.New(shorten(err)))
}

// shorten bounds an error's text: client_golang puts a stack of up to 64 KiB
// into that of a collector that panicked.
func shorten(err error) string {
	const most = 2000
	text := err.Error()
	if len(text) > most {
		text = text[:most] + "..."
	}
	return text
}
