package collector

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/collector/jmxpage"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// jmxTest is a collector "jmx" with its account.
type jmxTest struct {
	*jmx
	t *testing.T
}

// newJMXTest makes a collector with changed defaults. It has no client: targets are told one by one.
func newJMXTest(t *testing.T, change func(*JMXSettings)) *jmxTest {
	t.Helper()
	k, _ := Kinds.Get("jmx")
	settings := k.New().(*JMXSettings)
	change(settings)
	if err := settings.Validate(); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	source, err := settings.New(Env{Cluster: "prod", Listener: "default", Log: quiet, Account: newAccount(quiet, newSignals(Env{}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return &jmxTest{source.(*jmx), t}
}

// refresh returns the series of one refresh that begin with one of the prefixes, and its error.
func (j *jmxTest) refresh(prefixes ...string) (string, error) {
	j.t.Helper()
	s, err := j.Refresh(j.t.Context())
	if s == nil {
		return "", err
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(&snapshotOf{j, s}); err != nil {
		j.t.Fatal(err)
	}
	families, gatherErr := registry.Gather()
	if gatherErr != nil {
		j.t.Fatal(gatherErr)
	}
	var lines []string
	for _, family := range families {
		name := strings.TrimPrefix(family.GetName(), "kafka_prober_")
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				switch l.GetName() {
				case "kafka_cluster", "listener", "collector":
				default:
					labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				}
			}
			line := fmt.Sprintf("%s{%s} %v", name, strings.Join(labels, ","), m.GetGauge().GetValue()+m.GetCounter().GetValue())
			for _, prefix := range prefixes {
				if strings.HasPrefix(line, prefix) {
					lines = append(lines, line)
				}
			}
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n"), err
}

// want fails unless a refresh goes well and has these series.
func (j *jmxTest) want(what, want string, prefixes ...string) {
	j.t.Helper()
	got, err := j.refresh(prefixes...)
	if err != nil {
		j.t.Errorf("%s: %v", what, err)
	}
	if got != want {
		j.t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// snapshotOf exports one snapshot and the account.
type snapshotOf struct {
	j *jmxTest
	s *Snapshot
}

func (c *snapshotOf) Describe(ch chan<- *prometheus.Desc) { c.j.Describe(ch); c.descs().describe(ch) }

func (c *snapshotOf) Collect(ch chan<- prometheus.Metric) {
	for _, m := range slices.Concat(c.s.state, c.s.counters, c.j.account.metrics(c.descs(), "jmx")) {
		ch <- m
	}
}

func (c *snapshotOf) descs() accountDescs {
	return newAccountDescs(Env{Cluster: "prod", Listener: "default"})
}

// pages serves a page by path; the pages may change.
type pages map[string]string

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, ok := p[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, page)
}

// servePages starts a server until the end of the test.
func servePages(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func recordedPage(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("jmxpage/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func text(lines ...string) string { return strings.Join(lines, "\n") }

// A timer's quantiles and mean are of what it timed since the page before, or absent.
func TestJMXTimer(t *testing.T) {
	flush := func(count, mean, p95 string) string {
		const name = "kafka_log_logflushstats_logflushrateandtimems"
		return name + "_count_total " + count + "\n" + name + "_mean " + mean + "\n" + name + `{quantile="0.95"} ` + p95 + "\n"
	}
	p := pages{}
	url := servePages(t, p)
	j := newJMXTest(t, func(s *JMXSettings) { s.Targets = []JMXTarget{{1, url + "/metrics"}} })
	for _, step := range []struct{ what, page, want string }{
		{"first page: nobody knows how old the reservoir is", flush("100", "10", "20"), text(`broker_log_flushes_total{broker="1"} 100`)},
		{"nothing was flushed", flush("100", "10", "20"), text(`broker_log_flushes_total{broker="1"} 100`)},
		{"100 flushes of 30 ms beside 100 of 10 ms", flush("200", "20", "31"), text(
			`broker_log_flush_mean_seconds{broker="1"} 0.03`, `broker_log_flush_seconds{broker="1",quantile="0.95"} 0.031`, `broker_log_flushes_total{broker="1"} 200`)},
		{"the broker restarted", flush("10", "5", "6"), text(
			`broker_log_flush_mean_seconds{broker="1"} 0.005`, `broker_log_flush_seconds{broker="1",quantile="0.95"} 0.006`, `broker_log_flushes_total{broker="1"} 10`)},
		{"a page without a mean", strings.Replace(flush("20", "5", "6"), "_mean", "_max", 1), text(
			`broker_log_flush_seconds{broker="1",quantile="0.95"} 0.006`, `broker_log_flushes_total{broker="1"} 20`)},
		{"restarted, not flushed yet", flush("0", "0", "0"), text(`broker_log_flushes_total{broker="1"} 0`)},
	} {
		p["/metrics"] = step.page
		j.want(step.what, step.want, "broker_log_flush")
	}
}

// Idleness is of the last minute or since the page before, and never above 1.
func TestJMXIdle(t *testing.T) {
	const name = "kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent"
	p := pages{}
	url := servePages(t, p)
	j := newJMXTest(t, func(s *JMXSettings) { s.Targets = []JMXTarget{{1, url + "/metrics"}} })
	const network = "kafka_network_socketserver_networkprocessoravgidlepercent 1.7\n"
	p["/metrics"] = name + "_oneminuterate 1.98\n" + network
	j.want("a combined node of Kafka 4.1", text(`broker_network_processor_idle_ratio{broker="1"} 1`, `broker_request_handler_idle_ratio{broker="1"} 1`),
		"broker_request_handler", "broker_network")
	p["/metrics"] = name + "_count 100e9\n"
	j.want("a count, for the first time", "", "broker_request_handler")

	h := &jmxHistory{at: time.Unix(160, 0), idleTime: 145}
	before := &jmxHistory{at: time.Unix(100, 0), idleTime: 100}
	if idle, known := h.idle(before, mustRead(t, name+"_count 145e9\n")); !known || idle != 0.75 {
		t.Errorf("45 s of 60 idle is %v, %v", idle, known)
	}
	if _, known := before.idle(h, mustRead(t, name+"_count 100e9\n")); known {
		t.Error("a broker that restarted has an idleness")
	}
}

// What a dialect leaves out is said, and not taken for 0.
func TestJMXSignals(t *testing.T) {
	p := pages{"/bitnami": recordedPage(t, "bitnami.prom"), "/ours": recordedPage(t, "ours.prom"), "/half": "kafka_server_brokertopicmetrics_bytesout_total 1\nkafka_server_brokertopicmetrics_messagesin_total 1\n",
		"/controller": "kafka_controller_kafkacontroller_activecontrollercount 1\nkafka_log_logflushstats_logflushrateandtimems{quantile=\"0.95\"} 1\nkafka_log_logflushstats_logflushrateandtimems_count 5\n"}
	url := servePages(t, p)
	j := newJMXTest(t, func(s *JMXSettings) {
		s.Targets = []JMXTarget{{1, url + "/bitnami"}, {2, url + "/ours"}}
		s.Controllers = []JMXTarget{{100, url + "/controller"}}
	})
	got, err := j.refresh("signal_available")
	if err != nil {
		t.Fatal(err)
	}
	var lacks []string
	for line := range strings.Lines(got) {
		if strings.HasSuffix(strings.TrimSpace(line), " 0") {
			lacks = append(lacks, strings.TrimSpace(line))
		}
	}
	if want := text(
		`signal_available{broker="",signal="broker_controller_offline_partitions"} 0`,
		`signal_available{broker="",signal="broker_unclean_leader_elections"} 0`,
		`signal_available{broker="1",signal="broker_log_flush"} 0`,
		`signal_available{broker="1",signal="broker_offline_log_dirs"} 0`,
		`signal_available{broker="1",signal="broker_request_phases"} 0`,
		`signal_available{broker="1",signal="broker_request_quantiles"} 0`,
		`signal_available{broker="100",signal="broker_gc"} 0`,
		`signal_available{broker="100",signal="broker_heap"} 0`,
		`signal_available{broker="100",signal="broker_open_files"} 0`,
		`signal_available{broker="100",signal="broker_process_cpu"} 0`,
	); text(lacks...) != want {
		t.Errorf("got\n%s\nwant\n%s", text(lacks...), want)
	}
	half := newJMXTest(t, func(s *JMXSettings) { s.Targets = []JMXTarget{{1, url + "/half"}} })
	half.want("a signal of three numbers, one of which is missing", `signal_available{broker="1",signal="broker_traffic"} 0`, `signal_available{broker="1",signal="broker_traffic"}`)
	if all := strings.Count(got, "\n") + 1; all != 3+2*21+5 {
		t.Errorf("%d signals", all)
	}
}

// TestJMXRecorded compares all series of a recorded page, read by jmx_exporter's protocol and Jolokia's.
func TestJMXRecorded(t *testing.T) {
	const golden = "testdata/jmx.golden"
	p := pages{"/metrics": recordedPage(t, "ours.prom"), "/jolokia/": recordedPage(t, "jolokia.json")}
	url := servePages(t, p)
	j := newJMXTest(t, func(s *JMXSettings) { s.Targets = []JMXTarget{{1, url + "/metrics"}} })
	if _, err := j.refresh(); err != nil {
		t.Fatal(err)
	}
	for key := range j.history["1"].timers { // as if all of it had been timed since
		j.history["1"].timers[key] = timerState{}
	}
	got, err := j.refresh("broker_a", "broker_b", "broker_c", "broker_i", "broker_l", "broker_m", "broker_n", "broker_o", "broker_page_dialect", "broker_pu", "broker_r", "broker_u")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, path := range []string{"/jolokia", "/jolokia/", "/jolokia/read"} {
		j := newJMXTest(t, func(s *JMXSettings) { s.Targets = []JMXTarget{{1, url + path}} })
		j.want(path, text(`broker_page_dialect_info{broker="1",dialect="jolokia"} 1`, `broker_under_replicated_partitions{broker="1"} 4`),
			"broker_page_dialect", "broker_under_replicated")
	}
}

// TestJMXSettings is about what is wrong with settings.
func TestJMXSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*JMXSettings)
		want   string
	}{
		{func(s *JMXSettings) {}, "template: there is no page to read: give a template such as http://{host}:9404/metrics, or targets, controllers or files"},
		{func(s *JMXSettings) { s.Template = "http://kafka:9404/metrics" }, "template: has neither {id} nor {host}: it would be the same page for every broker"},
		{func(s *JMXSettings) { s.Template = "{host}:9404/metrics" }, `template: "kafka-1:9404/metrics" is not the URL of a page: write for example http://kafka-1:9404/metrics`},
		{func(s *JMXSettings) { s.Template = "ftp://{host}/" }, `template: "ftp://kafka-1/" is not the URL of a page: write for example http://kafka-1:9404/metrics`},
		{func(s *JMXSettings) {
			s.Targets = []JMXTarget{{1, "http://a:1/"}, {1, "http://user:secret@b:1/"}}
			s.Controllers = []JMXTarget{{-1, "http:///"}}
		}, text(`targets[1].url: must not hold a user or a password: there is http_client.basic_auth`, `targets[1].broker: 1 is already that of targets[0]: each node has one page`,
			`controllers[0].url: "http:///" is not the URL of a page: write for example http://kafka-1:9404/metrics`, `controllers[0].broker: must be a node id, is -1`)},
		{func(s *JMXSettings) { s.Files = []string{"a[", "b"} }, `files[0]: "a[" is not a pattern of files, write for example /etc/kafka_prober/pages/*.yml`},
		{func(s *JMXSettings) {
			s.Template, s.Interval, s.Timeout, s.Concurrency, s.MaxPage = "http://{id}/", kind.Duration(time.Second), kind.Duration(time.Second), 0, 1
		}, text("interval: must be at least 5s, is 1s", "timeout: must be at most half the interval of 1s, is 1s", "concurrency: must be at least 1, is 0", "max_page: must be at least 1KiB, is 1B")},
		{func(s *JMXSettings) {
			s.Template = "http://{id}/"
			s.Client.BasicAuth, s.Client.Authorization, s.Client.ProxyURL = &JMXBasicAuth{Username: "u"}, &JMXAuthorization{Credentials: "a", CredentialsFile: "b"}, "proxy"
		}, text("http_client.basic_auth: give one of password and password_file", "http_client.authorization: give one of credentials and credentials_file",
			"http_client.authorization: a page takes one of basic_auth and authorization", `http_client.proxy_url: is not the URL of a proxy, write for example http://proxy:3128`)},
		{func(s *JMXSettings) { s.Template, s.Client.ProxyURL = "http://{id}/", "http://me:hunter2@proxy:3128" },
			"http_client.proxy_url: must not hold a user or a password, which /config would show: take a proxy that lets this host in without, or a local one that adds them"},
		{func(s *JMXSettings) { s.Template, s.Client.ProxyURL = "http://{id}/", "http://me:hunter2@proxy:port" },
			"http_client.proxy_url: is not the URL of a proxy, write for example http://proxy:3128"},
		{func(s *JMXSettings) { s.Template, s.Client.ProxyURL = "http://{id}/", "me:hunter2@proxy:3128" },
			"http_client.proxy_url: is not the URL of a proxy, write for example http://proxy:3128"},
	} {
		k, _ := Kinds.Get("jmx")
		settings := k.New().(*JMXSettings)
		test.change(settings)
		err := settings.Validate()
		if err == nil || err.Error() != test.want {
			t.Errorf("got\n%v\nwant\n%s", err, test.want)
		}
	}
}

// mustRead reads a page in the text format.
func mustRead(t *testing.T, page string) *jmxpage.Page {
	t.Helper()
	p, err := jmxpage.ReadText(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newTLSServer serves pages with a certificate of the authority.
func newTLSServer(t *testing.T, authority *testpki.Authority, h http.Handler) (url string) {
	t.Helper()
	pair, err := authority.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are the test's
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
