//go:build kafka || faults

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// planted is in every secret of these tests, and must be nowhere else.
const planted = "PLANTED-7f3c"

// waysIn is one broker with a listener for every way in, and the files that lead there.
type waysIn struct {
	*kafkatest.Cluster
	security *kafkatest.Security
	admin    *kadm.Client
	dir      string
}

// startWaysIn starts the broker and lets User:prober and User:CN=prober do what the probes need.
func startWaysIn(t *testing.T) *waysIn {
	t.Helper()
	security, err := kafkatest.NewSecurity(map[string]string{"prober": planted + "-plain"})
	if err != nil {
		t.Fatal(err)
	}
	secure, err := kafkatest.Secure(security)
	if err != nil {
		t.Fatal(err)
	}
	w := &waysIn{Cluster: kafkatest.Start(t, kafkatest.Brokers(1), secure), security: security, dir: t.TempDir()}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w.admin = kadm.NewClient(client)
	w.setSCRAM(t, planted+"-scram")
	w.acls(t, true, kadm.OpWrite, kadm.OpRead, kadm.OpDescribe, kadm.OpDescribeConfigs, kadm.OpCreate, kadm.OpAlter)
	w.write(t, "ca.pem", string(security.Authority.PEM))
	w.issue(t)
	w.write(t, "plain", planted+"-plain\n")
	w.write(t, "scram", planted+"-scram\n")
	w.write(t, "token", kafkatest.UnsecuredToken("prober", time.Now().Add(time.Hour)))
	return w
}

func (w *waysIn) path(name string) string { return filepath.Join(w.dir, name) }

