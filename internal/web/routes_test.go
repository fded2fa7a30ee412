package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func testOptions() Options {
	return Options{
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "series\n") }),
		Page:    func() Page { return Page{} },
		Config:  func() string { return "clusters: []\n" },
		Ready:   func() error { return nil },
		Reload:  func(context.Context) error { return nil },
		Log:     slog.New(slog.DiscardHandler),
	}
}

func request(t *testing.T, o Options, method, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	h, err := Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, nil)
	if header != nil {
		r.Header = header
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder
}

func TestRoutes(t *testing.T) {
	notReady := func(o *Options) { o.Ready = func() error { return errors.New("the configuration is being loaded") } }
	lifecycle := func(o *Options) { o.EnableLifecycle = true }
	badReload := func(o *Options) {
		o.EnableLifecycle = true
		o.Reload = func(context.Context) error { return errors.New("prober.yml:3: unknown key \"intervall\"") }
	}
	for _, test := range []struct {
		name, method, path string
		change             func(*Options)
		status             int
		body               string
	}{
		{"metrics", "GET", "/metrics", nil, 200, "series\n"},
		{"metrics with a filter", "GET", "/metrics?name[]=up", nil, 200, "series\n"},
		{"metrics elsewhere", "GET", "/probe/metrics", func(o *Options) { o.MetricsPath = "/probe/metrics" }, 200, "series\n"},
		{"metrics by POST", "POST", "/metrics", nil, 405, "Method Not Allowed\n"},
		{"unknown", "GET", "/nothing", nil, 404, "404 page not found\n"},
		{"configuration", "GET", "/config", nil, 200, "clusters: []\n"},
		{"healthy", "GET", "/-/healthy", notReady, 200, "kafka_prober is healthy.\n"},
		{"ready", "GET", "/-/ready", nil, 200, "kafka_prober is ready.\n"},
		{"not ready", "GET", "/-/ready", notReady, 503, "kafka_prober is not ready: the configuration is being loaded\n"},
		{"reload, off", "POST", "/-/reload", nil, 403,
			"Reloading over HTTP is off. Start kafka_prober with --web.enable-lifecycle, or send it SIGHUP.\n"},
		{"reload, off, by PUT", "PUT", "/-/reload", nil, 403,
			"Reloading over HTTP is off. Start kafka_prober with --web.enable-lifecycle, or send it SIGHUP.\n"},
		{"reload", "POST", "/-/reload", lifecycle, 200, "The configuration was reloaded.\n"},
		{"reload by PUT", "PUT", "/-/reload", lifecycle, 200, "The configuration was reloaded.\n"},
		{"reload by GET", "GET", "/-/reload", lifecycle, 405, "Method Not Allowed\n"},
		{"reload fails", "POST", "/-/reload", badReload, 500,
			"The configuration was not reloaded, the old one stays in force: prober.yml:3: unknown key \"intervall\"\n"},
		{"profiles, off", "GET", "/debug/pprof/cmdline", nil, 404, "404 page not found\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := testOptions()
			if test.change != nil {
				test.change(&o)
			}
			got := request(t, o, test.method, test.path, nil)
			if got.Code != test.status || got.Body.String() != test.body {
				t.Errorf("got status %d and body %q, want %d and %q", got.Code, got.Body, test.status, test.body)
			}
		})
	}
}

func TestReloadFromAnotherSiteIsRefused(t *testing.T) {
	o := testOptions()
	o.EnableLifecycle = true
	o.Reload = func(context.Context) error { t.Error("reloaded for a page of another site"); return nil }
	got := request(t, o, "POST", "/-/reload", http.Header{"Sec-Fetch-Site": {"cross-site"}})
	if got.Code != http.StatusForbidden {
		t.Errorf("got status %d, want 403", got.Code)
	}
}

func TestProfilesWhenEnabled(t *testing.T) {
	o := testOptions()
	o.EnablePprof = true
	if got := request(t, o, "GET", "/debug/pprof/", nil); got.Code != 200 || !strings.Contains(got.Body.String(), "goroutine") {
		t.Errorf("got status %d and body:\n%s\nwant the list of profiles", got.Code, got.Body)
	}
	if got := request(t, o, "GET", "/", nil); !strings.Contains(got.Body.String(), `href="/debug/pprof/"`) {
		t.Error("the landing page has no link to the profiles")
	}
}

func TestHeadersForbidFramingAndSniffing(t *testing.T) {
	for _, path := range []string{"/", "/metrics", "/config", "/-/reload", "/nothing"} {
		got := request(t, testOptions(), "GET", path, nil).Header()
		for name, want := range map[string]string{
			"X-Frame-Options":         "DENY",
			"X-Content-Type-Options":  "nosniff",
			"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
			"Cache-Control":           "no-store",
			"Referrer-Policy":         "no-referrer",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: got %s %q, want %q", path, name, got.Get(name), want)
			}
		}
	}
}

func TestHeadersOfTheOperatorStay(t *testing.T) {
	h, err := Handler(testOptions())
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	recorder.Header().Set("X-Frame-Options", "SAMEORIGIN") // as the web configuration file sets it
	h.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	if got := recorder.Header().Get("X-Frame-Options"); got != "SAMEORIGIN" {
		t.Errorf("got X-Frame-Options %q, want what the operator set", got)
	}
}

func TestMetricsPathThatCannotBeOne(t *testing.T) {
	for _, test := range []struct{ path, want string }{
		{"/", `metrics path "/": must begin with / and name a page of its own, such as /metrics`},
		{"metrics", `metrics path "metrics": must begin with / and name a page of its own, such as /metrics`},
		{"/{name}", `metrics path "/{name}": must begin with / and name a page of its own, such as /metrics`},
		{"/a b", `metrics path "/a b": must begin with / and name a page of its own, such as /metrics`},
		{"/config", `metrics path "/config": /config is taken by another page, choose another path`},
		{"/-/ready", `metrics path "/-/ready": /-/ is taken by another page, choose another path`},
		{"/debug/metrics", `metrics path "/debug/metrics": /debug/ is taken by another page, choose another path`},
	} {
		o := testOptions()
		o.MetricsPath = test.path
		if _, err := Handler(o); err == nil || err.Error() != test.want {
			t.Errorf("got error %v, want %s", err, test.want)
		}
	}
}
