package deploytest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestImage builds the image of each architecture without a container engine, on an empty base: the last
// stage of the Dockerfile, with a binary in the place of the stage before, which fetches Go's own image.
// It then runs what is inside from the image's root file system, as its user, where nothing can be written.
func TestImage(t *testing.T) {
	t.Parallel()
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			path, err := build(version, arch)
			if err != nil {
				t.Fatalf("build kafka_prober: %v\n%s", err, path)
			}
			if out := run(t, "file", "-b", path); !strings.Contains(out, "statically linked") {
				t.Errorf("not static: %s", out)
			}
			i := buildImage(t, path, arch)
			i.inspect(t, arch)
			if arch == "amd64" { // the other can't run here
				i.runs(t)
			}
		})
	}
}

// image is an image in a store of its own.
type image struct {
	store []string
	dir   string // its root file system, mounted for as long as the test
}

const tag = "localhost/kafka_prober:test"

// buildImage makes the image of a binary.
func buildImage(t *testing.T, binary, arch string) *image {
	t.Helper()
	dir := t.TempDir()
	i := &image{store: []string{"--root=" + filepath.Join(dir, "root"), "--runroot=" + filepath.Join(dir, "run"), "--storage-driver=vfs"}}
	_, last, found := strings.Cut(read(t, "Dockerfile"), "\nFROM ${BASE}\n")
	if !found {
		t.Fatal("the Dockerfile has no stage on ${BASE}")
	}
	context := filepath.Join(dir, "context")
	write(t, filepath.Join(context, "LICENSE"), read(t, "LICENSE"))
	run(t, "cp", binary, filepath.Join(context, "kafka_prober"))
	file := "ARG BASE\nFROM ${BASE}\n" + strings.ReplaceAll(last, "--from=build /src/kafka_prober", "kafka_prober")
	write(t, filepath.Join(context, "Dockerfile"), file)
	i.buildah(t, "bud", "--isolation=chroot", "--format=docker", "--arch="+arch, "--build-arg=BASE=scratch", "--build-arg=VERSION="+version,
		"--build-arg=REVISION=abc", "--tag="+tag, "--file="+filepath.Join(context, "Dockerfile"), context)
	return i
}

func (i *image) buildah(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, append(append([]string{"buildah"}, i.store...), args...)...)
}

// inspect looks at what the image says of itself.
func (i *image) inspect(t *testing.T, arch string) {
	t.Helper()
	var said struct {
		Docker struct {
			Architecture string
			Config       struct {
				User         string
				Entrypoint   []string
				ExposedPorts map[string]any
				Labels       map[string]string
				Healthcheck  struct{ Test []string }
			}
		}
	}
	if err := json.Unmarshal([]byte(i.buildah(t, "inspect", "--type=image", tag)), &said); err != nil {
		t.Fatal(err)
	}
	c := said.Docker.Config
	for what, pair := range map[string][2]string{
		"architecture": {said.Docker.Architecture, arch},
		"user":         {c.User, "65532:65532"},
		"entrypoint":   {strings.Join(c.Entrypoint, " "), "/bin/kafka_prober"},
		"healthcheck":  {strings.Join(c.Healthcheck.Test, " "), "CMD /bin/kafka_prober healthcheck"},
		"version":      {c.Labels["org.opencontainers.image.version"], version},
		"revision":     {c.Labels["org.opencontainers.image.revision"], "abc"},
		"licence":      {c.Labels["org.opencontainers.image.licenses"], "Apache-2.0"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
		}
	}
	for _, label := range []string{"title", "description", "source", "created"} {
		if c.Labels["org.opencontainers.image."+label] == "" {
			t.Errorf("no label %s", label)
		}
	}
	if _, exposed := c.ExposedPorts["10092/tcp"]; !exposed {
		t.Errorf("ports %v", c.ExposedPorts)
	}
}

// runs starts the daemon from the image's root file system, mounted read-only, as the image's user, asks
// its health with the image's own command, and ends it.
func (i *image) runs(t *testing.T) {
	t.Helper()
	container := strings.TrimSpace(i.buildah(t, "from", tag))
	mounted := strings.TrimSpace(i.buildah(t, "mount", container))
	dir := t.TempDir()
	run(t, "mount", "--bind", mounted, dir)
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount %s: %v %s", dir, err, out)
		}
	})
	run(t, "mount", "-o", "remount,bind,ro", dir)
	if err := os.WriteFile(filepath.Join(dir, "planted"), nil, 0o600); err == nil {
		t.Fatal("the root file system can be written to")
	}
	cmd := exec.Command("/bin/kafka_prober", "--kafka.bootstrap-servers=127.0.0.1:1", "--web.listen-address=127.0.0.1:10493")
	var log strings.Builder
	cmd.Dir, cmd.Env, cmd.Stderr = "/", []string{}, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "health", func() (string, error) {
		return command{dir: "/", args: []string{"chroot", "--userspec=65532:65532", dir, "/bin/kafka_prober", "healthcheck", "--url=http://127.0.0.1:10493/-/healthy"}}.output(t)
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("kafka_prober ended with %v and said\n%s", err, &log)
	}
}
