package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kafka-prober/kafka_prober/internal/bench"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// TestBenchRemoteWrite sends a run's series to a real Prometheus, through a gate that wants a token or a
// password, and looks there for what the report says.
func TestBenchRemoteWrite(t *testing.T) {
	t.Parallel()
	prometheus := promtest.StartPrometheus(t, promtest.File(t, "prometheus.yml", ""), "--web.enable-remote-write-receiver")
	gate := startGate(t, prometheus.URL)
	c := fakeKafka(t, 3)
	secret := promtest.File(t, "secret", "open sesame\n")
	for user, args := range map[string][]string{
		"bearer": {"--remote-write.bearer-token-file=" + secret},
		"basic":  {"--remote-write.username=me", "--remote-write.password-file=" + secret},
	} {
		report := filepath.Join(t.TempDir(), "report.json")
		args = append([]string{"bench", servers(c), "--rate=1000", "--duration=2500ms", "--warmup=0s", "--quiet", "--output=json=" + report,
			"--remote-write.url=" + gate + "/api/v1/write", "--remote-write.label=environment=" + user}, args...)
		o := runCommand(args...)
		if o.code != 0 && o.code != exitInvalid { // a busy host is late
			t.Fatalf("%s: exit code %d\n%s", user, o.code, o.stderr)
		}
		r := reportOf(t, report)
		run := &r.Cases[0].Runs[0]
		only := fmt.Sprintf(`{kafka_cluster="default", probe="bench", run_id=%q, environment=%q, case="throughput", run="1", topic=%q`, r.ID, user, run.Topic)
		for expr, want := range map[string]float64{
			`sum(kafka_prober_records_total` + only + `, outcome="delivered"})`:                                  float64(run.Counts.Delivered),
			`sum(kafka_prober_records_due_total` + only + `})`:                                                   float64(run.Counts.Due),
			`sum(kafka_prober_end_to_end_latency_seconds_count` + only + `})`:                                    float64(run.EndToEnd.Count),
			`sum(kafka_prober_acknowledge_latency_seconds_count` + only + `})`:                                   float64(run.Ack.Count),
			`sum(kafka_prober_end_to_end_latency_seconds_bucket` + only + `, le="+Inf"})`:                        float64(run.EndToEnd.Count),
			`count(kafka_prober_end_to_end_latency_seconds_bucket` + only + `, le="0.0005"})`:                    float64(len(run.Brokers)),
			`kafka_prober_bench_done_ratio{run_id="` + r.ID + `"}`:                                               1,
			`count(kafka_prober_bench_info{run_id="` + r.ID + `", profile="throughput"})`:                        1,
			`count(process_cpu_seconds_total{environment="` + user + `"})`:                                       1,
			`count(kafka_prober_records_total{run_id="` + r.ID + `", environment!="` + user + `"}) or vector(0)`: 0,
		} {
			samples := prometheus.Query(t, expr)
			if len(samples) != 1 || samples[0].Value[1] != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", expr, samples, want)
			}
		}
	}
	// Runs that are over before the next message are in it all the same.
	report := filepath.Join(t.TempDir(), "report.json")
	if o := runCommand("bench", servers(c), "--records=100", "--repeat=3", "--warmup=0s", "--quiet", "--output=json="+report, "--remote-write.url="+gate+"/api/v1/write",
		"--remote-write.bearer-token-file="+secret); o.code != 0 && o.code != exitInvalid {
		t.Fatalf("exit code %d\n%s", o.code, o.stderr)
	}
	expr := `count(sum by (run) (kafka_prober_records_total{run_id="` + reportOf(t, report).ID + `", outcome="delivered"}) == 100)`
	if samples := prometheus.Query(t, expr); len(samples) != 1 || samples[0].Value[1] != "3" {
		t.Errorf("%s: %v, want three runs", expr, samples)
	}
	refused := runCommand("bench", servers(c), "--records=100", "--warmup=0s", "--quiet", "--remote-write.url="+gate+"/api/v1/write")
	refused.says(t, exitUnseen, "100", "remote write to "+gate+"/api/v1/write: 1 of 1 messages failed", "401 Unauthorized")
}

// TestBenchReceiverDown wants a run without its receiver to be whole, and the exit code to say so.
func TestBenchReceiverDown(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1)
	report := filepath.Join(t.TempDir(), "report.json")
	nobody := "http://" + promtest.FreeAddress(t) + "/api/v1/write"
	o := runCommand("bench", servers(c), "--records=1000", "--warmup=0s", "--output=json="+report, "--remote-write.url="+nobody)
	if reportOf(t, report).Valid { // else this host was late, which counts for more
		o.says(t, exitUnseen, "remote write to "+nobody, "connection refused")
	}
	if n := reportOf(t, report).Cases[0].Runs[0].Counts.Delivered; n != 1000 {
		t.Errorf("%d records delivered, want 1000", n)
	}
}

// TestBenchServes scrapes a run while it runs.
func TestBenchServes(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1)
	address := promtest.FreeAddress(t)
	ended := make(chan outcome, 1)
	go func() {
		ended <- runCommand("bench", servers(c), "--rate=100", "--duration=3s", "--warmup=0s", "--quiet", "--web.listen-address="+address)
	}()
	promtest.Await(t, 20*time.Second, "a run that delivers, on its page", func() bool {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range families["kafka_prober_end_to_end_latency_seconds"].GetMetric() {
			if m.GetHistogram().GetSampleCount() > 0 {
				return true
			}
		}
		return false
	})
	select {
	case o := <-ended:
		t.Errorf("the run was over before it was seen: %d\n%s", o.code, o.stderr)
	default:
	}
	if o := <-ended; o.code != 0 && o.code != exitInvalid {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
}

// What can't be used of the live view's flags says so before anything runs.
func TestBenchLiveRefuses(t *testing.T) {
	t.Parallel()
	const url = "--remote-write.url=http://127.0.0.1:1/api/v1/write"
	for _, tt := range []struct{ args, want string }{
		{"--remote-write.label=a=b", "--remote-write.* without --remote-write.url: say where to send the series"},
		{"--remote-write.url=prometheus:9090", `"prometheus:9090" is no URL of a receiver: write for example http://prometheus:9090/api/v1/write`},
		{"--remote-write.url=http://me:secret@127.0.0.1:1/", "the URL has a user or password in it"},
		{url + " --remote-write.label=a", `--remote-write.label "a": write it as name=value`},
		{url + " --remote-write.label=1a=b", `label "1a": a name has letters, digits and _`},
		{url + " --remote-write.username=me --remote-write.bearer-token-file=x", "a receiver takes one of bearer token and user"},
		{url + " --remote-write.password-file=x", "a password without a user"},
		{url + " --remote-write.ca-file=/no/such/file", "/no/such/file"},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"bench", "--kafka.bootstrap-servers=127.0.0.1:1"}, strings.Fields(tt.args)...)
		if code := run(args, strings.NewReader(""), &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), tt.want) || strings.Contains(stderr.String(), "secret") {
			t.Errorf("bench %s: exit code %d\n%s\nwant 2, %s", tt.args, code, &stderr, tt.want)
		}
	}
}

// startGate lets through to a receiver who has the token or the password "open sesame".
func startGate(t *testing.T, receiver string) string {
	t.Helper()
	to, err := url.Parse(receiver)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Header.Get("Authorization") != "Bearer open sesame" && (user != "me" || password != "open sesame") {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(gate.Close)
	return gate.URL
}

// reportOf reads a report that must be there.
func reportOf(t *testing.T, file string) *bench.Report {
	t.Helper()
	r, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
