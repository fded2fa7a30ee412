package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// newMetrics returns a Metrics with collectors in a registry of their own; its
// own series are kept out of the exposition so that a test can compare it whole.
func newMetrics(t *testing.T, log *slog.Logger, collectors ...prometheus.Collector) *Metrics {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		registry.MustRegister(c)
	}
	return metricsOf(t, log, registry)
}

func metricsOf(t *testing.T, log *slog.Logger, gatherer prometheus.Gatherer) *Metrics {
	t.Helper()
	m, err := NewMetrics(prometheus.NewRegistry(), gatherer, log)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func scrape(h http.Handler, header http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	request.Header = header
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

func nativeHistogram() prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:                        "latency_seconds",
		Help:                        "A latency.",
		Buckets:                     []float64{0.1, 1},
		NativeHistogramBucketFactor: 1.05,
	})
	h.Observe(0.05)
	return h
}

// collectFunc is a collector that describes nothing and collects as it likes.
type collectFunc func(chan<- prometheus.Metric)

func (collectFunc) Describe(chan<- *prometheus.Desc)        {}
func (f collectFunc) Collect(into chan<- prometheus.Metric) { f(into) }

func TestMetricsServesWhatIsLeft(t *testing.T) {
	broken := prometheus.NewDesc("broken", "Broken.", nil, nil)
	for _, test := range []struct {
		name      string
		collector collectFunc
		logged    string
	}{
		{"panic", func(chan<- prometheus.Metric) { panic("index out of range") }, "index out of range"},
		{"invalid", func(into chan<- prometheus.Metric) {
			into <- prometheus.NewInvalidMetric(broken, errors.New("no snapshot"))
		}, "no snapshot"},
		{"duplicate", func(into chan<- prometheus.Metric) {
			into <- prometheus.MustNewConstMetric(broken, prometheus.GaugeValue, 1)
			into <- prometheus.MustNewConstMetric(broken, prometheus.GaugeValue, 2)
		}, "was collected before"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			m := newMetrics(t, slog.New(slog.NewTextHandler(&log, nil)), nativeHistogram(), test.collector)
			for range 3 {
				got := scrape(m, nil)
				if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), textBody) {
					t.Fatalf("got status %d and body:\n%s\nwant 200 and the series that are well", got.Code, got.Body)
				}
				m.forget(kept(m)) // the next scrape gathers again
			}
			if n := strings.Count(log.String(), "some series cannot be gathered"); n != 1 || !strings.Contains(log.String(), test.logged) {
				t.Errorf("got %d log lines, want one that names %q:\n%s", n, test.logged, log.String())
			}
		})
	}
}

func TestMetricsLeavesOutFamilyThatCannotBeEncoded(t *testing.T) {
	name, kind := "nameless", dto.MetricType_COUNTER
	gatherer := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		good, err := func() ([]*dto.MetricFamily, error) {
			r := prometheus.NewRegistry()
			r.MustRegister(nativeHistogram())
			return r.Gather()
		}()
		// A counter whose second metric is none: the text encoder fails after it has written the first.
		bad := &dto.MetricFamily{Name: &name, Type: &kind, Metric: []*dto.Metric{{Counter: &dto.Counter{Value: new(float64)}}, {}}}
		return append([]*dto.MetricFamily{bad}, good...), err
	})
	var log bytes.Buffer
	m := metricsOf(t, slog.New(slog.NewTextHandler(&log, nil)), gatherer)
	if got := scrape(m, nil); got.Code != http.StatusOK || got.Body.String() != textBody {
		t.Errorf("got status %d and body:\n%s\nwant 200 and:\n%s", got.Code, got.Body, textBody)
	}
	if !strings.Contains(log.String(), "encode nameless: ") {
		t.Errorf("got log %q, want the family that is missing", log.String())
	}
}

func TestMetricsWithNothingToServe(t *testing.T) {
	for _, test := range []struct {
		name     string
		gatherer prometheus.GathererFunc
		want     string
	}{
		{"error", func() ([]*dto.MetricFamily, error) { return nil, errors.New("registry is gone") },
			"No series could be gathered: registry is gone\n"},
		{"panic", func() ([]*dto.MetricFamily, error) { panic("nil map") },
			"No series could be gathered: gatherer panicked: nil map\n"},
		{"long error", func() ([]*dto.MetricFamily, error) { return nil, errors.New(strings.Repeat("x", 70_000)) },
			"No series could be gathered: " + strings.Repeat("x", 2000) + "...\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := scrape(metricsOf(t, slog.New(slog.DiscardHandler), test.gatherer), nil)
			if got.Code != http.StatusInternalServerError || got.Body.String() != test.want {
				t.Errorf("got status %d and body %q, want 500 and %q", got.Code, got.Body, test.want)
			}
		})
	}
}

func TestNewMetricsTwiceInOneRegistry(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	if _, err := NewMetrics(registry, registry, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	_, err := NewMetrics(registry, registry, slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), "register the series of the exposition: ") {
		t.Errorf("got error %v, want one that says what was registered", err)
	}
}

func TestMetricsCountsItself(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m, err := NewMetrics(registry, registry, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	scrape(m, nil)
	m.forget(kept(m))
	got := scrape(m, nil).Body.String()
	for _, want := range []string{
		"\nkafka_prober_scrapes_total 2\n",
		"\nkafka_prober_scrape_gathers_total 1\n",
		"\nkafka_prober_scrape_errors_total{cause=\"encode\"} 0\nkafka_prober_scrape_errors_total{cause=\"gather\"} 0\n",
		"\nkafka_prober_scrape_gather_seconds_total ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func TestMetricsClientGone(t *testing.T) {
	gathering := make(chan struct{})
	m := metricsOf(t, slog.New(slog.DiscardHandler), prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		<-gathering
		return nil, nil
	}))
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	if _, err := m.snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, want that of the context", err)
	}
	close(gathering)
	// The gather that the first client began serves the second one.
	if got := scrape(m, nil); got.Code != http.StatusOK {
		t.Errorf("got status %d, want 200", got.Code)
	}
}
