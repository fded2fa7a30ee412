package dashboards

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// prometheus is a Prometheus of the test's own.
type prometheus struct{ base string }

// answer is how its API answers.
type answer struct {
	Status, Error string
	Data          json.RawMessage
	Warnings      []string
}

// startPrometheus starts Prometheus with a configuration and ends it with the test.
func startPrometheus(t *testing.T, config string) *prometheus {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("no prometheus on PATH: run the tests by `make test-unit`, or `make .tools/prometheus` and put .tools on PATH")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	startProcess(t, binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn", "--enable-feature=exemplar-storage")
	p := &prometheus{base: "http://" + address}
	await(t, 30*time.Second, "Prometheus to be ready", func() bool { return reachable(p.base + "/-/ready") })
	return p
}

// get asks the API.
func (p *prometheus) get(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	resp, err := http.PostForm(p.base+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%s answered %q: %v", path, body, err)
	}
	return a
}

// startProcess starts a program and kills it at the end of the test; what it printed is shown if the test fails.
func startProcess(t *testing.T, binary string, args ...string) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails if it has ended, which is as well
		_ = cmd.Wait()
		_ = output.Close()
		if text, err := os.ReadFile(output.Name()); t.Failed() && err == nil {
			t.Logf("%s printed:\n%s", filepath.Base(binary), text)
		}
	})
}

// reachable returns whether a page answers with 200.
func reachable(page string) bool {
	resp, err := http.Get(page)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// await waits until done says so.
func await(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("still waiting for %s after %v", what, limit)
		}
	}
}

// freeAddress returns a loopback address that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
