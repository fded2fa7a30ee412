package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"go.yaml.in/yaml/v3"
)

// instanceKeys are the keys of a probe that are not its kind's own.
var instanceKeys = []string{"kind", "name"}

// probes reads a cluster's probes: left out means every kind that runs by
// default, [] means none.
func (d *decoder) probes(cluster *yaml.Node, path string, registry *kind.Registry) []Instance {
	path = join(path, "probes")
	key, list := lookup(cluster, "probes")
	if key == nil {
		on, _ := defaults(registry)
		for _, probe := range on {
			d.validated(cluster, join(path, probe.Name), probe.Settings.Validate())
		}
		return on
	}
	if list.Kind != yaml.SequenceNode {
		d.fail(key, path, "must be a list, is %s: [] is none, leaving the key out is the default", describe(list))
		return nil
	}
	var probes []Instance
	names := make(names)
	for i, item := range list.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		if probe, ok := d.probe(item, at, registry); ok {
			probes = append(probes, probe)
			names.take(d, find(item, "name"), at, probe.Name)
		}
	}
	return probes
}

// probe reads one item of probes: its kind, its name, and the kind's settings
// beside them.
func (d *decoder) probe(n *yaml.Node, path string, registry *kind.Registry) (Instance, bool) {
	if n.Kind != yaml.MappingNode {
		return Instance{}, d.fail(n, path, "must be a mapping, for example {kind: steady}, is %s", describe(n))
	}
	key, value := lookup(n, "kind")
	if key == nil {
		return Instance{}, d.fail(n, join(path, "kind"), "required key is missing, must be %s", oneOf(registry.Names()))
	}
	k, ok := registry.Get(value.Value)
	if !ok || value.Kind != yaml.ScalarNode {
		return Instance{}, d.fail(key, join(path, "kind"), "unknown kind %q%s (known: %s)",
			value.Value, didYouMean(value.Value, registry.Names()), strings.Join(registry.Names(), ", "))
	}
	probe := Instance{Kind: k, Name: k.Name, Settings: d.settings(n, path, k, instanceKeys...)}
	if key, value := lookup(n, "name"); key != nil {
		ok = d.value(value, join(path, "name"), reflect.ValueOf(&probe.Name).Elem(), nil)
		d.validated(n, path, checkName("name", probe.Name))
	}
	return probe, ok
}

// settings reads and checks the settings of a kind. Unread values stand at their
// default, and comparing those with the rest would blame the wrong key: then
// there is no check until they can be read.
func (d *decoder) settings(n *yaml.Node, path string, k *kind.Kind, own ...string) kind.Settings {
	settings := k.New()
	if d.structure(n, path, reflect.ValueOf(settings).Elem(), own...) {
		d.validated(n, path, settings.Validate())
	}
	return settings
}

// collectors reads a cluster's collectors, a mapping of a kind's name to its
// settings or to true or false. A kind that is not mentioned has its default. It
// returns those that run and the names of those that don't, both sorted.
func (d *decoder) collectors(cluster *yaml.Node, path string, registry *kind.Registry) (on []Instance, off []string) {
	path = join(path, "collectors")
	key, mapping := lookup(cluster, "collectors")
	if key != nil && mapping.Kind != yaml.MappingNode {
		d.fail(key, path, "must be a mapping of a collector's name to its settings, or to true or false, is %s", describe(mapping))
		return nil, nil
	}
	if key == nil {
		mapping = &yaml.Node{Kind: yaml.MappingNode, Line: cluster.Line}
	}
	for key := range pairs(mapping) {
		if _, known := registry.Get(key.Value); !known {
			d.fail(key, join(path, key.Value), "unknown collector%s (known: %s)",
				didYouMean(key.Value, registry.Names()), strings.Join(registry.Names(), ", "))
		}
	}
	for _, k := range registry.All() {
		at := join(path, k.Name)
		_, value := lookup(mapping, k.Name)
		enabled := k.Default
		if value == nil {
			value = &yaml.Node{Kind: yaml.MappingNode, Line: mapping.Line}
		} else if value.Kind == yaml.ScalarNode {
			word := strings.ToLower(value.Value)
			enabled = slices.Contains([]string{"true", "on", "yes"}, word)
			if !enabled && !slices.Contains([]string{"false", "off", "no"}, word) {
				d.fail(value, at, "must be true, false or the collector's settings, is %q", value.Value)
				continue
			}
			value = &yaml.Node{Kind: yaml.MappingNode, Line: value.Line}
		} else {
			enabled = true
		}
		if !enabled {
			off = append(off, k.Name)
			continue
		}
		on = append(on, Instance{Kind: k, Name: k.Name, Settings: d.settings(value, at, k)})
	}
	return on, off
}
