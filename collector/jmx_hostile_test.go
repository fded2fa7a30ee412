package collector

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// healthy is a page of a broker, and its series.
const (
	healthy       = "kafka_server_replicamanager_underreplicatedpartitions 7\n"
	healthySeries = `broker_under_replicated_partitions{broker="1"} 7`
)

// A page that is hostile costs itself alone: the others are read, and of it there is what is wrong.
func TestJMXHostilePages(t *testing.T) {
	for _, test := range []struct {
		name   string
		page   func(http.ResponseWriter, *http.Request)
		series []string // of broker 2, but for those of reading it
		reason string
	}{
		{name: "HTML", page: say("<html><body>Sign in</body></html>\n"), reason: "PAGE_INVALID"},
		{name: "texts as values", page: say(healthy + "kafka_version four\n"), reason: "PAGE_INVALID"},
		{name: "half a line", page: say(healthy + "kafka_server_replicamanager_offlinereplicacou"), reason: "PAGE_INVALID"},
		{name: "NaN", page: say("kafka_server_replicamanager_underreplicatedpartitions NaN\n" + queueLine), series: []string{`broker_request_queue_size{broker="2"} 3`}},
		{name: "duplicate series", page: say(healthy + strings.Replace(healthy, "7", "8", 1) + queueLine), series: []string{`broker_request_queue_size{broker="2"} 3`}, reason: "PAGE_CONFLICT"},
		{name: "unknown MBeans", page: say(queueLine + "kafka_coordinator_group_numgroups 1\nkafka_server_replicamanager_total_of_total_value 1\nkafka_ 1\nkafka_a_b 1\n"), series: []string{`broker_request_queue_size{broker="2"} 3`}},
		{name: "another program", page: say("go_goroutines 8\n"), reason: "PAGE_FOREIGN"},
		{name: "100 MB", page: func(w http.ResponseWriter, r *http.Request) {
			chunk := []byte(strings.Repeat("a{b=\""+strings.Repeat("c", 4000)+"\"} 1\n", 260))
			for range 100 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, reason: "PAGE_TOO_LARGE"},
		{name: "a broken connection", page: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, healthy)
			panic(http.ErrAbortHandler)
		}, reason: "CONNECTION_CLOSED"},
		{name: "an error", page: func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "overloaded", http.StatusServiceUnavailable)
		}, reason: "HTTP_503"},
		{name: "a redirect without end", page: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, reason: "UNKNOWN"},
		{name: "labels that are no UTF-8", page: say(queueLine + "kafka_network_requestmetrics_errors_total{request=\"\xff\",error=\"\xfe\"} 1\n"),
			series: []string{`broker_request_errors_total{broker="2",error="�",request="�"} 1`, `broker_request_queue_size{broker="2"} 3`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("/1", say(healthy))
			mux.HandleFunc("/2", test.page)
			url := servePages(t, mux)
			j := newJMXTest(t, func(s *JMXSettings) {
				s.Targets = []JMXTarget{{1, url + "/1"}, {2, url + "/2"}}
				s.Timeout = s.Interval / 2
			})
			up, want := 1, append([]string{}, test.series...)
			if test.reason != "" && test.series == nil {
				up = 0
			}
			want = append([]string{`broker_page_up{broker="1",role="broker"} 1`, fmt.Sprintf(`broker_page_up{broker="2",role="broker"} %d`, up)}, want...)
			want = append(want, healthySeries)
			if test.reason != "" {
				want = append(want, fmt.Sprintf(`collector_partial_errors_total{broker="2",reason=%q} 1`, test.reason))
			}
			j.want(test.name, text(want...), "broker_page_up", "broker_under", "broker_request", "broker_offline", "collector_partial")
		})
	}
}

const queueLine = "kafka_network_requestchannel_requestqueuesize 3\n"

func say(page string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, page) }
}

// A page that stalls costs its timeout and no other page, and then the cap on what is read at a time.
func TestJMXStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var nw kfake.VirtualNetwork
		listener, err := nw.Listen("tcp", "127.0.0.1:9404")
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("/1", say(healthy))
		mux.HandleFunc("/2", func(w http.ResponseWriter, r *http.Request) { // half a page, the rest after 30 s
			fmt.Fprint(w, healthy)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(30 * time.Second):
			}
			fmt.Fprint(w, queueLine)
		})
		mux.HandleFunc("/3", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		server := &http.Server{Handler: mux}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()

		for _, test := range []struct {
			concurrency int
			took        time.Duration // three pages at once, or one after the other in any order
		}{{3, 10 * time.Second}, {1, 20 * time.Second}} {
			j := newJMXTest(t, func(s *JMXSettings) {
				s.Concurrency = test.concurrency
				for id := range int32(3) {
					s.Targets = append(s.Targets, JMXTarget{id + 1, fmt.Sprintf("http://127.0.0.1:9404/%d", id+1)})
				}
			})
			j.reader.dial = nw.DialContext
			start := time.Now()
			j.want("stalls", text(`broker_page_up{broker="1",role="broker"} 1`, `broker_page_up{broker="2",role="broker"} 0`, `broker_page_up{broker="3",role="broker"} 0`, healthySeries,
				`collector_partial_errors_total{broker="2",reason="DEADLINE_EXCEEDED"} 1`, `collector_partial_errors_total{broker="3",reason="DEADLINE_EXCEEDED"} 1`),
				"broker_page_up", "broker_under", "broker_request", "collector_partial")
			if took := time.Since(start); took != test.took {
				t.Errorf("%d at a time took %v", test.concurrency, took)
			}
			j.Close()
		}
	})
}

