package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"go.yaml.in/yaml/v3"
)

// decoder fills Go values from nodes and collects every fault on the way. Its
// methods report false where a value could not be read; the fault is then in errs.
type decoder struct {
	file   string
	errs   Errors
	faulty map[string]bool     // keys in errs
	nodes  int                 // expanded so far
	open   map[*yaml.Node]bool // anchors that are being expanded
}

// fail notes a fault at the line of n, and reports false. Of several faults of one
// key the first is kept: the others mostly follow from it.
func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) bool {
	if d.faulty[path] {
		return false
	}
	if path != "" {
		d.faulty[path] = true
	}
	d.errs = append(d.errs, &Error{File: d.file, Line: n.Line, Key: path, Msg: fmt.Sprintf(format, args...)})
	return false
}

// structure fills the struct v from a mapping. Keys in own are the caller's: they
// are known and left alone. An unknown key is a fault of the file and yet no
// reason to report false, as every value that was read is good.
func (d *decoder) structure(n *yaml.Node, path string, v reflect.Value, own ...string) bool {
	if n.Kind != yaml.MappingNode {
		return d.fail(n, path, "must be a mapping of keys to values, is %s", describe(n))
	}
	fields := fieldsOf(v.Type())
	known := append(own[:len(own):len(own)], keysOf(fields)...)
	ok := true
	for key, value := range pairs(n) {
		at := join(path, key.Value)
		if i := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value }); i >= 0 {
			ok = d.value(value, at, v.FieldByIndex(fields[i].index), fields[i].enum) && ok
			continue
		}
		if slices.Contains(own, key.Value) {
			continue
		}
		hint := didYouMean(key.Value, known)
		if hint == "" && len(known) > 0 {
			hint = ", must be " + oneOf(known)
		}
		d.fail(key, at, "unknown key%s", hint)
	}
	for _, f := range fields {
		if key, _ := lookup(n, f.key); f.required && key == nil {
			ok = d.fail(n, join(path, f.key), "required key is missing: %s", f.help)
		}
	}
	return ok
}

// value fills v from a node of any form; enum, if not empty, are the texts allowed.
func (d *decoder) value(n *yaml.Node, path string, v reflect.Value, enum []string) bool {
	if isNull(n) {
		return d.fail(n, path, "is empty: give it a value or leave the key out")
	}
	if decodesItself(v.Type()) {
		if err := decodeItself(n, v); err != nil {
			return d.fail(n, path, "%v", err)
		}
		return true
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.structure(n, path, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(n, path, v.Elem(), enum)
	case reflect.Slice:
		return d.list(n, path, v, enum)
	case reflect.Map:
		return d.dictionary(n, path, v, enum)
	default:
		if msg := setScalar(n, v, enum); msg != "" {
			return d.fail(n, path, "%s", msg)
		}
		return true
	}
}

// list replaces the slice v by the items of a sequence.
func (d *decoder) list(n *yaml.Node, path string, v reflect.Value, enum []string) bool {
	if n.Kind != yaml.SequenceNode {
		return d.fail(n, path, "must be a list, is %s", describe(n))
	}
	items, ok := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)), true
	for i, item := range n.Content {
		ok = d.value(item, fmt.Sprintf("%s[%d]", path, i), items.Index(i), enum) && ok
	}
	v.Set(items)
	return ok
}

// dictionary replaces the map v by the pairs of a mapping.
func (d *decoder) dictionary(n *yaml.Node, path string, v reflect.Value, enum []string) bool {
	if n.Kind != yaml.MappingNode {
		return d.fail(n, path, "must be a mapping of keys to values, is %s", describe(n))
	}
	filled, ok := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2), true
	for key, value := range pairs(n) {
		item := reflect.New(v.Type().Elem()).Elem()
		ok = d.value(value, join(path, key.Value), item, enum) && ok
		filled.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), item)
	}
	v.Set(filled)
	return ok
}

// decodeItself lets the type of v read the node.
func decodeItself(n *yaml.Node, v reflect.Value) error {
	switch u := v.Addr().Interface().(type) {
	case yaml.Unmarshaler:
		return u.UnmarshalYAML(n)
	case encoding.TextUnmarshaler:
		if n.Kind != yaml.ScalarNode {
			return fmt.Errorf("must be a text, is %s", describe(n))
		}
		return u.UnmarshalText([]byte(n.Value))
	}
	panic("config: " + v.Type().String() + " does not decode itself")
}

// setScalar sets a string, boolean or number and returns what is wrong with the
// node. It reads the node's text: yaml.v3 would turn 1.5 into the integer 1.
func setScalar(n *yaml.Node, v reflect.Value, enum []string) string {
	wrong := func(what string) string {
		if n.Kind != yaml.ScalarNode || v.Type() == secretType {
			return fmt.Sprintf("must be %s, is %s", what, describe(n))
		}
		return fmt.Sprintf("must be %s, is %q", what, n.Value)
	}
	scalar := n.Kind == yaml.ScalarNode
	switch v.Kind() {
	case reflect.String:
		switch {
		case !scalar || n.ShortTag() == "!!binary":
			return wrong("a text")
		case len(enum) > 0 && !slices.Contains(enum, n.Value):
			return wrong(oneOf(enum)) + didYouMean(n.Value, enum)
		}
		v.SetString(n.Value)
	case reflect.Bool:
		word := strings.ToLower(n.Value)
		if !scalar || word != "true" && word != "false" {
			return wrong("true or false")
		}
		v.SetBool(word == "true")
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(n.Value, v.Type().Bits())
		if !scalar || err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return wrong("a finite number")
		}
		v.SetFloat(f)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, err := strconv.ParseUint(n.Value, 10, v.Type().Bits())
		if !scalar || err != nil {
			return wrong("a whole number, 0 to " + strconv.FormatUint(math.MaxUint64>>(64-v.Type().Bits()), 10))
		}
		v.SetUint(u)
	default:
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if !scalar || err != nil {
			most := int64(math.MaxInt64 >> (64 - v.Type().Bits()))
			return wrong(fmt.Sprintf("a whole number, %d to %d", -most-1, most))
		}
		v.SetInt(i)
	}
	return ""
}

// validated notes what a Validate method found, each fault at the line of its key
// in n.
func (d *decoder) validated(n *yaml.Node, path string, err error) {
	for _, e := range kind.Flatten(err) {
		field, ok := errors.AsType[*kind.FieldError](e)
		if !ok {
			d.fail(n, path, "%v", e)
			continue
		}
		d.fail(find(n, field.Key), path+"."+field.Key, "%s", field.Msg)
	}
}

// find returns the node to blame for a nested key, "slo.latency" or "urls[2]": the
// key's own, or the nearest one around it that the file has.
func find(n *yaml.Node, key string) *yaml.Node {
	blame := n
	for part := range strings.SplitSeq(strings.ReplaceAll(key, "[", ".["), ".") {
		if index, ok := strings.CutPrefix(part, "["); ok {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || n.Kind != yaml.SequenceNode || i < 0 || i >= len(n.Content) {
				return blame
			}
			n = n.Content[i]
			blame = n
			continue
		}
		k, value := lookup(n, part)
		if k == nil {
			return blame
		}
		blame, n = k, value
	}
	return blame
}

// isNull reports whether a node has no value: nothing, ~ or null.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe says what a node is, without its content.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case isNull(n):
		return "empty"
	default:
		return "a single value"
	}
}
