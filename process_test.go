package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// runTests is another function where some tests need a real Kafka.
var runTests = func(m *testing.M) { m.Run() } // the exit code is m's: see testing.M

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kafka_prober-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binaryDir = dir
	runTests(m)
}

var binaryDir string // set by TestMain, removed at the end

// binary builds kafka_prober once, as its users have it but for the race detector's absence.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "kafka_prober")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return path, nil
})

// process is a running kafka_prober.
type process struct {
	cmd    *exec.Cmd
	output *syncBuffer
	exited chan struct{}
}

// start starts kafka_prober, built if need be, and ends it with the test; what it printed is shown if the test fails.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return startWith(t, nil, args...)
}

// startWith is start with more in the environment, each as NAME=value.
func startWith(t *testing.T, environment []string, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	p := &process{cmd: exec.Command(path, args...), output: new(syncBuffer), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its exit code is in ProcessState
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails if it has ended, which is as well
		<-p.exited
		if t.Failed() {
			t.Logf("kafka_prober %v printed:\n%s", args, p.output)
		}
	})
	return p
}

func (p *process) signalTerm(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
}

// wait returns the exit code.
func (p *process) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-timer.C:
		t.Fatalf("still running after %v", limit)
		return -1
	}
}

// await and freeAddress are what all tests of processes share.
var await, freeAddress = promtest.Await, promtest.FreeAddress

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