// A scrape serves what there is while a page does not answer.
func TestJMXScrapeDuringStall(t *testing.T) {
	asked := make(chan struct{}, 10)
	url := servePages(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	j := newJMXTest(t, func(s *JMXSettings) { s.Targets = []JMXTarget{{1, url}} })
	m := &member{name: "jmx", source: j.jmx, schedule: Schedule{Interval: time.Minute, Budget: time.Minute}, log: j.account.log, account: j.account}
	set := &Set{members: []*member{m}, account: newAccountDescs(Env{}), signals: j.account.signals, success: prometheus.NewDesc("a", "a", []string{"collector"}, nil)}
	set.took, set.lastOK = set.success, set.success
	done := make(chan struct{})
	go func() { defer close(done); _ = m.refresh(t.Context()) }()
	<-asked
	families, err := set.Gather() // returns while the page is being waited for
	select {
	case <-done:
		t.Error("the page has answered: it was to stall")
	default:
	}
	if err != nil || len(families) != 1 { // series_dropped_total
		t.Errorf("%v and %v before the first page", families, err)
	}
}

// Nobody to read is an error of the collector.
func TestJMXAllDown(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close()
	j := newJMXTest(t, func(s *JMXSettings) { s.Targets = []JMXTarget{{1, url}} })
	got, err := j.refresh("broker_page_up", "collector_partial", "signal_available")
	if want := text(`broker_page_up{broker="1",role="broker"} 0`, `collector_partial_errors_total{broker="1",reason="CONNECTION_REFUSED"} 1`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "no page could be read: collector_partial_errors_total has the reasons; the last: ") {
		t.Errorf("error %v", err)
	}
}

// TestJMXClientSecurity is about the ways in: TLS by an authority of its own, basic_auth, authorization by file.
func TestJMXClientSecurity(t *testing.T) {
	authority, err := testpki.New("pages")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string][]byte{"ca.pem": authority.PEM, "token": []byte("s3cret\n"), "password": []byte("hunter2")}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wanted := map[string]string{"/bearer": "Bearer s3cret", "/basic": "Basic " + base64.StdEncoding.EncodeToString([]byte("prober:hunter2")), "/open": ""}
	server := newTLSServer(t, authority, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := wanted[r.URL.Path]; r.Header.Get("Authorization") != want {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, healthy)
	}))
	trusting := &security.TLS{CAFile: filepath.Join(dir, "ca.pem")}
	basic := &JMXBasicAuth{Username: "prober", PasswordFile: filepath.Join(dir, "password")}
	for _, test := range []struct {
		path   string
		client JMXClient
		reason string
	}{
		{path: "/open", client: JMXClient{TLS: trusting}},
		{path: "/open", client: JMXClient{TLS: &security.TLS{InsecureSkipVerify: true}}},
		{path: "/open", client: JMXClient{TLS: &security.TLS{CA: string(authority.PEM)}}},
		{path: "/basic", client: JMXClient{TLS: trusting, BasicAuth: basic}},
		{path: "/bearer", client: JMXClient{TLS: trusting, Authorization: &JMXAuthorization{CredentialsFile: filepath.Join(dir, "token")}}},
		{path: "/bearer", client: JMXClient{TLS: trusting, Authorization: &JMXAuthorization{Credentials: "s3cret"}}},
		{path: "/bearer", client: JMXClient{TLS: trusting, BasicAuth: basic}, reason: "HTTP_401"},
		{path: "/open", client: JMXClient{}, reason: "CERTIFICATE_UNTRUSTED"},
		{path: "/open", client: JMXClient{TLS: &security.TLS{CAFile: filepath.Join(dir, "ca.pem"), ServerName: "other"}}, reason: "CERTIFICATE_WRONG_NAME"},
		{path: "/open", client: JMXClient{TLS: &security.TLS{CAFile: filepath.Join(dir, "missing")}}, reason: "UNKNOWN"},
	} {
		j := newJMXTest(t, func(s *JMXSettings) { s.Targets, s.Client = []JMXTarget{{1, server + test.path}}, test.client })
		got, _ := j.refresh("broker_under", "collector_partial")
		want := healthySeries
		if test.reason != "" {
			want = fmt.Sprintf(`collector_partial_errors_total{broker="1",reason=%q} 1`, test.reason)
		}
		if got != want {
			t.Errorf("%s with %+v: got\n%s\nwant\n%s", test.path, test.client, got, want)
		}
	}
}

// Secrets are masked wherever settings are printed.
func TestJMXSecrets(t *testing.T) {
	settings := JMXClient{BasicAuth: &JMXBasicAuth{Password: "hunter2"}, Authorization: &JMXAuthorization{Credentials: kind.Secret("hunter2")}}
	if shown := fmt.Sprintf("%+v %+v", *settings.BasicAuth, *settings.Authorization); strings.Contains(shown, "hunter2") {
		t.Errorf("shown: %s", shown)
	}
}
