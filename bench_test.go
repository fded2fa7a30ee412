package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/bench"
)

// What can't be used says so, and what to do, before a cluster is looked for.
func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	two := filepath.Join(t.TempDir(), "two.yml")
	const text = "clusters: [{name: a, bootstrap_servers: ['127.0.0.1:1']}, {name: b, bootstrap_servers: ['127.0.0.1:2']}]"
	if err := os.WriteFile(two, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--size=10", 2, `--size "10": must be from 72B to 64MiB`},
		{"", 2, "no cluster to probe: give --config.file"},
		{"--config.file=" + two, 2, "the configuration has several clusters: choose one with --cluster (a, b)"},
		{"--config.file=" + two + " --cluster=c", 2, `--cluster "c": the configuration has a, b`},
		{"--kafka.bootstrap-servers=127.0.0.1:1 --output=json=/no/such/folder/x", 2, `--output "json=/no/such/folder/x": open /no/such/folder/x`},
		{"--kafka.bootstrap-servers=127.0.0.1:1 --output=json --output=text", 2, `--output "text": another form goes to standard output already: give one of the two a file`},
		{"--kafka.bootstrap-servers=127.0.0.1:1", 1, "no broker can be reached: "},
		{"--kafka.bootstrap-servers=127.0.0.1:1 --output=pdf", 2, `--output "pdf": the form must be one of text, json, html, omb, with a file as in json=report.json`},
	} {
		var stdout, stderr bytes.Buffer
		code := run(append([]string{"bench"}, strings.Fields(tt.args)...), strings.NewReader(""), &stdout, &stderr)
		if code != tt.code || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("bench %s: exit code %d\n%s\nwant %d, %s", tt.args, code, &stderr, tt.code, tt.want)
		}
	}
}

// TestBench is the command as it is used: a report in a file, figures that agree, and an exit code.
func TestBench(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 3)
	file := filepath.Join(t.TempDir(), "report.json")
	bootstrap := servers(c)
	var stdout, stderr bytes.Buffer
	args := []string{"bench", bootstrap, "--records=2000", "--warmup=0s", "--output=json=" + file}
	if code := run(args, strings.NewReader(""), &stdout, &stderr); code != 0 && code != exitInvalid { // a busy host is late
		t.Fatalf("exit code %d\n%s", code, &stderr)
	}
	report := reportOf(t, file)
	if report.Schema != bench.Schema || len(report.Cases) != 1 || report.Cases[0].Runs[0].Counts.Delivered != 2000 {
		t.Errorf("report is %+v", report)
	}
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	nobody := []string{"bench", "--kafka.bootstrap-servers=127.0.0.1:1", "--output=json=" + file}
	if code := run(nobody, strings.NewReader(""), &stdout, &stderr); code != 1 {
		t.Errorf("without a cluster: exit code %d, want 1", code)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, was) {
		t.Errorf("a report is gone though there is no other: %d bytes of %d, %v", len(now), len(was), err)
	}
	args[2] = "--records=20" // makes a shorter report
	if code := run(append(args, "--assert=records_per_second>=1000000000"), strings.NewReader(""), &stdout, &stderr); code != exitAsserted {
		t.Errorf("a billion records/s: exit code %d, want %d", code, exitAsserted)
	}
	if report := reportOf(t, file); report.Cases[0].Runs[0].Counts.Delivered != 20 {
		t.Errorf("the second report is %+v", report)
	}
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"a.json", `compare needs two reports at least: the base, and what to compare with it; "a.json" is one`},
		{"no-such.json b.json", "open no-such.json"},
		{bad + " " + bad, bad + " is no JSON report of bench"},
		{"", "required argument 'reports' not provided"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(append([]string{"compare"}, strings.Fields(tt.args)...), strings.NewReader(""), &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("compare %s: exit code %d\n%s\nwant 2, %s", tt.args, code, &stderr, tt.want)
		}
	}
}
