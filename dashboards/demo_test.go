package dashboards

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/demo"
)

// often is a configuration of all that runs by default, but oftener: a test has no time for 30 s. It takes the
// bootstrap servers and further collectors.
const often = `
clusters:
  - name: demo
    bootstrap_servers: [%s]
    probes:
      - {kind: steady}
      - {kind: connect, interval: 2s, timeout: 1s}
      - {kind: flush, interval: 1s, timeout: 1s}
      - {kind: burst, interval: 5s, timeout: 2s}
    collectors:
      configs: {interval: 10s}
      groups: {interval: 5s}
      logdirs: {interval: 5s, timeout: 2s}
      quorum: {interval: 5s, timeout: 1s}
      replication: {interval: 5s, timeout: 1s}
      traffic: {interval: 5s}
%s`

// TestPanels runs every query of every dashboard on a real Prometheus that scrapes kafka_prober on the demo's
// cluster, in each way in which histograms can be scraped.
func TestPanels(t *testing.T) {
	t.Parallel()
	cluster, err := demo.Start(t.Context(), demo.Options{Log: slog.New(slog.DiscardHandler), Calm: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r := run(t, fmt.Sprintf(often, strings.Join(cluster.Bootstrap(), ", "), ""), []string{
		"when healthy", "without history", "where Kafka does not say", "without JMX pages", "where no flush can be measured",
		"without TLS", "unless configured",
	})
	r.check(t)
	t.Run("exemplars", r.checkExemplars)
}

// checkExemplars: the dots on the latency panels say which record they are.
func (r *running) checkExemplars(t *testing.T) {
	for job := range scraping {
		for _, name := range []string{"end_to_end_latency_seconds", "end_to_end_latency_seconds_bucket"} {
			if (job == "classic") != strings.HasSuffix(name, "_bucket") {
				continue
			}
			now := time.Now()
			a := r.Get(t, "/api/v1/query_exemplars", url.Values{
				"query": {fmt.Sprintf("kafka_prober_%s{job=%q}", name, job)},
				"start": {now.Add(-time.Minute).Format(time.RFC3339)}, "end": {now.Format(time.RFC3339)},
			})
			var found []struct {
				Exemplars []struct{ Labels map[string]string }
			}
			if err := json.Unmarshal(a.Data, &found); err != nil {
				t.Fatalf("query_exemplars answered %s: %v", a.Data, err)
			}
			if len(found) == 0 || len(found[0].Exemplars) == 0 {
				t.Errorf("no exemplar of %s in job %s", name, job)
				continue
			}
			if l := found[0].Exemplars[0].Labels; l["partition"] == "" || l["offset"] == "" {
				t.Errorf("an exemplar of %s without partition or offset: %v", name, l)
			}
		}
	}
}
