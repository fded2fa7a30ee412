package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// clockGatherer gathers one gauge, the time at which the gather began, slowly.
type clockGatherer struct {
	takes   time.Duration
	gathers atomic.Int64
	running atomic.Int64
	epoch   time.Time
}

func (g *clockGatherer) Gather() ([]*dto.MetricFamily, error) {
	g.gathers.Add(1)
	if g.running.Add(1) > 1 {
		panic("two gathers at a time")
	}
	defer g.running.Add(-1)
	name, kind, value := "gathered_seconds", dto.MetricType_GAUGE, time.Since(g.epoch).Seconds()
	time.Sleep(g.takes)
	return []*dto.MetricFamily{{Name: &name, Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}}}, nil
}

// gatheredAt reads when what was served had been gathered.
func gatheredAt(t *testing.T, response *httptest.ResponseRecorder) time.Duration {
	var family dto.MetricFamily
	if err := expfmt.NewDecoder(response.Body, expfmt.NewFormat(expfmt.TypeTextPlain)).Decode(&family); err != nil {
		t.Errorf("got status %d and a body that can't be read: %v", response.Code, err)
		return 0
	}
	return time.Duration(family.Metric[0].Gauge.GetValue() * float64(time.Second))
}

func TestMetricsManyScrapersCostWhatOneDoes(t *testing.T) {
	for _, test := range []struct {
		name           string
		takes          time.Duration
		least, most    int64         // gathers in 10 s
		oldest         time.Duration // data may be as old as this when it was asked for
		longestWaiting time.Duration
	}{
		{"fast gather", 50 * time.Millisecond, 9, 10, time.Second, 50 * time.Millisecond},
		// One at a time, back to back; those who join one that runs see its age.
		{"slow gather", 3 * time.Second, 4, 4, 3 * time.Second, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const scrapers, duration = 200, 10 * time.Second
				g := &clockGatherer{takes: test.takes, epoch: time.Now()}
				m := metricsOf(t, slog.New(slog.DiscardHandler), g)
				var wg sync.WaitGroup
				for i := range scrapers {
					wg.Go(func() {
						time.Sleep(time.Duration(i) * 997 * time.Microsecond)
						for time.Since(g.epoch) < duration {
							asked := time.Since(g.epoch)
							at := gatheredAt(t, scrape(m, nil))
							if age := asked - at; age > test.oldest {
								t.Errorf("asked at %s, got what was gathered at %s: %s old", asked, at, age)
							}
							if waited := time.Since(g.epoch) - asked; waited > test.longestWaiting {
								t.Errorf("asked at %s, waited %s", asked, waited)
							}
							time.Sleep(211 * time.Millisecond)
						}
					})
				}
				wg.Wait()
				if n := g.gathers.Load(); n < test.least || n > test.most {
					t.Errorf("got %d gathers in %s, want %d to %d", n, duration, test.least, test.most)
				}
			})
		})
	}
}

// kept is what m would serve the next scrape from.
func kept(m *Metrics) *snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current
}

func TestMetricsForgetsWhatNobodyAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMetrics(t, slog.New(slog.DiscardHandler), nativeHistogram())
		scrape(m, nil)
		if kept(m) == nil {
			t.Error("nothing is kept for the second scraper")
		}
		time.Sleep(maxAge)
		synctest.Wait()
		if kept(m) != nil {
			t.Error("the bodies are kept after they are too old to be served")
		}
	})
}

func TestMetricsSaysThatGatheringHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := metricsOf(t, slog.New(slog.DiscardHandler), &clockGatherer{takes: time.Minute})
		got := scrape(m, nil)
		const want = "Gathering the series takes longer than 20s; the log and /debug/pprof/goroutine say where.\n"
		if got.Code != http.StatusServiceUnavailable || got.Body.String() != want {
			t.Errorf("got status %d and body %q, want 503 and %q", got.Code, got.Body, want)
		}
		time.Sleep(time.Minute)
	})
}

// stuckWriter is a client that takes no byte until it is released.
type stuckWriter struct {
	http.ResponseWriter
	release <-chan struct{}
}

func (w *stuckWriter) Write(b []byte) (int, error) {
	<-w.release
	return w.ResponseWriter.Write(b)
}

func TestMetricsSlowReaderDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &clockGatherer{epoch: time.Now()}
		m := metricsOf(t, slog.New(slog.DiscardHandler), g)
		release := make(chan struct{})
		slow := httptest.NewRecorder()
		go m.ServeHTTP(&stuckWriter{slow, release}, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		synctest.Wait() // it is stuck in its write now
		for i := range 5 {
			if at := gatheredAt(t, scrape(m, nil)); time.Since(g.epoch)-at > time.Second {
				t.Errorf("scrape %d got what was gathered at %s", i, at)
			}
			time.Sleep(3 * time.Second)
		}
		close(release)
		synctest.Wait()
		if at := gatheredAt(t, slow); at != 0 {
			t.Errorf("the slow reader got what was gathered at %s, want the gather of its own scrape", at)
		}
	})
}

func TestTroubleIsToldOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		m := metricsOf(t, slog.New(slog.NewTextHandler(&log, nil)), prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			panic("always")
		}))
		for range 4 * 30 { // 30 minutes of scrapes
			scrape(m, nil)
			time.Sleep(15 * time.Second)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 3 {
			t.Errorf("got %d log lines in 30 minutes of failures, want 3", n)
		}
	})
}
