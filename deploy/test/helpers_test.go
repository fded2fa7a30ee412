package deploytest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// root is the repository.
var root = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kafka_prober-deploy-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	scratch = dir
	m.Run() // the exit code is m's: see testing.M
}

var scratch string // set by TestMain, removed at the end

// command is a program to run in the repository.
type command struct {
	dir   string
	env   []string
	stdin string
	args  []string
}

// output returns what a command printed on both its outputs, and how it ended.
func (c command) output(t *testing.T) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	if c.dir == "" {
		cmd.Dir = root
	}
	cmd.Stdin = strings.NewReader(c.stdin)
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err := cmd.Run()
	return b.String(), err
}

// run returns what a program printed; if it fails, so does the test.
func run(t *testing.T, args ...string) string {
	t.Helper()
	return command{args: args}.must(t)
}

func (c command) must(t *testing.T) string {
	t.Helper()
	out, err := c.output(t)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(c.args, " "), err, out)
	}
	return out
}

// refused fails the test unless the program fails and says each text.
func refused(t *testing.T, args []string, texts ...string) {
	t.Helper()
	out, err := command{args: args}.output(t)
	if err == nil {
		t.Errorf("%s was not refused:\n%s", strings.Join(args, " "), out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%s does not say %q:\n%s", strings.Join(args, " "), text, out)
		}
	}
}

// binary builds kafka_prober once, static and stamped as a release is.
var binary = sync.OnceValues(func() (string, error) { return build(version, "amd64") })

const version = "0.0.1"

// build makes a binary of a version and an architecture and returns its path.
func build(version, arch string) (string, error) {
	path := filepath.Join(scratch, "kafka_prober-"+version+"-"+arch)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X github.com/prometheus/common/version.Version="+version, "-o", path, ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return string(out), err
	}
	return path, nil
}

func prober(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// glob returns the files of the repository that match a pattern; none is a failure.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file matches %s (%v)", pattern, err)
	}
	return files
}

// await waits until try succeeds; what it said last is in the failure.
func await(t *testing.T, what string, try func() (string, error)) {
	t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		said, err := try()
		if err == nil {
			return
		}
		select {
		case <-limit.C:
			t.Errorf("still waiting for %s: %v %s", what, err, said)
			return
		case <-tick.C:
		}
	}
}
