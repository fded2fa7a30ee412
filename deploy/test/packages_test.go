package deploytest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makePackages builds the deb and the rpm of a version and returns their paths.
func makePackages(t *testing.T, version string) (deb, rpm string) {
	t.Helper()
	path, err := build(version, "amd64")
	if err != nil {
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	out := t.TempDir()
	command{env: []string{"BINARY=" + path}, args: []string{"deploy/packages/build.sh", version, out}}.must(t)
	deb = filepath.Join(out, "kafka-prober_"+version+"_amd64.deb")
	rpm = filepath.Join(out, "kafka-prober-"+version+"-1.x86_64.rpm")
	for _, path := range []string{deb, rpm} {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
	}
	return deb, rpm
}

// files are what either package has to hold.
var files = []string{
	"/usr/bin/kafka_prober", "/usr/lib/systemd/system/kafka_prober.service", "/usr/lib/systemd/system/kafka_prober@.service",
	"/etc/kafka_prober/kafka_prober.yml", "/etc/default/kafka_prober", "/etc/kafka_prober/credentials",
	"/usr/share/man/man1/kafka_prober.1.gz", "/usr/share/doc/kafka-prober/copyright",
}

// TestPackages installs, runs, upgrades and purges the deb in a small Debian, and looks into the rpm.
func TestPackages(t *testing.T) {
	t.Parallel()
	old, rpm := makePackages(t, "0.0.1")
	later, _ := makePackages(t, "0.0.2")

	inRPM := run(t, "rpm", "-qlp", rpm)
	kept := run(t, "rpm", "-qp", "--configfiles", rpm)
	for _, file := range files {
		if !strings.Contains(inRPM, file+"\n") {
			t.Errorf("the rpm lacks %s:\n%s", file, inRPM)
		}
		if strings.HasSuffix(file, ".yml") && !strings.Contains(kept, file) {
			t.Errorf("the rpm does not keep %s when upgraded", file)
		}
	}

	c := debian(t)
	c.copy(t, old, "/old.deb")
	c.copy(t, later, "/later.deb")
	c.run(t, "dpkg", "-i", "/old.deb")
	for _, file := range files {
		c.exists(t, file, true)
	}
	if mode := c.run(t, "stat", "-c", "%a %U", "/etc/kafka_prober/credentials"); strings.TrimSpace(mode) != "700 root" {
		t.Errorf("the folder of credentials is %s", mode)
	}
	if page := c.run(t, "zcat", "/usr/share/man/man1/kafka_prober.1.gz"); !strings.HasPrefix(page, ".TH kafka_prober 1") || !strings.Contains(page, `\fB--config.file=FILE\fR`) {
		t.Errorf("the man page is\n%.400s", page)
	}
	c.runsAsTheUnitSays(t, "0.0.1")

	// A configuration that its owner has changed, and flags, stay when the package is upgraded.
	const mine = "clusters: [{name: mine, bootstrap_servers: [\"localhost:9092\"]}]\n"
	write(t, filepath.Join(c.dir, "etc/kafka_prober/kafka_prober.yml"), mine)
	c.manages(t, false, "kafka_prober")
	if out := c.run(t, "dpkg", "-i", "/later.deb"); !strings.Contains(out, "see systemctl status kafka_prober.service") {
		t.Errorf("the upgrade does not say that the service did not start again:\n%s", out)
	}
	if got := read(t, filepath.Join(c.dir, "etc/kafka_prober/kafka_prober.yml")); got != mine {
		t.Errorf("the upgrade made of the configuration:\n%s", got)
	}
	c.runsAsTheUnitSays(t, "0.0.2")

	c.run(t, "dpkg", "--remove", "kafka-prober")
	c.exists(t, "/usr/bin/kafka_prober", false)
	c.exists(t, "/etc/kafka_prober/kafka_prober.yml", true)
	write(t, filepath.Join(c.dir, "etc/kafka_prober/credentials/sasl_password"), "secret")
	c.run(t, "dpkg", "--purge", "kafka-prober")
	c.exists(t, "/etc/kafka_prober", false)
	c.exists(t, "/etc/default/kafka_prober", false)
}

// TestPackagesRestart: an upgrade goes through whatever its services do, says what they do, and takes none down
// that could not start again.
func TestPackagesRestart(t *testing.T) {
	t.Parallel()
	c := debian(t)
	c.copy(t, prober(t), "/usr/bin/kafka_prober")
	c.copy(t, filepath.Join(root, "deploy/packages/postinstall.sh"), "/postinstall.sh")
	const good = "clusters: [{name: mine, bootstrap_servers: [\"localhost:9092\"]}]\n"
	write(t, filepath.Join(c.dir, "etc/kafka_prober/kafka_prober.yml"), good)
	write(t, filepath.Join(c.dir, "etc/kafka_prober/prod.yml"), good)
	write(t, filepath.Join(c.dir, "etc/kafka_prober/broken.yml"), good+"cluster: []\n")
	for _, tt := range []struct {
		name      string
		starts    bool
		running   []string
		restarted []string
		says      string // "" for nothing at all
	}{
		{"nothing runs", true, nil, nil, ""},
		{"all is well", true, []string{"kafka_prober", "kafka_prober@prod"}, []string{"kafka_prober.service", "kafka_prober@prod.service"}, ""},
		{"one has a configuration that can't be used", true, []string{"kafka_prober@broken", "kafka_prober@prod"}, []string{"kafka_prober@prod.service"},
			"cluster: unknown key, did you mean \"clusters\"?\nkafka-prober: kafka_prober@broken.service is not restarted, as /etc/kafka_prober/broken.yml can't be used: mend it, then systemctl restart kafka_prober@broken.service\n"},
		{"none starts", false, []string{"kafka_prober", "kafka_prober@prod"}, []string{"kafka_prober.service", "kafka_prober@prod.service"},
			"kafka-prober: kafka_prober.service did not start again: see systemctl status kafka_prober.service\n"},
	} {
		c.manages(t, tt.starts, tt.running...)
		said := c.run(t, "sh", "/postinstall.sh", "configure", "0.0.1")
		if !strings.Contains(said, tt.says) || tt.says == "" && said != "" {
			t.Errorf("%s: said\n%swant\n%s", tt.name, said, tt.says)
		}
		var restarted []string
		for call := range strings.Lines(read(t, filepath.Join(c.dir, "calls"))) {
			if unit, is := strings.CutPrefix(strings.TrimSpace(call), "try-restart "); is {
				restarted = append(restarted, unit)
			}
		}
		if !slices.Equal(restarted, tt.restarted) {
			t.Errorf("%s: restarted %q, want %q", tt.name, restarted, tt.restarted)
		}
	}
}
