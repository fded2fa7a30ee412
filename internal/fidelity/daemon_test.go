//go:build bench

package fidelity_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/fidelity"
)

// daemon is kafka_prober with one steady probe.
type daemon struct {
	*child
	url string
}

// startDaemon starts the daemon's binary with a steady probe that sends load and with some collectors, and
// waits until all of the load's partitions get their records.
func startDaemon(t *testing.T, path string, load fidelity.Load, collectors string) *daemon {
	t.Helper()
	config := filepath.Join(t.TempDir(), "kafka_prober.yml")
	text := fmt.Sprintf(`clusters:
  - name: bench
    bootstrap_servers: ["%s"]
    max_topic_rate: 100000
    probes:
      - {kind: steady, interval: %v, size: %d, topic: %s}
    collectors: {%s}
`, strings.Join(load.Servers, `", "`), load.Interval, load.Size, load.Topic, collectors)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := serveDaemon(t, path, "--config.file="+config)
	await(t, 30*time.Second, "the daemon to reach all partitions", func() bool {
		reached := 0
		for _, m := range d.read(t)["kafka_prober_records_total"].GetMetric() {
			if label(m, "outcome") == "delivered" && m.GetCounter().GetValue() > 0 {
				reached++
			}
		}
		return reached == load.Partitions
	})
	return d
}

// serveDaemon starts the daemon's binary and waits until it serves.
func serveDaemon(t *testing.T, path string, args ...string) *daemon {
	t.Helper()
	address := freeAddress(t)
	d := &daemon{url: "http://" + address + "/metrics"}
	d.child = start(t, new(syncBuffer), path, append(args, "--web.listen-address="+address)...)
	await(t, 20*time.Second, "the daemon to serve", func() bool {
		resp, err := http.Get(d.url)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	return d
}

// brokersOnly is the collectors of a daemon that only looks whether the brokers answer: it is what the
// prober costs. What the others ask the cluster for is theirs to justify.
func brokersOnly() string {
	var off []string
	for _, k := range collector.Kinds.All() {
		if k.Name != "brokers" {
			off = append(off, k.Name+": false")
		}
	}
	return strings.Join(off, ", ")
}

// scraped is what a scrape took.
type scraped struct {
	took  time.Duration
	bytes int64 // on the wire
}

// acceptText is what Prometheus asks for as it comes, acceptProto where it takes native histograms.
const (
	acceptText  = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	acceptProto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," + acceptText
)

// scrape asks for the series as Prometheus does, gzipped, and reads the answer to its end.
func (d *daemon) scrape(t *testing.T, accept string) scraped {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", "gzip")
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("scrape: %v", err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("scrape: status %s, %v", resp.Status, err)
	}
	return scraped{time.Since(began), n}
}

// read returns the daemon's series by name.
func (d *daemon) read(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	resp, err := http.Get(d.url)
	if err != nil {
		t.Fatalf("scrape: %v", err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		t.Fatalf("scrape: %v", err)
	}
	return families
}

// goroutines returns how many the daemon has.
func (d *daemon) goroutines(t *testing.T) float64 {
	t.Helper()
	return d.read(t)["go_goroutines"].GetMetric()[0].GetGauge().GetValue()
}

// delivered returns the number of records that came through, and of those that did not.
func (d *daemon) delivered(t *testing.T) (good, bad float64) {
	t.Helper()
	for _, m := range d.read(t)["kafka_prober_records_total"].GetMetric() {
		switch n := m.GetCounter().GetValue(); label(m, "outcome") {
		case "delivered":
			good += n
		case "skipped":
		default:
			bad += n
		}
	}
	return good, bad
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
