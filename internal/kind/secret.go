package kind

import (
	"encoding/json"
	"log/slog"

	"go.yaml.in/yaml/v3"
)

// masked stands for every secret that is not empty, whatever prints it.
const masked = "<secret>"

// Secret is a text that must not be shown: fmt, YAML, JSON and slog all write
// <secret> in its place. string(s) is the text itself.
type Secret string

var (
	_ yaml.Marshaler = Secret("")
	_ json.Marshaler = Secret("")
	_ slog.LogValuer = Secret("")
)

// String returns <secret>, or nothing if there is none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString masks what %#v prints.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalYAML masks the secret.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalJSON masks the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue masks the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
