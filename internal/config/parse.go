package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// smallest is what an error shows to somebody who has no configuration yet.
const smallest = `write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`

// Load reads and checks a file. Faults of its content are Errors.
func Load(path string, kinds Kinds) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data, kinds)
}

// Parse checks a configuration that has been read already; name stands for the
// file in errors, which are always Errors.
func Parse(name string, data []byte, kinds Kinds) (*Config, error) {
	kinds.check()
	d := &decoder{file: name, faulty: make(map[string]bool), open: make(map[*yaml.Node]bool)}
	config := d.document(data, kinds)
	if len(d.errs) > 0 {
		d.errs.sort()
		return nil, d.errs
	}
	return config, nil
}

// document reads the one document of a file.
func (d *decoder) document(data []byte, kinds Kinds) *Config {
	var first, second yaml.Node
	input := yaml.NewDecoder(bytes.NewReader(data))
	err := input.Decode(&first)
	if errors.Is(err, io.EOF) || err == nil && isNull(first.Content[0]) {
		d.fail(&yaml.Node{Line: 1}, "", "the file is empty, %s", smallest)
		return nil
	}
	if err == nil {
		err = input.Decode(&second)
		if err == nil {
			d.fail(second.Content[0], "", "a second YAML document (after ---): the file must have one")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		d.errs = append(d.errs, syntaxError(d.file, err))
		return nil
	}
	root := d.expand(first.Content[0], "")
	if d.nodes > maxNodes {
		return nil
	}
	config := defaultConfig()
	if root.Kind != yaml.MappingNode {
		d.fail(root, "", "must be a mapping, is %s: %s", describe(root), smallest)
		return nil
	}
	d.structure(root, "", reflect.ValueOf(config).Elem(), "clusters")
	config.Clusters = d.clusters(root, kinds)
	return config
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)

// syntaxError turns yaml.v3's "yaml: line 3: ..." into an Error.
func syntaxError(file string, err error) *Error {
	msg := err.Error()
	line := 0
	if match := yamlLine.FindStringSubmatch(msg); match != nil {
		line, _ = strconv.Atoi(match[1])
		msg = msg[len(match[0]):]
	}
	if strings.Contains(msg, "cannot start any token") {
		msg += " (YAML is indented with spaces, not tabs)"
	}
	return &Error{File: file, Line: line, Msg: "not YAML: " + msg}
}

// clusters reads the key of that name, which must have at least one item.
func (d *decoder) clusters(root *yaml.Node, kinds Kinds) []Cluster {
	key, list := lookup(root, "clusters")
	switch {
	case key == nil:
		d.fail(root, "clusters", "required key is missing: %s", smallest)
		return nil
	case list.Kind != yaml.SequenceNode:
		d.fail(key, "clusters", "must be a list, is %s: %s", describe(list), smallest)
		return nil
	case len(list.Content) == 0:
		d.fail(key, "clusters", "is empty: %s", smallest)
		return nil
	}
	var clusters []Cluster
	names := make(names)
	for i, item := range list.Content {
		path := fmt.Sprintf("clusters[%d]", i)
		cluster := d.cluster(item, path, kinds)
		clusters = append(clusters, cluster)
		if cluster.Name != "" {
			names.take(d, find(item, "name"), path, cluster.Name)
		}
	}
	return clusters
}

// cluster reads one item of clusters.
func (d *decoder) cluster(n *yaml.Node, path string, kinds Kinds) Cluster {
	c := defaultCluster()
	d.structure(n, path, reflect.ValueOf(&c).Elem(), "probes", "collectors")
	if n.Kind != yaml.MappingNode {
		return c
	}
	d.validated(n, path, c.Validate())
	c.Probes = d.probes(n, path, kinds.Probes)
	c.Collectors, c.collectorsOff = d.collectors(n, path, kinds.Collectors)
	return c
}

// names remembers where each name was taken.
type names map[string]struct {
	path string
	line int
}

// take notes a fault if the name is taken already. Two clusters, or two probes of
// a cluster, of one name would be the same series.
func (names names) take(d *decoder, n *yaml.Node, path, name string) {
	if first, taken := names[name]; taken {
		d.fail(n, path+".name", "%q is already the name of %s (line %d): give each a name of its own, it is a label of their series", name, first.path, first.line)
		return
	}
	names[name] = struct {
		path string
		line int
	}{path, n.Line}
}
