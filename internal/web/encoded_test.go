package web

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// manySeries is a family of gauges of that value.
func manySeries(n int, value float64) *dto.MetricFamily {
	name, kind, label := "many", dto.MetricType_GAUGE, "number"
	family := &dto.MetricFamily{Name: &name, Type: &kind}
	for i := range n {
		number := fmt.Sprint(i)
		family.Metric = append(family.Metric, &dto.Metric{
			Label: []*dto.LabelPair{{Name: &label, Value: &number}}, Gauge: &dto.Gauge{Value: &value},
		})
	}
	return family
}

// A large family that is gathered again is not written down again, whatever the format; another one is,
// and what is gone is not kept.
func TestMetricsEncodesLargeFamiliesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		family := manySeries(leastKept, 1)
		m := metricsOf(t, slog.New(slog.DiscardHandler), prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			return []*dto.MetricFamily{family}, nil
		}))
		shows := func(what, accept, want string) {
			t.Helper()
			body := scrape(m, map[string][]string{"Accept": {accept}}).Body.String()
			if n := strings.Count(body, want); n != leastKept {
				t.Errorf("%s: %d lines with %q, want %d, in\n%s", what, n, want, leastKept, body)
			}
			time.Sleep(2 * maxAge) // the next scrape gathers again
		}
		const text, open = "text/plain", "application/openmetrics-text;version=1.0.0"
		shows("text", text, "} 1\n")
		shows("OpenMetrics", open, "} 1.0\n")
		changed := 7.0
		for _, metric := range family.Metric {
			metric.Gauge.Value = &changed // which nobody may do, but here it tells
		}
		shows("the same family", text, "} 1\n")
		shows("the same family", open, "} 1.0\n")
		if n := len(m.encoded.kept); n != 2 {
			t.Errorf("%d texts are kept, want 2", n)
		}
		family = manySeries(leastKept, 3)
		shows("another family", text, "} 3\n")
		if n := len(m.encoded.kept); n != 1 {
			t.Errorf("%d texts are kept, want that of the new family", n)
		}
		family = manySeries(leastKept-1, 4)
		_ = scrape(m, nil)
		if n := len(m.encoded.kept); n != 0 {
			t.Errorf("%d texts are kept of a family that is not large", n)
		}
	})
}
