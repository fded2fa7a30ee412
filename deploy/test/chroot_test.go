package deploytest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// chroot is a Debian in a folder.
type chroot struct{ dir string }

// debian makes a small Debian from the base that `make test-deploy` keeps, which debootstrap made.
func debian(t *testing.T) chroot {
	t.Helper()
	c := chroot{filepath.Join(t.TempDir(), "debian")}
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "tar", "-C", c.dir, "-xf", filepath.Join(root, ".tools/debian.tar"))
	return c
}

// run runs a program in it.
func (c chroot) run(t *testing.T, args ...string) string {
	t.Helper()
	return command{dir: "/", env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"},
		args: append([]string{"chroot", c.dir}, args...)}.must(t)
}

func (c chroot) copy(t *testing.T, from, to string) {
	t.Helper()
	run(t, "cp", from, filepath.Join(c.dir, to))
}

func (c chroot) exists(t *testing.T, path string, want bool) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(c.dir, path)); (err == nil) != want {
		t.Errorf("%s exists: %v, want %v", path, err == nil, want)
	}
}

// manages puts a stand-in of systemd there, under which these services run. They start again if starts; what is
// asked for is in /calls.
func (c chroot) manages(t *testing.T, starts bool, running ...string) {
	t.Helper()
	var units strings.Builder
	for _, name := range running {
		units.WriteString(name + ".service loaded active running Prober of Kafka clusters\n")
	}
	write(t, filepath.Join(c.dir, "running"), units.String())
	write(t, filepath.Join(c.dir, "calls"), "")
	write(t, filepath.Join(c.dir, "usr/bin/systemctl"), fmt.Sprintf(`#!/bin/sh
echo "$*" >>/calls
for unit; do :; done
name=${unit%%.service}
case "$1" in
list-units) cat /running ;;
show) echo "{ path=/usr/bin/kafka_prober ; argv[]=/usr/bin/kafka_prober --config.file=/etc/kafka_prober/${name#*@}.yml \$ARGS ; ignore_errors=no ; pid=0 }" ;;
try-restart) %t ;;
esac
`, starts))
	run(t, "chmod", "+x", filepath.Join(c.dir, "usr/bin/systemctl"))
	run(t, "mkdir", "-p", filepath.Join(c.dir, "run/systemd/system"))
}

// setting returns the words of a setting of the installed unit.
func (c chroot) setting(t *testing.T, name string) []string {
	t.Helper()
	for line := range strings.Lines(read(t, filepath.Join(c.dir, "usr/lib/systemd/system/kafka_prober.service"))) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), name+"="); is {
			return strings.Fields(value)
		}
	}
	t.Fatalf("the unit has no %s", name)
	return nil
}

// nobody is a user as DynamicUser makes one up: without name, home or files.
const nobody = 61184

// runsAsTheUnitSays does what the service manager would: checks, starts as a user without rights, and
// waits for the healthcheck; then it ends the daemon and looks at how it ended.
func (c chroot) runsAsTheUnitSays(t *testing.T, version string) {
	t.Helper()
	c.run(t, append([]string{"setpriv", "--reuid=61184", "--regid=61184", "--clear-groups", "--no-new-privs", "--"}, c.setting(t, "ExecStartPre")...)...)
	var args []string
	for _, word := range c.setting(t, "ExecStart") {
		if word == "$ARGS" {
			word = "--web.listen-address=127.0.0.1:10492"
		}
		args = append(args, word)
	}
	cmd := exec.Command(args[0], args[1:]...)
	var log strings.Builder
	cmd.Dir, cmd.Stderr = "/", &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.dir, Credential: &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: false}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	healthy := []string{"chroot", c.dir, "/usr/bin/kafka_prober", "healthcheck", "--url=http://127.0.0.1:10492/-/healthy"}
	await(t, "health", func() (string, error) { return command{dir: "/", args: healthy}.output(t) })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("kafka_prober ended with %v and said\n%s", err, &log)
	}
	if !strings.Contains(log.String(), "version="+version) {
		t.Errorf("not version %s:\n%s", version, &log)
	}
}