func (w *waysIn) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(w.path(name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes a client certificate.
func (w *waysIn) issue(t *testing.T) {
	t.Helper()
	pair, err := w.security.Authority.Issue(testpki.Leaf{Name: "prober"})
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "me.pem", string(pair.Cert))
	w.write(t, "me.key", string(pair.Key))
}

// setSCRAM sets the password of the user prober for both hashes.
func (w *waysIn) setSCRAM(t *testing.T, password string) {
	t.Helper()
	for _, hash := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // Kafka takes a user once a request
		altered, err := w.admin.AlterUserSCRAMs(t.Context(), nil,
			[]kadm.UpsertSCRAM{{User: "prober", Mechanism: hash, Iterations: 4096, Password: password}})
		if err == nil {
			err = altered.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// acls grants or revokes operations on the steady probe's topic.
func (w *waysIn) acls(t *testing.T, grant bool, operations ...kadm.ACLOperation) {
	t.Helper()
	w.change(t, grant, kadm.NewACLs().Topics(steadyTopic).ResourcePatternType(kadm.ACLPatternLiteral).
		Allow("User:prober", "User:CN=prober").AllowHosts("*").Operations(operations...))
}

// change creates or deletes ACLs.
func (w *waysIn) change(t *testing.T, grant bool, b *kadm.ACLBuilder) {
	t.Helper()
	if grant {
		if _, err := w.admin.CreateACLs(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := w.admin.DeleteACLs(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// serve lets a listener of the running broker show a new certificate of the present authority, and trust
// clients of those given.
func (w *waysIn) serve(t *testing.T, listener string, trusted *testpki.Authority) {
	t.Helper()
	pair, err := w.security.Authority.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	var alter []kadm.AlterConfig
	for key, value := range kafkatest.KeyStore(listener, trusted, pair) {
		alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: &value})
	}
	altered, err := w.admin.AlterBrokerConfigs(t.Context(), alter, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range altered {
		if one.Err != nil {
			t.Fatalf("%s: %v %s", listener, one.Err, one.ErrMessage)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.security.Authority.PEM)
	await(t, 30*time.Second, listener+" to show its new certificate", func() bool {
		conn, err := tls.Dial("tcp", w.BootstrapFor(listener)[0], &tls.Config{RootCAs: roots})
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// wayIn is a cluster of the configuration, and what the connect probe must say of it.
type wayIn struct{ name, listener, yaml, tls, sasl string }

func (w *waysIn) ways() []wayIn {
	ca := "tls_config: {ca_file: " + w.path("ca.pem") + "}"
	login := func(mechanism, secret string) string {
		return "sasl: {mechanism: " + mechanism + ", username: prober, " + secret + "}"
	}
	return []wayIn{
		{"ssl", kafkatest.SSLListener, ca, "TLS 1.3", ""},
		{"mtls", kafkatest.MTLSListener, fmt.Sprintf("tls_config: {ca_file: %s, cert_file: %s, key_file: %s}", w.path("ca.pem"), w.path("me.pem"), w.path("me.key")), "TLS 1.3", ""},
		{"plain", kafkatest.SASLListener, login("PLAIN", "password: "+planted+"-plain"), "", "PLAIN"},
		{"scram256", kafkatest.SASLListener, login("SCRAM-SHA-256", "password_file: "+w.path("scram")), "", "SCRAM-SHA-256"},
		{"scram512", kafkatest.SASLSSLListener, ca + "\n    " + login("SCRAM-SHA-512", "password_file: "+w.path("scram")), "TLS 1.3", "SCRAM-SHA-512"},
		{"oauth", kafkatest.OAuthListener, "sasl: {mechanism: OAUTHBEARER, token_file: " + w.path("token") + "}", "", "OAUTHBEARER"},
	}
}

// config writes a configuration of the ways and returns its path.
func (w *waysIn) config(t *testing.T, ways ...wayIn) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("clusters:\n")
	for _, way := range ways {
		fmt.Fprintf(&b, "  - name: %s\n    bootstrap_servers: [%q]\n    %s\n    collectors: {}\n", way.name, w.BootstrapFor(way.listener)[0], way.yaml)
		b.WriteString("    probes: [{kind: steady, interval: 500ms, timeout: 15s, slo: {latency: 1s}}, {kind: connect, interval: 1s, timeout: 1s}]\n")
	}
	name := fmt.Sprintf("config-%d.yml", len(ways))
	w.write(t, name, b.String())
	return w.path(name)
}

// TestWaysIn is every mechanism on a real broker: records are delivered, connections are named, check
// says that all is well, passwords and certificates change without a failed record, and no secret shows.
func TestWaysIn(t *testing.T) {
	w := startWaysIn(t)
	t.Run("misfits", w.misfits)
	t.Run("bench", w.bench)
	config := w.config(t, w.ways()...)
	d := startDaemon(t, "--config.file="+config, "--log.level=debug", "--web.enable-pprof")
	for _, way := range w.ways() {
		on := map[string]string{"kafka_cluster": way.name}
		await(t, 60*time.Second, way.name+" to deliver", func() bool {
			return sum(d.scrape(t), "kafka_prober_records_total", map[string]string{"kafka_cluster": way.name, "outcome": "delivered"}) > 3
		})
		await(t, 10*time.Second, way.name+" to connect", func() bool {
			return sum(d.scrape(t), "kafka_prober_connect_success", on) == 1
		})
		if way.tls+way.sasl == "" {
			continue
		}
		if got := sum(d.scrape(t), "kafka_prober_connect_security_info", map[string]string{
			"kafka_cluster": way.name, "tls_version": way.tls, "sasl_mechanism": way.sasl}); got != 1 {
			t.Errorf("%s: connect_security_info is not %q, %q", way.name, way.tls, way.sasl)
		}
		ends := sum(d.scrape(t), "kafka_prober_connect_certificate_expiry_timestamp_seconds", on)
		if left := time.Until(time.Unix(int64(ends), 0)); way.tls != "" && (left < 0 || left > time.Hour) {
			t.Errorf("%s: the certificate ends in %v, want within an hour", way.name, left)
		}
	}

	for _, way := range w.ways() {
		runCommand("check", "--config.file="+w.config(t, way)).says(t, 0, "answers", "all is well: the daemon can do its job")
	}
	w.rotates(t, d)
	w.showsNoSecret(t, d, config)
}

// rotates changes the password of both hashes, the client's certificate, the token and the authority while
// the daemon runs. No record may fail.
func (w *waysIn) rotates(t *testing.T, d *daemonProcess) {
	t.Helper()
	failed := func() float64 {
		f := d.scrape(t)
		of := func(outcome string) float64 {
			return sum(f, recordsSeries, map[string]string{"probe": "steady", "outcome": outcome})
		}
		return sum(f, recordsSeries, map[string]string{"probe": "steady"}) - of("delivered") - of("skipped")
	}
	connects := func(cluster string) float64 {
		f := d.scrape(t)
		return sum(f, "kafka_prober_client_connects_total", map[string]string{"kafka_cluster": cluster})
	}
	await(t, 30*time.Second, "what was due while connections were first made to be judged", func() bool {
		oldest := 0.0
		for _, m := range d.scrape(t)["kafka_prober_oldest_outstanding_seconds"].GetMetric() {
			oldest = max(oldest, value(m))
		}
		return oldest < 1
	})
	before := failed()
	// anew changes the credentials of clusters and waits until their connections are made with the new ones.
	anew := func(what string, change func(), clusters ...string) {
		t.Helper()
		was := map[string]float64{}
		for _, cluster := range clusters {
			was[cluster] = connects(cluster)
		}
		change()
		for _, cluster := range clusters {
			await(t, 30*time.Second, cluster+" to be connected anew with "+what, func() bool { return connects(cluster) >= was[cluster]+3 })
			await(t, 15*time.Second, cluster+" to connect with "+what, func() bool {
				return sum(d.scrape(t), "kafka_prober_connect_success", map[string]string{"kafka_cluster": cluster}) == 1
			})
		}
		if n := failed() - before; n > 0 {
			t.Errorf("%v records failed with %s: outcomes %v, reasons %v", n, what, outcomes(d.scrape(t)), reasons(d.scrape(t)))
		}
	}
	// An authority is replaced in three steps: trust both, let the broker show certificates of the new one,
	// trust it alone.
	old := w.security.Authority
	authority, err := testpki.New("kafkatest, the next")
	if err != nil {
		t.Fatal(err)
	}
	both := &testpki.Authority{PEM: append(slices.Clone(old.PEM), authority.PEM...)}
	anew("new passwords, certificates, tokens and both authorities", func() {
		w.setSCRAM(t, planted+"-rotated")
		w.write(t, "scram", planted+"-rotated\n")
		w.issue(t)
		w.write(t, "token", kafkatest.UnsecuredToken("prober", time.Now().Add(50*time.Minute)))
		w.write(t, "ca.pem", string(both.PEM))
	}, "scram256", "scram512", "mtls", "oauth", "ssl")
	w.security.Authority = authority
	for _, listener := range []string{kafkatest.SSLListener, kafkatest.MTLSListener, kafkatest.SASLSSLListener} {
		w.serve(t, listener, both)
	}
	anew("the new authority alone, and a client certificate of it", func() {
		w.issue(t)
		w.write(t, "ca.pem", string(authority.PEM))
	}, "mtls", "scram512", "ssl")
	for _, way := range w.ways() { // the broker shows what only the new authority has signed
		if way.tls != "" {
			runCommand("check", "--config.file="+w.config(t, way)).says(t, 0, "all is well")
		}
	}
	w.write(t, "me.key", planted+"-broken")
	await(t, 10*time.Second, "the broken key to show", func() bool {
		return sum(d.scrape(t), "kafka_prober_credential_reload_success", map[string]string{"kafka_cluster": "mtls"}) == 0
	})
}

// showsNoSecret looks for what was planted in all that an operator, or anybody on the host, can see.
func (w *waysIn) showsNoSecret(t *testing.T, d *daemonProcess, config string) {
	t.Helper()
	seen := map[string]string{}
	for _, page := range []string{"/", "/metrics", "/config", "/-/healthy", "/-/ready", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/nothing"} {
		_, body := request(t, "GET", d.base+page)
		seen[page] = string(body)
	}
	seen["check"] = fmt.Sprint(runCommand("check", "--log.level=debug", "--config.file="+config))
	arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	seen["ps"] = string(arguments)
	if err := d.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // ends it with the traces of all goroutines
		t.Fatal(err)
	}
	d.wait(t, 10*time.Second)
	seen["log and traces"] = d.output.String()
	token, err := os.ReadFile(w.path("token"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range seen {
		if strings.Contains(text, planted) || strings.Contains(text, string(token)) {
			t.Errorf("%s shows a secret", where)
		}
	}
	if !strings.Contains(seen["/config"], "<secret>") || !strings.Contains(seen["log and traces"], "goroutine 1 ") || !strings.Contains(seen["log and traces"], "level=debug") {
		t.Error("the test does not look at what it means to")
	}
}

// misfits is what check says, within five seconds, of everything that does not fit.
func (w *waysIn) misfits(t *testing.T) {
	stranger, err := testpki.New("stranger")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "stranger.pem", string(stranger.PEM))
	w.write(t, "ended", kafkatest.UnsecuredToken("prober", time.Now().Add(-time.Hour)))
	ca := "tls_config: {ca_file: " + w.path("ca.pem") + "}"
	as := func(mechanism string) string {
		return "sasl: {mechanism: " + mechanism + ", username: prober, password: " + planted + "-wrong}"
	}
	for _, tt := range []struct{ name, listener, yaml, want string }{
		{"wrong password, PLAIN", kafkatest.SASLListener, as("PLAIN"), "the broker refuses these credentials"},
		{"wrong password, SCRAM-SHA-256", kafkatest.SASLListener, as("SCRAM-SHA-256"), "the broker refuses these credentials"},
		{"wrong password, SCRAM-SHA-512", kafkatest.SASLSSLListener, ca + "\n    " + as("SCRAM-SHA-512"), "the broker refuses these credentials"},
		{"token that has ended", kafkatest.OAuthListener, "sasl: {mechanism: OAUTHBEARER, token_file: " + w.path("ended") + "}", "the broker refuses these credentials"},
		{"mechanism not offered", kafkatest.OAuthListener, as("PLAIN"), "the listener does not offer this mechanism"},
		{"expired certificate", kafkatest.ExpiredListener, ca, "the broker's certificate is not valid now"},
		{"certificate of another name", kafkatest.RenamedListener, ca, "the broker's certificate is for another name"},
		{"unknown authority", kafkatest.SSLListener, "tls_config: {ca_file: " + w.path("stranger.pem") + "}", "the broker's certificate is of an authority that is not known here"},
		{"no client certificate", kafkatest.MTLSListener, ca, "the broker does not accept the client's certificate, or wants one"},
		{"TLS to a plaintext port", kafkatest.PlaintextListener, ca, "the listener does not speak TLS"},
		{"plaintext to a TLS port", kafkatest.SSLListener, "client_id: x", "the listener wants TLS: give tls_config"},
		{"SASL missing", kafkatest.SASLListener, "client_id: x", "it wants SASL (sasl)"},
		{"SASL missing in TLS", kafkatest.SASLSSLListener, ca, "it wants SASL (sasl)"},
		{"SASL not wanted", kafkatest.PlaintextListener, as("PLAIN"), "the listener wants no SASL"},
		{"no such file", kafkatest.SSLListener, "tls_config: {ca_file: /none.pem}", "credentials can't be used: read ca_file: open /none.pem: no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			began := time.Now()
			got := runCommand("check", "--config.file="+w.config(t, wayIn{name: "c", listener: tt.listener, yaml: tt.yaml}))
			got.says(t, 1, "PROBLEM", tt.want)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if strings.Contains(fmt.Sprint(got), planted) {
				t.Error("shows the password")
			}
		})
	}
}

// bench is 100, 1,000, 5,000 and 10,000 records over TLS with SCRAM, and with no more rights than that takes, as
// one command: throughput, latency and the share of errors of each.
func (w *waysIn) bench(t *testing.T) {
	w.change(t, true, kadm.NewACLs().Topics("kafka-prober-bench-").ResourcePatternType(kadm.ACLPatternPrefixed).
		Allow("User:prober").AllowHosts("*").Operations(kadm.OpCreate, kadm.OpDelete, kadm.OpWrite, kadm.OpRead, kadm.OpDescribe))
	file := filepath.Join(t.TempDir(), "report.json")
	i := slices.IndexFunc(w.ways(), func(way wayIn) bool { return way.listener == kafkatest.SASLSSLListener })
	got := runCommand("bench", "--config.file="+w.config(t, w.ways()[i]), "--records=100,1000,5000,10000", "--output=text", "--output=json="+file, "--quiet")
	got.says(t, 0, "records/s", "e2e p50 ms", "errors", "records=100 ", "records=10000 ", "10000 due: 10000 delivered")
	for _, c := range reportOf(t, file).Cases {
		run := c.Runs[0]
		t.Logf("%-14s %7.0f records/s, p50 %.2f ms, p99 %.2f ms, %d errors", c.Name, run.RecordsPerSec, run.EndToEnd.P50, run.EndToEnd.P99, run.Counts.Undelivered())
		if run.Counts.Delivered != uint64(c.Records) || run.RecordsPerSec <= 0 {
			t.Errorf("%s: %d of %d delivered, %.0f records/s", c.Name, run.Counts.Delivered, c.Records, run.RecordsPerSec)
		}
	}
}
