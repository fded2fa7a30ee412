package seriesdoc_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/kafka-prober/kafka_prober/internal/seriesdoc"
)

func registry() *prometheus.Registry {
	r := prometheus.NewPedanticRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kafka_prober_requests_total", Help: "Requests, ok | failed."}, []string{"result", "broker"})
	requests.WithLabelValues("ok", "1").Inc()
	requests.WithLabelValues("failed", "2").Inc()
	up := prometheus.NewGauge(prometheus.GaugeOpts{Name: "kafka_prober_config_ok", Help: "Two\nlines."})
	lag := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "kafka_prober_lag_seconds", Help: "Lag."})
	other := prometheus.NewGauge(prometheus.GaugeOpts{Name: "go_goroutines", Help: "Not ours."})
	r.MustRegister(requests, up, lag, other)
	return r
}

func TestFromGatherer(t *testing.T) {
	got, err := seriesdoc.FromGatherer(registry(), "kafka_prober_")
	if err != nil {
		t.Fatal(err)
	}
	want := []seriesdoc.Series{
		{Name: "kafka_prober_config_ok", Type: "gauge", Help: "Two\nlines."},
		{Name: "kafka_prober_lag_seconds", Type: "histogram", Help: "Lag."},
		{Name: "kafka_prober_requests_total", Type: "counter", Help: "Requests, ok | failed.", Labels: []string{"broker", "result"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFromGathererKeepsWhatItCouldGather(t *testing.T) {
	broken := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, _ := registry().Gather()
		return families, errors.New("one collector is broken")
	})
	got, err := seriesdoc.FromGatherer(broken, "go_")
	if len(got) != 1 || got[0].Name != "go_goroutines" {
		t.Errorf("got %+v", got)
	}
	if want := "gather series for their description: one collector is broken"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestMarkdown(t *testing.T) {
	got := seriesdoc.Markdown([]seriesdoc.Series{
		{Name: "b_total", Type: "counter", Help: "Requests, ok | failed.", Labels: []string{"result", "broker"}},
		{Name: "a", Type: "gauge", Help: "Two\nlines."},
	})
	const want = "| Series | Type | Labels | Meaning |\n" +
		"|---|---|---|---|\n" +
		"| `a` | gauge |  | Two lines. |\n" +
		"| `b_total` | counter | `result`, `broker` | Requests, ok \\| failed. |\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
