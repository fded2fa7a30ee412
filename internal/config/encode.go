package config

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// String returns the whole configuration as YAML, with every default written out
// and every secret as <secret>. What runs can be read from it; without secrets,
// it reads back as an equal Config.
func (c *Config) String() string { return render(c.encode(masked)) }

// Fingerprint is equal for two instances that would behave the same: same kind,
// name and settings, secrets included. A reload leaves such an instance alone. It
// is a hash, so it shows no secret; it means nothing to another version of the
// program.
func (i Instance) Fingerprint() string {
	return hash(mapping(
		text("kind"), text(i.Kind.Name),
		text("name"), text(i.Name),
		text("settings"), encode(reflect.ValueOf(i.Settings), revealed)))
}

// Fingerprint is equal for two clusters that are reached in the same way and give
// their probes and collectors the same terms. It leaves the probes and collectors
// themselves out: they have fingerprints of their own, and a change to one must
// not disturb the others.
func (c Cluster) Fingerprint() string { return hash(encode(reflect.ValueOf(c), revealed)) }

// secrecy says whether encoding writes secrets or masks them.
type secrecy bool

const (
	masked   secrecy = false
	revealed secrecy = true
)

func (c *Config) encode(s secrecy) *yaml.Node {
	root := encode(reflect.ValueOf(c), s)
	clusters := &yaml.Node{Kind: yaml.SequenceNode}
	for _, cluster := range c.Clusters {
		clusters.Content = append(clusters.Content, cluster.encode(s))
	}
	root.Content = append(root.Content, text("clusters"), clusters)
	return root
}

func (c Cluster) encode(s secrecy) *yaml.Node {
	node := encode(reflect.ValueOf(c), s)
	probes := &yaml.Node{Kind: yaml.SequenceNode}
	for _, probe := range c.Probes {
		settings := encode(reflect.ValueOf(probe.Settings), s)
		settings.Content = append([]*yaml.Node{text("kind"), text(probe.Kind.Name), text("name"), text(probe.Name)}, settings.Content...)
		probes.Content = append(probes.Content, settings)
	}
	collectors := mapping()
	for _, collector := range c.Collectors {
		collectors.Content = append(collectors.Content, text(collector.Name), encode(reflect.ValueOf(collector.Settings), s))
	}
	for _, name := range c.collectorsOff {
		collectors.Content = append(collectors.Content, text(name), scalar("!!bool", "false"))
	}
	node.Content = append(node.Content, text("probes"), probes, text("collectors"), collectors)
	return node
}

// encode is the inverse of decoder.value. Slices, maps and pointers that are nil
// give nil: their keys are left out.
func encode(v reflect.Value, s secrecy) *yaml.Node {
	if v.Type() == secretType && s == revealed {
		return text(v.String())
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		if v.IsNil() {
			return nil
		}
	}
	if node, ok := encodesItself(v); ok {
		return node
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return encode(v.Elem(), s)
	case reflect.Struct:
		node := mapping()
		for _, f := range fieldsOf(v.Type()) {
			if value := encode(v.FieldByIndex(f.index), s); value != nil {
				node.Content = append(node.Content, text(f.key), value)
			}
		}
		return node
	case reflect.Slice:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			node.Content = append(node.Content, encode(v.Index(i), s))
		}
		return node
	case reflect.Map:
		node := mapping()
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			node.Content = append(node.Content, text(key.String()), encode(v.MapIndex(key), s))
		}
		return node
	case reflect.String:
		return text(v.String())
	case reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	case reflect.Float32, reflect.Float64:
		// Without a tag, or yaml.v3 would write 20 as "!!float 20".
		return scalar("", strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	default:
		return scalar("!!int", fmt.Sprint(v.Interface()))
	}
}

// encodesItself returns what the value's own type makes of it, if it does.
// An error there is a mistake in that type: it can't write what it has read.
func encodesItself(v reflect.Value) (*yaml.Node, bool) {
	var out any
	var err error
	switch m := v.Interface().(type) {
	case yaml.Marshaler:
		out, err = m.MarshalYAML()
	case encoding.TextMarshaler:
		var b []byte
		b, err = m.MarshalText()
		out = string(b)
	default:
		return nil, false
	}
	node := new(yaml.Node)
	if s, ok := out.(string); ok {
		node = text(s)
	} else if err == nil {
		err = node.Encode(out)
	}
	if err != nil {
		panic(fmt.Sprintf("config: encode %s: %v", v.Type(), err))
	}
	return node, true
}

func mapping(content ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: content}
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// plainText is what may stand without quotes; yaml.v3 still quotes what would be
// read as another type. Its block styles do not always read back as they were.
var plainText = regexp.MustCompile(`^[A-Za-z0-9/<]([A-Za-z0-9._/<> -]*[A-Za-z0-9._/<>-])?$`)

func text(s string) *yaml.Node {
	node := scalar("!!str", s)
	if !plainText.MatchString(s) {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// render writes a tree that this package has built, which can't fail.
func render(n *yaml.Node) string {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(n); err != nil {
		panic(fmt.Sprintf("config: write YAML: %v", err))
	}
	return b.String()
}

func hash(n *yaml.Node) string {
	sum := sha256.Sum256([]byte(render(n)))
	return hex.EncodeToString(sum[:])
}
