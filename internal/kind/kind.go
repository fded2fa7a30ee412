// Package kind describes what a probe or a collector registers, as data: its
// name, a sentence of help, whether it runs by default, and its typed settings.
// It also holds the value types that the settings of all kinds share (Duration,
// Bytes, Secret) and the Kafka rights that a kind needs.
//
// The package is a leaf. main fills two registries, one of probes and one of
// collectors, and hands both to package config, so that config reads the
// settings of every kind and yet imports none of them.
package kind

import (
	"fmt"
	"regexp"
	"slices"
)

// Settings are the YAML settings of one probe or one collector: a pointer to a
// struct, made by Kind.New with its defaults filled in.
//
// Package config fills it by these struct tags, which also document it:
//
//	yaml:"key"         the key; every exported field has one ("-" for none)
//	help:"..."         one sentence for the configuration reference
//	enum:"a|b|c"       the only values that a string may take
//	required:"true"    an error if the file leaves the key out
//	default:"..."      words for the reference where the default is worked out later
//
// Fields are strings, booleans, integers, floats, Duration, Bytes, Secret, any
// other yaml.Unmarshaler, and structs, slices, pointers and string-keyed maps of
// those. A struct is filled over its default; a list or a map replaces it. The
// keys "kind" and "name" are taken by config.
type Settings interface {
	// Validate reports what is wrong with the settings, after decoding. Each
	// fault that belongs to one key is a *FieldError; several are joined with
	// errors.Join. It does no I/O and may be called more than once.
	Validate() error
}

// Kind is one kind of probe or collector.
type Kind struct {
	Name    string          // as the configuration writes it, for example "steady"
	Help    string          // what it is for, in one sentence
	Default bool            // whether it runs where the configuration does not mention it
	New     func() Settings // settings with their defaults; a fresh value on each call, no I/O

	// OneListener is set for a probe of what is behind all listeners of a cluster alike: it runs on the first.
	OneListener bool
}

// validName is the form of a kind's name: it is a YAML key, the default of the
// label `probe` and part of topic names, so it takes what all of them take.
var validName = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)

// Registry holds the kinds of one half of the program. The zero value and a nil
// pointer are empty and ready to be read. Register everything before the first
// read: the registry has no lock.
type Registry struct {
	kinds map[string]*Kind
}

// Register adds a kind. It panics on what only a programmer can get wrong: a
// name twice, a name of the wrong form, no help or no constructor.
func (r *Registry) Register(k Kind) {
	switch {
	case !validName.MatchString(k.Name):
		panic(fmt.Sprintf("kind: register %q: a name is lower-case letters, digits, - and _", k.Name))
	case k.Help == "":
		panic(fmt.Sprintf("kind: register %q: no help", k.Name))
	case k.New == nil:
		panic(fmt.Sprintf("kind: register %q: no constructor", k.Name))
	}
	if _, dup := r.kinds[k.Name]; dup {
		panic(fmt.Sprintf("kind: register %q: registered twice", k.Name))
	}
	if r.kinds == nil {
		r.kinds = make(map[string]*Kind)
	}
	r.kinds[k.Name] = &k
}

// Get returns the kind of that name.
func (r *Registry) Get(name string) (*Kind, bool) {
	if r == nil {
		return nil, false
	}
	k, ok := r.kinds[name]
	return k, ok
}

// All returns every kind, sorted by name.
func (r *Registry) All() []*Kind {
	names := r.Names()
	all := make([]*Kind, len(names))
	for i, name := range names {
		all[i] = r.kinds[name]
	}
	return all
}

// Names returns the name of every kind, sorted.
func (r *Registry) Names() []string {
	if r == nil {
		return nil
	}
	names := make([]string, 0, len(r.kinds))
	for name := range r.kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
