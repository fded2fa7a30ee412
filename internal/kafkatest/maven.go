package kafkatest

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed pom.xml
var pom []byte

// whatToInstall ends the error for a machine that can't run Kafka.
const whatToInstall = "install a JDK 17 or newer and Maven (Debian: apt-get install openjdk-17-jdk-headless maven)"

// findJava returns the java of JAVA_HOME or PATH.
func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java := filepath.Join(home, "bin", "java")
		if _, err := exec.LookPath(java); err != nil {
			return "", fmt.Errorf("JAVA_HOME has no bin/java: %s", whatToInstall)
		}
		return java, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("no java on PATH: %s", whatToInstall)
	}
	return java, nil
}

// Fetch resolves the jars of a Kafka version into the user's cache folder and returns their folder; it
// does nothing if they are there. Processes that ask at the same time wait for the one that downloads.
func Fetch(ctx context.Context, version string) (libs string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder for Kafka's jars: %w", err)
	}
	hash := sha256.Sum256(pom)
	libs = filepath.Join(cache, "kafka_prober", fmt.Sprintf("kafka-%s-%x", version, hash[:6]))
	if exists(libs) {
		return libs, nil
	}
	if err := os.MkdirAll(filepath.Dir(libs), 0o755); err != nil {
		return "", fmt.Errorf("create cache folder: %w", err)
	}
	l, err := lock(ctx, libs+".lock")
	if err != nil {
		return "", err
	}
	defer l.Close()
	if exists(libs) { // another process was quicker
		return libs, nil
	}
	return libs, resolve(ctx, version, libs)
}

// resolve has Maven copy the jars beside libs and renames them into place, so that libs is whole or absent.
func resolve(ctx context.Context, version, libs string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("no mvn on PATH: %s", whatToInstall)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(libs), "resolving-")
	if err != nil {
		return fmt.Errorf("create folder to resolve in: %w", err)
	}
	defer os.RemoveAll(tmp)
	pomFile, jars := filepath.Join(tmp, "pom.xml"), filepath.Join(tmp, "jars")
	if err := os.WriteFile(pomFile, pom, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "--quiet", "--batch-mode", "--file", pomFile,
		"dependency:copy-dependencies", "-Dkafka.version="+version, "-DoutputDirectory="+jars)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("resolve the jars of Kafka %s with Maven: %w\n%s", version, err, out.Bytes())
	}
	if !exists(filepath.Join(jars, "kafka-tools-"+version+".jar")) {
		return fmt.Errorf("resolve the jars of Kafka %s with Maven: no kafka-tools among them", version)
	}
	return os.Rename(jars, libs)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
