package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/klauspost/compress/zstd"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Accept headers as the scrapers of the field send them.
const (
	acceptProtobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," +
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
)

const textBody = `# HELP latency_seconds A latency.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.1"} 1
latency_seconds_bucket{le="1"} 1
latency_seconds_bucket{le="+Inf"} 1
latency_seconds_sum 0.05
latency_seconds_count 1
`

const openMetricsBody = `# HELP latency_seconds A latency.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.1"} 1
latency_seconds_bucket{le="1.0"} 1
latency_seconds_bucket{le="+Inf"} 1
latency_seconds_sum 0.05
latency_seconds_count 1
# EOF
`

func TestMetricsNegotiatesFormat(t *testing.T) {
	const (
		textType        = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
		openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
	)
	m := newMetrics(t, slog.New(slog.DiscardHandler), nativeHistogram())
	for _, test := range []struct{ name, accept, contentType, body string }{
		{"no header", "", textType, textBody},
		{"browser", "text/html,application/xhtml+xml,*/*;q=0.8", textType, textBody},
		{"curl", "*/*", textType, textBody},
		{"OpenMetrics", acceptOpenMetrics, openMetricsType, openMetricsBody},
		{"unknown type", "application/json", textType, textBody},
		{"rubbish", ";;q=x,,", textType, textBody},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := scrape(m, http.Header{"Accept": {test.accept}})
			if got.Code != http.StatusOK || got.Header().Get("Content-Type") != test.contentType {
				t.Errorf("got status %d, type %q, want 200, %q", got.Code, got.Header().Get("Content-Type"), test.contentType)
			}
			if got.Body.String() != test.body {
				t.Errorf("got body:\n%s\nwant:\n%s", got.Body, test.body)
			}
		})
	}
}

func TestMetricsProtobufCarriesNativeHistogram(t *testing.T) {
	got := scrape(newMetrics(t, slog.New(slog.DiscardHandler), nativeHistogram()), http.Header{"Accept": {acceptProtobuf}})
	const want = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"
	if got.Header().Get("Content-Type") != want {
		t.Fatalf("got type %q, want %q", got.Header().Get("Content-Type"), want)
	}
	var family dto.MetricFamily
	if err := expfmt.NewDecoder(got.Body, expfmt.NewFormat(expfmt.TypeProtoDelim)).Decode(&family); err != nil {
		t.Fatal(err)
	}
	h := family.Metric[0].Histogram
	if h.GetSchema() != 4 || len(h.PositiveSpan) == 0 || len(h.Bucket) != 2 {
		t.Errorf("got schema %d, %d native spans and %d classic buckets, want schema 4, some and 2", h.GetSchema(), len(h.PositiveSpan), len(h.Bucket))
	}
}

func TestMetricsNegotiatesEncoding(t *testing.T) {
	m := newMetrics(t, slog.New(slog.DiscardHandler), nativeHistogram())
	for _, test := range []struct{ accept, want string }{
		{"", ""},
		{"identity", ""},
		{"gzip", "gzip"},
		{"GZIP;q=0.5", "gzip"},
		{"gzip, deflate, br, zstd", "zstd"},
		{"gzip;q=1.0, zstd;q=0.5", "gzip"},
		{"identity;q=1, gzip;q=0.5", ""},
		{"zstd;q=0, gzip;q=0", ""},
		{"zstd;q=often", ""},
		{"br", ""},
	} {
		t.Run(test.accept, func(t *testing.T) {
			got := scrape(m, http.Header{"Accept-Encoding": {test.accept}})
			if got.Header().Get("Content-Encoding") != test.want {
				t.Fatalf("got encoding %q, want %q", got.Header().Get("Content-Encoding"), test.want)
			}
			if body := decompress(t, test.want, got.Body.Bytes()); body != textBody {
				t.Errorf("got body:\n%s\nwant:\n%s", body, textBody)
			}
		})
	}
}

func decompress(t *testing.T, encoding string, content []byte) string {
	t.Helper()
	var (
		r   io.Reader = bytes.NewReader(content)
		err error
	)
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
