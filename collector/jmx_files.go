package collector

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxTargetFile bounds a file of targets, in bytes.
const maxTargetFile = 4 << 20

// targetGroup is an entry of a file as Prometheus' file_sd_configs take it, in JSON or YAML. The labels
// that count are broker, role, __scheme__ and __metrics_path__.
type targetGroup struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// checkGlob returns what is wrong with a pattern of files.
func checkGlob(pattern string) error {
	if _, err := filepath.Match(pattern, ""); err != nil || pattern == "" {
		return fmt.Errorf("%q is not a pattern of files, write for example /etc/kafka_prober/pages/*.yml", pattern)
	}
	return nil
}

// readFiles returns the targets of all files. A file that can't be used, perhaps as it is being written,
// leaves in force what it said before.
func (t *jmxTargets) readFiles() (all []jmxTarget) {
	found := make(map[string]bool)
	for _, pattern := range t.settings.Files {
		names, err := filepath.Glob(pattern)
		if err == nil && len(names) == 0 {
			err = errors.New("no such file")
		}
		if err != nil {
			t.account.FailedAs(-1, "DISCOVERY_FAILED", fmt.Errorf("find files of targets %q: %w", pattern, err))
		}
		for _, name := range names {
			found[name] = true
			targets, err := t.readFile(name)
			if err != nil {
				t.account.FailedAs(-1, "DISCOVERY_FAILED", fmt.Errorf("read targets from %s: %w", name, err))
				continue
			}
			t.files[name] = targets
		}
	}
	maps.DeleteFunc(t.files, func(name string, _ []jmxTarget) bool { return !found[name] })
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		all = append(all, t.files[name]...)
	}
	return all
}

// readFile returns the targets of one file.
func (t *jmxTargets) readFile(name string) ([]jmxTarget, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxTargetFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxTargetFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxTargetFile)
	}
	return t.parse(data)
}

// parse reads the groups of a file; it does not read any other file.
func (t *jmxTargets) parse(data []byte) (targets []jmxTarget, err error) {
	var groups []targetGroup
	if err := yaml.Unmarshal(data, &groups); err != nil {
		return nil, err
	}
	for i, group := range groups {
		for _, address := range group.Targets {
			target, err := t.target(address, group.Labels)
			if err != nil {
				t.account.FailedAs(-1, "TARGET_UNKNOWN", fmt.Errorf("group %d: target %.100q: %w", i+1, address, err))
				continue
			}
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// target makes a page of a group's entry. A group that does not name the broker has it named by the host,
// if that is one that a broker advertises.
func (t *jmxTargets) target(address string, labels map[string]string) (jmxTarget, error) {
	scheme, path := labels["__scheme__"], labels["__metrics_path__"]
	if scheme == "" {
		scheme = "http"
	}
	if path == "" {
		path = "/metrics"
	}
	target := jmxTarget{url: scheme + "://" + address + "/" + strings.TrimPrefix(path, "/"), controller: labels["role"] == "controller"}
	if err := checkPageURL(target.url); err != nil {
		return target, err
	}
	if label := labels["broker"]; label != "" {
		id, err := strconv.ParseInt(label, 10, 32)
		if err != nil || id < 0 {
			return target, fmt.Errorf("the label broker must be a node id, is %q", label)
		}
		target.id = int32(id)
		return target, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	var matches int
	if target.id, matches = t.advertising(host); matches != 1 {
		return target, fmt.Errorf("%d brokers advertise the host: give the group a label broker with the node id", matches)
	}
	return target, nil
}
