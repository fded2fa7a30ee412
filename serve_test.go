package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// soon is a cluster whose records are judged within a second, so that a test need not wait for 30.
const soon = `
clusters:
  - name: prod
    bootstrap_servers: ["%ADDRESS%"]
    probes: [{kind: steady, timeout: 600ms}]
`

// TestServeWithoutKafka: a prober born in an outage serves at once and counts what clients suffer.
func TestServeWithoutKafka(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	for _, tt := range []struct{ name, address, reason string }{
		{"closed port", freeAddress(t), "CONNECTION_REFUSED"},
		{"hangs up", impostor(t, hangUp), "CLOSED_ON_CONNECT"},
		{"no such host", "kafka.invalid:9092", "DNS_ERROR"},
		// Nothing has named these two by the first deadlines: an answer may still come.
		{"black hole", impostor(t, func(net.Conn) {}), ""},
		{"HTTP server", web.Listener.Addr().String(), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := writeConfig(t, nil, strings.ReplaceAll(soon, "%ADDRESS%", tt.address))
			base := serveHere(t, "--config.file="+path)
			await(t, 15*time.Second, "records judged, and why", func() bool {
				began := time.Now()
				all := families(t, get(t, base+"/metrics"))
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("a scrape took %v", took)
				}
				checkScrape(t, all)
				timeouts := sum(all, "kafka_prober_records_total", map[string]string{"broker": "unknown", "outcome": "timeout"})
				named := sum(all, "kafka_prober_failures_total", map[string]string{"broker": "unknown", "reason": tt.reason})
				return timeouts > 0 && (named > 0 || tt.reason == "")
			})
			for _, page := range []string{"/-/healthy", "/-/ready", "/"} {
				get(t, base+page)
			}
		})
	}
}

// TestServeFindsKafka starts the cluster after the prober.
func TestServeFindsKafka(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	base := serveHere(t, "--kafka.bootstrap-servers="+address)
	await(t, 10*time.Second, "records due", func() bool {
		return sum(families(t, get(t, base+"/metrics")), "kafka_prober_records_due_total", map[string]string{"broker": "unknown"}) > 0
	})
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	fakeKafka(t, 1, kfake.Ports(number))
	appeared := time.Now()
	await(t, 30*time.Second, "delivered records", func() bool {
		return sum(families(t, get(t, base+"/metrics")), "kafka_prober_records_total", map[string]string{"broker": "0", "outcome": "delivered"}) > 0
	})
	t.Logf("first delivered record scraped %v after the cluster appeared", time.Since(appeared).Round(time.Millisecond))
}

// TestServeElsewhere: another metrics path, and an address that is taken.
func TestServeElsewhere(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1)
	base := serveHere(t, servers(c), "--web.telemetry-path=/probe/metrics")
	get(t, base+"/probe/metrics")
	if status, _ := request(t, http.MethodGet, base+"/metrics"); status != http.StatusNotFound {
		t.Errorf("/metrics: status %d, want 404", status)
	}
	taken := strings.TrimPrefix(base, "http://")
	runCommand(servers(c), "--web.listen-address="+taken).says(t, 1,
		fmt.Sprintf("kafka_prober: serve HTTP: listen tcp %s: bind: address already in use\n", taken))
}
