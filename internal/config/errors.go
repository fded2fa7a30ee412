package config

import (
	"slices"
	"strconv"
	"strings"
)

// Error is one fault of a configuration.
type Error struct {
	File string // name of the file, or the flag that stands for it
	Line int    // counted from 1; 0 if the fault has no line
	Key  string // for example "clusters[0].probes[1].interval"; empty for the file as a whole
	Msg  string // what is wrong and what to write
}

// Error returns "file:line: key: message".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line))
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Errors are all faults of a configuration, sorted by line; never empty when
// returned.
type Errors []*Error

// Error returns one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes each fault visible to errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// sort puts the faults in the file's order.
func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int { return a.Line - b.Line })
}
