package deploytest

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxExposure is the highest score of `systemd-analyze security` that a unit may have; 10 is worst.
const maxExposure = 2.0

// unitRoot is a root file system that holds the units and stand-ins of what they start.
func unitRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, unit := range glob(t, "deploy/systemd/*") {
		write(t, filepath.Join(dir, "usr/lib/systemd/system", filepath.Base(unit)), read(t, unit))
	}
	// What is ordered against has to exist for systemd-analyze to say nothing.
	for _, target := range []string{"network-online", "multi-user", "sysinit", "basic", "shutdown", "sockets"} {
		write(t, filepath.Join(dir, "usr/lib/systemd/system", target+".target"), "[Unit]\nDescription="+target+"\n")
	}
	for _, program := range []string{"usr/bin/kafka_prober", "bin/kill"} {
		write(t, filepath.Join(dir, program), "#!/bin/sh\n")
		run(t, "chmod", "+x", filepath.Join(dir, program))
	}
	return dir
}

func TestUnitsVerify(t *testing.T) {
	t.Parallel()
	dir := unitRoot(t)
	for _, unit := range []string{"kafka_prober.service", "kafka_prober@prod.service", "kafka_prober.socket"} {
		if out := run(t, "systemd-analyze", "verify", "--root="+dir, "--man=no", "--recursive-errors=no", unit); strings.TrimSpace(out) != "" {
			t.Errorf("systemd-analyze verify %s:\n%s", unit, out)
		}
	}
	// The test looks at what it means to: a planted mistake is found.
	path := filepath.Join(dir, "usr/lib/systemd/system/kafka_prober.service")
	write(t, path, strings.Replace(read(t, path), "WatchdogSec=", "WatchDogSec=", 1))
	if out, _ := (command{args: []string{"systemd-analyze", "verify", "--root=" + dir, "--man=no", "kafka_prober.service"}}).output(t); !strings.Contains(out, "WatchDogSec") {
		t.Errorf("a planted mistake was not found:\n%s", out)
	}
}

func TestUnitsExposure(t *testing.T) {
	t.Parallel()
	dir := unitRoot(t)
	overall := regexp.MustCompile(`Overall exposure level for .*: ([0-9.]+) `)
	for _, unit := range []string{"kafka_prober.service", "kafka_prober@prod.service"} {
		out := run(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--root="+dir, unit)
		m := overall.FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("no score in\n%s", out)
		}
		score, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if score > maxExposure {
			t.Errorf("%s scores %v, want at most %v:\n%s", unit, score, maxExposure, out)
		}
		t.Logf("%s: exposure %v", unit, score)
	}
}

// TestUnitsProc: what the unit leaves of /proc is enough for the series of the process that dashboards use.
func TestUnitsProc(t *testing.T) {
	t.Parallel()
	options := "hidepid=invisible" // ProtectProc
	for line := range strings.Lines(read(t, "deploy/systemd/kafka_prober.service")) {
		if subset, is := strings.CutPrefix(strings.TrimSpace(line), "ProcSubset="); is {
			options += ",subset=" + subset
		}
	}
	config := filepath.Join(t.TempDir(), "kafka_prober.yml")
	write(t, config, "clusters: [{name: away, bootstrap_servers: [\"localhost:1\"]}]\n")
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
		`umount /proc && mount -t proc -o "$1" proc /proc && exec "$2" --config.file="$3" --web.listen-address=127.0.0.1:10493`,
		"sh", options, prober(t), config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error is that it has ended
		_ = cmd.Wait()         // of the kill
	})
	var page string
	await(t, "the page of series", func() (string, error) {
		resp, err := http.Get("http://127.0.0.1:10493/metrics")
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		page = string(b)
		return page, err
	})
	for _, name := range []string{"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"} {
		if !strings.Contains(page, "\n"+name+" ") {
			t.Errorf("no %s with /proc as %s", name, options)
		}
	}
}

// TestUnitsAreOne: the template differs from the plain unit in names only.
func TestUnitsAreOne(t *testing.T) {
	t.Parallel()
	plain, template := strings.Split(read(t, "deploy/systemd/kafka_prober.service"), "\n"), strings.Split(read(t, "deploy/systemd/kafka_prober@.service"), "\n")
	if len(plain) != len(template) {
		t.Fatalf("%d and %d lines", len(plain), len(template))
	}
	for i := range plain {
		if plain[i] != template[i] && !strings.Contains(template[i], "%i") && !strings.HasPrefix(template[i], "#") {
			t.Error(fmt.Sprintf("line %d: %q and %q", i+1, plain[i], template[i]))
		}
	}
}
