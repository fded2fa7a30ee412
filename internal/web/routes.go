package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
)

// Options are the parts a Handler is put together from. Functions are called
// once per request and from several goroutines at a time.
type Options struct {
	MetricsPath string       // where the exposition is; "" means /metrics
	Metrics     http.Handler // the exposition, normally a *Metrics
	Page        func() Page  // what the landing page shows
	// Config is the configuration in force as YAML, secrets already masked.
	Config func() string
	// Ready is nil once the configuration is loaded, and until the process
	// begins to stop; the error says what is awaited. It must not ask Kafka.
	Ready func() error
	// Reload loads the configuration again. Its error goes to the client; a
	// client that hangs up does not cancel it.
	Reload          func(context.Context) error
	EnableLifecycle bool // --web.enable-lifecycle
	EnablePprof     bool // --web.enable-pprof
	Log             *slog.Logger
}

// reserved are the first segments of our own routes.
var reserved = []string{"/config", "/-/", "/debug/"}

// Handler puts the routes together. It fails if the metrics path can't be one.
func Handler(o Options) (http.Handler, error) {
	if o.MetricsPath == "" {
		o.MetricsPath = "/metrics"
	}
	if err := checkMetricsPath(o.MetricsPath); err != nil {
		return nil, err
	}
	links := []Link{
		{"Metrics", o.MetricsPath},
		{"Configuration", "/config"},
		{"Health", "/-/healthy"},
		{"Readiness", "/-/ready"},
	}
	mux := http.NewServeMux()
	if o.EnablePprof {
		links = append(links, Link{"Profiles", "/debug/pprof/"})
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	links = append(links, Link{"Refresh every 5 s", "/?refresh=5"})
	mux.Handle("GET /{$}", &landing{page: o.Page, links: links, log: o.Log})
	mux.Handle("GET "+o.MetricsPath, o.Metrics)
	mux.HandleFunc("GET /config", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, o.Config()) })
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "kafka_prober is healthy.\n")
	})
	mux.HandleFunc("GET /-/ready", ready(o.Ready))
	// A page of another site may not make an operator's browser reload us.
	reload := http.NewCrossOriginProtection().Handler(reload(o))
	mux.Handle("POST /-/reload", reload)
	mux.Handle("PUT /-/reload", reload)
	return guard(mux), nil
}

// BareHandler serves the exposition alone, for a command that ends and has no pages.
func BareHandler(metricsPath string, metrics http.Handler) (http.Handler, error) {
	if err := checkMetricsPath(metricsPath); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, metrics)
	mux.Handle("GET /{$}", http.RedirectHandler(metricsPath, http.StatusFound))
	return guard(mux), nil
}

func checkMetricsPath(path string) error {
	if !strings.HasPrefix(path, "/") || path == "/" || strings.ContainsAny(path, "{} ?#") {
		return fmt.Errorf("metrics path %q: must begin with / and name a page of its own, such as /metrics", path)
	}
	for _, taken := range reserved {
		if path == strings.TrimSuffix(taken, "/") || strings.HasPrefix(path, taken) {
			return fmt.Errorf("metrics path %q: %s is taken by another page, choose another path", path, taken)
		}
	}
	return nil
}

func ready(why func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := why(); err != nil {
			text(w, http.StatusServiceUnavailable, "kafka_prober is not ready: "+err.Error()+"\n")
			return
		}
		text(w, http.StatusOK, "kafka_prober is ready.\n")
	}
}

func reload(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.EnableLifecycle {
			text(w, http.StatusForbidden,
				"Reloading over HTTP is off. Start kafka_prober with --web.enable-lifecycle, or send it SIGHUP.\n")
			return
		}
		if err := o.Reload(context.WithoutCancel(r.Context())); err != nil {
			text(w, http.StatusInternalServerError, "The configuration was not reloaded, the old one stays in force: "+err.Error()+"\n")
			return
		}
		text(w, http.StatusOK, "The configuration was reloaded.\n")
	})
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// guard forbids browsers to frame, sniff or extend what is served. A header
// that the operator has set in the web configuration file stays.
func guard(next http.Handler) http.Handler {
	headers := map[string]string{
		"Cache-Control":           "no-store",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
		"X-Frame-Options":         "DENY",
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			if w.Header().Get(name) == "" {
				w.Header().Set(name, value)
			}
		}
		next.ServeHTTP(w, r)
	})
}
