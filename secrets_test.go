package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestNoSecretShows plants a marked secret in every field that takes one, lets everything fail that can
// fail with it, and looks at all that an operator, or anybody on the host, can see.
func TestNoSecretShows(t *testing.T) {
	t.Parallel()
	const mark = "PLANTED-51ab"
	// An authorization server that says back what it was asked with.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Echo", mark)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error": %q, "error_description": %q}`, body, r.Header.Get("Authorization")+mark)
	}))
	t.Cleanup(server.Close)
	c := fakeKafka(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "prober", mark+"-good"))
	c.ControlKey(int16(kmsg.SASLHandshake), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		handshake := req.(*kmsg.SASLHandshakeRequest)
		if handshake.Mechanism != "OAUTHBEARER" && handshake.Mechanism != "AWS_MSK_IAM" {
			return nil, nil, false
		}
		return req.ResponseKind(), nil, true // offered, so that the client goes on to its secret
	})
	config := writeConfig(t, c, `
clusters:
  - {name: good, bootstrap_servers: %SERVERS%, sasl: {mechanism: PLAIN, username: prober, password: `+mark+`-good}}
  - {name: wrong, bootstrap_servers: %SERVERS%, sasl: {mechanism: PLAIN, username: prober, password: `+mark+`-wrong}}
  - {name: scram, bootstrap_servers: %SERVERS%, sasl: {mechanism: SCRAM-SHA-512, username: prober, password: `+mark+`-scram}}
  - {name: env, bootstrap_servers: %SERVERS%, sasl: {mechanism: SCRAM-SHA-256, username: prober, password_env: KAFKA_PROBER_TEST_PLANTED}}
  - {name: token, bootstrap_servers: %SERVERS%, sasl: {mechanism: OAUTHBEARER, token: `+mark+`-token}}
  - {name: iam, bootstrap_servers: %SERVERS%, sasl: {mechanism: AWS_MSK_IAM, username: key, password: `+mark+`-iam, token: `+mark+`-session}}
  - name: grant
    bootstrap_servers: %SERVERS%
    sasl:
      mechanism: OAUTHBEARER
      oauth2: {token_url: "`+server.URL+`", client_id: me, client_secret: `+mark+`-grant, endpoint_params: {assertion: `+mark+`-param}}
    listeners:
      - {name: other, bootstrap_servers: %SERVERS%, sasl: {mechanism: PLAIN, username: prober, password: `+mark+`-listener}}
`)
	d := startDaemon(t, "--config.file="+config, "--log.level=debug", "--web.enable-pprof", "--web.enable-lifecycle")
	await(t, 20*time.Second, "records by the way that works", func() bool {
		return sum(d.scrape(t), "kafka_prober_records_total", map[string]string{"kafka_cluster": "good", "outcome": "delivered"}) > 0
	})
	await(t, 20*time.Second, "the grant to be refused", func() bool {
		return sum(d.scrape(t), "kafka_prober_connect_failures_total", map[string]string{"kafka_cluster": "grant", "reason": "CREDENTIALS_UNUSABLE"}) > 0
	})
	seen := map[string]string{}
	for _, page := range []string{"/", "/metrics", "/config", "/-/healthy", "/-/ready", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/nothing"} {
		_, body := request(t, http.MethodGet, d.base+page)
		seen[page] = string(body)
	}
	seen["check"] = fmt.Sprint(runCommand("check", "--log.level=debug", "--config.file="+config))
	bad := writeConfig(t, c, "clusters: [{name: c, bootstrap_servers: %SERVERS%, sasl: {mechanism: PLAIN, username: prober, pasword: "+mark+", token: "+mark+", password: ["+mark+"]}}]")
	seen["check of a bad file"] = fmt.Sprint(runCommand("check", "--config.file="+bad))
	arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	seen["ps"] = string(arguments)
	if err := d.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // ends it with the traces of all goroutines, as a panic does
		t.Fatal(err)
	}
	d.wait(t, 10*time.Second)
	seen["log and traces"] = d.output.String()
	for where, text := range seen {
		if i := strings.Index(text, mark); i >= 0 {
			t.Errorf("%s shows a secret: %s", where, text[max(0, i-200):min(len(text), i+50)])
		}
	}
	for where, what := range map[string]string{
		"/config": "<secret>", "check": "PROBLEM", "check of a bad file": "pasword", "log and traces": "level=debug",
	} {
		if !strings.Contains(seen[where], what) {
			t.Errorf("%s lacks %q: the test does not look at what it means to", where, what)
		}
	}
}
