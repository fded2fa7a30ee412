package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"go.yaml.in/yaml/v3"
)

// Reference returns the configuration reference in Markdown: a table of keys for
// the file, for a cluster, and for each registered kind. It is made from the
// struct tags and the default values, so that it can't say anything else than the
// code does.
func Reference(kinds Kinds) string {
	kinds.check()
	var b strings.Builder
	file := append(rows("", reflect.ValueOf(defaultConfig())),
		row{key: "clusters", typ: "list of mappings", def: "required", help: "the clusters, see below"})
	table(&b, "Top level", "", file)

	cluster := defaultCluster()
	table(&b, "Keys of a cluster", "", append(rows("", reflect.ValueOf(cluster)),
		row{key: "probes", typ: "list of mappings", def: namesOf(kinds.Probes), help: "what to probe with; `[]` is nothing"},
		row{key: "probes[].kind", typ: "string", def: "required", help: "one of the kinds of probe below, whose keys stand beside this one"},
		row{key: "probes[].name", typ: "string", def: "its kind", help: "value of the label probe; different for each probe of a cluster"},
		row{key: "collectors", typ: "map of mappings", def: namesOf(kinds.Collectors), help: "what else to collect, by the names below: a mapping of settings, `true`, or `false` to switch one off"}))

	for _, half := range []struct {
		title    string
		registry *kind.Registry
	}{{"Probe", kinds.Probes}, {"Collector", kinds.Collectors}} {
		for _, k := range half.registry.All() {
			help := strings.TrimSuffix(k.Help, ".") + ". Off by default."
			if k.Default {
				help = strings.TrimSuffix(k.Help, ".") + ". On by default."
			}
			table(&b, half.title+" `"+k.Name+"`", help, rows("", reflect.ValueOf(k.New())))
		}
	}
	return b.String()
}

// row is one line of the reference; an empty def stands for "no default".
type row struct{ key, typ, def, help string }

// table writes a section; one without rows keeps its heading and its help.
func table(b *strings.Builder, title, help string, rows []row) {
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "### %s\n", title)
	if help != "" {
		fmt.Fprintf(b, "\n%s\n", strings.ToUpper(help[:1])+help[1:])
	}
	if len(rows) == 0 {
		return
	}
	b.WriteString("\n| Key | Type | Default | Meaning |\n| --- | --- | --- | --- |\n")
	escape := strings.NewReplacer("|", `\|`, "\n", " ").Replace
	for _, r := range rows {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", r.key, escape(r.typ), escape(r.def), escape(r.help))
	}
}

// rows returns a line for each key of a struct, those of nested structs with
// their path. v holds the defaults.
func rows(prefix string, v reflect.Value) []row {
	v = reflect.Indirect(v)
	var lines []row
	for _, f := range fieldsOf(v.Type()) {
		key, value := prefix+f.key, v.FieldByIndex(f.index)
		if inner, path := nested(f.typ, value, key); inner.IsValid() {
			if path != key { // a list or a map of structs has a line of its own
				lines = append(lines, row{key, typeName(f.typ), defaultOf(f, value), f.help})
			}
			lines = append(lines, rows(path+".", inner)...)
			continue
		}
		typ := typeName(f.typ)
		if len(f.enum) > 0 {
			typ = strings.Join(f.enum, ", ")
		}
		lines = append(lines, row{key, typ, defaultOf(f, value), f.help})
	}
	return lines
}

// nested returns the struct to document inside a value and the path that leads
// to it, or no value if there is none inside.
func nested(t reflect.Type, v reflect.Value, path string) (reflect.Value, string) {
	if decodesItself(t) {
		return reflect.Value{}, ""
	}
	switch t.Kind() {
	case reflect.Struct:
		return v, path
	case reflect.Pointer:
		return nested(t.Elem(), reflect.Zero(t.Elem()), path)
	case reflect.Slice:
		return nested(t.Elem(), reflect.Zero(t.Elem()), path+"[]")
	case reflect.Map:
		return nested(t.Elem(), reflect.Zero(t.Elem()), path+".<key>")
	}
	return reflect.Value{}, ""
}

// defaultOf returns a field's default as it would be written, in code style, or
// the words of its tag.
func defaultOf(f field, v reflect.Value) string {
	switch {
	case f.required:
		return "required"
	case f.words != "":
		return f.words
	}
	node := encode(v, masked)
	if node == nil || node.Kind == yaml.ScalarNode && node.Value == "" {
		return ""
	}
	node.Style |= yaml.FlowStyle
	return "`" + strings.TrimSpace(render(node)) + "`"
}

// namesOf returns the kinds that run by default, in code style.
func namesOf(registry *kind.Registry) string {
	var names []string
	for _, k := range registry.All() {
		if k.Default {
			names = append(names, "`"+k.Name+"`")
		}
	}
	return strings.Join(names, ", ")
}
