package promtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// Prometheus is a Prometheus of the test's own.
type Prometheus struct {
	URL string
}

// Answer is how its API answers.
type Answer struct {
	Status, Error string
	Data          json.RawMessage
	Warnings      []string
}

// Sample is one result of an instant query.
type Sample struct {
	Metric    map[string]string
	Value     [2]any // time and text of the number; nil if it is a histogram
	Histogram json.RawMessage
}

// StartPrometheus starts Prometheus with a configuration file, on a free address.
func StartPrometheus(t testing.TB, file string, flags ...string) *Prometheus {
	t.Helper()
	address := FreeAddress(t)
	StartProcess(t, tool(t, "prometheus"), append([]string{"--config.file=" + file, "--storage.tsdb.path=" + t.TempDir(),
		"--web.listen-address=" + address, "--log.level=warn", "--enable-feature=exemplar-storage"}, flags...)...)
	p := &Prometheus{URL: "http://" + address}
	Await(t, 30*time.Second, "Prometheus to be ready", func() bool { return reachable(p.URL + "/-/ready") })
	return p
}

// Get asks the API.
func (p *Prometheus) Get(t testing.TB, path string, form url.Values) Answer {
	t.Helper()
	resp, err := http.PostForm(p.URL+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a Answer
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%s answered %q: %v", path, body, err)
	}
	return a
}

// Query asks for the value of an expression now. An expression that can't be evaluated, or only with a
// warning, is an error of the test's, which goes on.
func (p *Prometheus) Query(t testing.TB, expr string) []Sample {
	t.Helper()
	a := p.Get(t, "/api/v1/query", url.Values{"query": {expr}})
	if a.Status != "success" || len(a.Warnings) > 0 {
		t.Errorf("%s: %s %q", expr, a.Error, a.Warnings)
		return nil
	}
	var data struct{ Result []Sample }
	if err := json.Unmarshal(a.Data, &data); err != nil {
		t.Fatalf("%s answered %s: %v", expr, a.Data, err)
	}
	return data.Result
}
