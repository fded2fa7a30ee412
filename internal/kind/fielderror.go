package kind

import (
	"errors"
	"fmt"
)

// FieldError is a fault of one YAML key. Package config turns the key into the
// file's line, so a Validate method need not know where its settings came from.
type FieldError struct {
	Key string // relative to the settings, nested with dots and indices: "slo.latency", "urls[2]"
	Msg string // what is wrong and what to write, without the key
}

// Error returns "key: message".
func (e *FieldError) Error() string { return e.Key + ": " + e.Msg }

// Errorf returns a FieldError of the key with a formatted message.
func Errorf(key, format string, args ...any) error {
	return &FieldError{Key: key, Msg: fmt.Sprintf(format, args...)}
}

// Nest returns err as seen from the struct that holds the faulty one under key,
// so that a nested struct can have a Validate method of its own. Keys get "key."
// in front; an error without a key becomes one of key itself. nil stays nil.
func Nest(key string, err error) error {
	var nested []error
	for _, e := range Flatten(err) {
		if field, ok := errors.AsType[*FieldError](e); ok {
			nested = append(nested, &FieldError{Key: key + "." + field.Key, Msg: field.Msg})
			continue
		}
		nested = append(nested, &FieldError{Key: key, Msg: e.Error()})
	}
	return errors.Join(nested...)
}

// Flatten returns the errors that errors.Join put together, in order. An error
// that was not joined is returned alone; nil gives none.
func Flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var flat []error
	for _, e := range joined.Unwrap() {
		flat = append(flat, Flatten(e)...)
	}
	return flat
}
