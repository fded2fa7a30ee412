package config

import (
	"fmt"
	"iter"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what a file may expand to: a few lines of aliases of aliases
// otherwise fill the memory. A thousand clusters take about 60,000 nodes.
const maxNodes = 200_000

// expand returns a copy of the tree without aliases, merge keys (<<) and doubled
// keys, so that the rest of the package need not know of them. Each node keeps
// the line where it is written, so what an alias brings in is reported at its
// anchor.
func (d *decoder) expand(n *yaml.Node, path string) *yaml.Node {
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.fail(n, "", "aliases expand the file to more than %d values", maxNodes)
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Line: n.Line}
	}
	switch n.Kind {
	case yaml.AliasNode:
		if d.open[n.Alias] {
			d.fail(n, path, "the alias *%s refers to itself", n.Value)
			return &yaml.Node{Kind: yaml.ScalarNode, Line: n.Line}
		}
		d.open[n.Alias] = true
		defer delete(d.open, n.Alias)
		return d.expand(n.Alias, path)
	case yaml.SequenceNode:
		list := copyNode(n)
		for i, item := range n.Content {
			list.Content = append(list.Content, d.expand(item, fmt.Sprintf("%s[%d]", path, i)))
		}
		return list
	case yaml.MappingNode:
		return d.expandMapping(n, path)
	default:
		return copyNode(n)
	}
}

// expandMapping expands a mapping's own keys first, then adds those of its merge
// keys that are not there yet.
func (d *decoder) expandMapping(n *yaml.Node, path string) *yaml.Node {
	mapping := copyNode(n)
	lines := make(map[string]int) // where each key was seen first
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			d.fail(key, path, "a key must be a plain text")
		case key.ShortTag() == "!!merge":
			merges = append(merges, d.expand(value, join(path, key.Value)))
		case lines[key.Value] != 0:
			d.fail(key, join(path, key.Value), "duplicate key, first written in line %d", lines[key.Value])
		default:
			lines[key.Value] = key.Line
			mapping.Content = append(mapping.Content, copyNode(key), d.expand(value, join(path, key.Value)))
		}
	}
	for len(merges) > 0 {
		merge := merges[0]
		merges = merges[1:]
		switch merge.Kind {
		case yaml.SequenceNode:
			merges = append(merge.Content[:len(merge.Content):len(merge.Content)], merges...)
		case yaml.MappingNode:
			for key, value := range pairs(merge) {
				if lines[key.Value] == 0 {
					lines[key.Value] = key.Line
					mapping.Content = append(mapping.Content, key, value)
				}
			}
		default:
			d.fail(merge, join(path, "<<"), "must be a mapping, or a list of mappings, to merge")
		}
	}
	return mapping
}

// copyNode returns the node without its children, its anchor and its comments.
func copyNode(n *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style, Line: n.Line}
}

// pairs yields the key and value nodes of a mapping.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// lookup returns the key and value nodes of one key of a mapping, or nil.
func lookup(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for key, value := range pairs(n) {
			if key.Value == name {
				return key, value
			}
		}
	}
	return nil, nil
}

// plainKey is a key that can stand in a path as it is.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_<-]{1,64}$`)

// join returns the path of a key below path.
func join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
