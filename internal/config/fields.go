package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"go.yaml.in/yaml/v3"
)

// field is one key of a settings struct, as its tags describe it.
type field struct {
	key      string
	index    []int // for reflect.Value.FieldByIndex
	typ      reflect.Type
	help     string
	enum     []string // the values allowed, if not empty
	words    string   // default in words, if not empty
	required bool
}

// fieldsOf returns the keys of a struct type, in the order of its fields; those
// of a struct with ",inline" stand in its place. It panics on a field that has
// no yaml tag: yaml.v3 would invent a key for it that nobody documented.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("yaml")
		key, options, _ := strings.Cut(tag, ",")
		switch {
		case options == "inline" && f.Type.Kind() == reflect.Struct:
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		case key == "-" || !f.IsExported():
			continue
		case !ok || key == "":
			panic(fmt.Sprintf("config: field %s of %s has no yaml tag", f.Name, t))
		}
		fields = append(fields, field{
			key:      key,
			index:    []int{i},
			typ:      f.Type,
			help:     f.Tag.Get("help"),
			enum:     split(f.Tag.Get("enum")),
			words:    f.Tag.Get("default"),
			required: f.Tag.Get("required") == "true",
		})
	}
	return fields
}

// keysOf returns the keys alone.
func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

var (
	durationType        = reflect.TypeFor[kind.Duration]()
	bytesType           = reflect.TypeFor[kind.Bytes]()
	secretType          = reflect.TypeFor[kind.Secret]()
	unmarshalerType     = reflect.TypeFor[yaml.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// decodesItself reports whether the type, and not this package, reads its YAML.
func decodesItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(unmarshalerType) || reflect.PointerTo(t).Implements(textUnmarshalerType)
}

// typeName returns a type as the reference names it. It panics on a type that
// can't be read from YAML.
func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "duration"
	case t == bytesType:
		return "size"
	case t == secretType:
		return "secret"
	case decodesItself(t):
		return strings.ToLower(t.Name())
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if t.PkgPath() == "time" {
			break // time.Duration would take a bare number of nanoseconds
		}
		return "integer"
	case reflect.Float64, reflect.Float32:
		return "number"
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return "list of " + typeName(t.Elem()) + "s"
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return "map of " + typeName(t.Elem()) + "s"
		}
	case reflect.Struct:
		return "mapping"
	}
	panic(fmt.Sprintf("config: a setting can't have type %s", t))
}

// check panics on settings that this package could not read: what a programmer
// got wrong when writing a kind shows in the first test that reads any file.
func (k Kinds) check() {
	for _, registry := range []*kind.Registry{k.Probes, k.Collectors} {
		for _, k := range registry.All() {
			t := reflect.TypeOf(k.New())
			if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
				panic(fmt.Sprintf("config: settings of %s are no pointer to a struct but %s", k.Name, t))
			}
			for _, f := range fieldsOf(t.Elem()) {
				switch {
				case slices.Contains(instanceKeys, f.key):
					panic(fmt.Sprintf("config: settings of %s use the reserved key %s", k.Name, f.key))
				case k.Default && f.required:
					panic(fmt.Sprintf("config: %s runs by default and yet requires the key %s", k.Name, f.key))
				}
			}
			checkTypes(t.Elem())
		}
	}
}

// checkTypes panics if a type or one inside it can't be read.
func checkTypes(t reflect.Type) {
	typeName(t)
	if decodesItself(t) {
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		checkTypes(t.Elem())
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			checkTypes(f.typ)
		}
	}
}
