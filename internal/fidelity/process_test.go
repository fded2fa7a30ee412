//go:build bench

package fidelity_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// build builds a package of this module as `make build` does and returns the binary's path.
func build(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(pkg)+".exe")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, pkg)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return path
}

// Packages that are run as processes of their own.
const (
	daemonPackage  = "github.com/kafka-prober/kafka_prober"
	toolsPackage   = daemonPackage + "/internal/fidelity/"
	brokersPackage = toolsPackage + "brokers"
)

// runTool builds floor or ours, runs it with load and returns its report.
func runTool(t *testing.T, tool string, load fidelity.Load) fidelity.Report {
	t.Helper()
	return runBuilt(t, build(t, toolsPackage+tool), load)
}

// runBuilt runs a binary of floor or ours. None of its records may have failed.
func runBuilt(t *testing.T, path string, load fidelity.Load) fidelity.Report {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, load.Args()...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v\n%s", path, err, stderr.Bytes())
	}
	var r fidelity.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("report of %s: %v\n%s", path, err, out)
	}
	expected := float64(load.Partitions) * load.Length.Seconds() / load.Interval.Seconds()
	if n := float64(r.Count); r.Failed > 0 || n < .95*expected-float64(load.Partitions) || n > 1.05*expected+float64(load.Partitions) {
		t.Errorf("%s: %d records, want about %.0f; %d failed\n%s", filepath.Base(path), r.Count, expected, r.Failed, stderr.Bytes())
	}
	return r
}

// child is a process that runs until it is stopped, at the test's end at the latest.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
	stop   func()
}

// start starts a process, with out as its standard output. Its standard error is shown if the test fails.
func start(t *testing.T, out *syncBuffer, path string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(path, args...), exited: make(chan struct{})}
	var stderr syncBuffer
	c.cmd.Stdout, c.cmd.Stderr = out, &stderr
	stdin, err := c.cmd.StdinPipe() // its end ends those that read it, also when this process is killed
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait() // nobody asks how it ended: it is killed
		close(c.exited)
	}()
	c.stop = sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = c.cmd.Process.Kill() // fails if it has ended, which is as well
		<-c.exited
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(path), stderr.String())
		}
	})
	t.Cleanup(c.stop)
	return c
}

// syncBuffer is a bytes.Buffer that two goroutines may use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await and freeAddress are what all tests of processes share.
var await, freeAddress = promtest.Await, promtest.FreeAddress
