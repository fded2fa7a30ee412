package deploytest

import (
	"os"
	"path/filepath"
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
	c.run(t, "dpkg", "-i", "/later.deb")
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
