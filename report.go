package main

import (
	"fmt"
	"io"
)

// report is what check prints about one cluster: a line for each finding, its weight first.
type report struct {
	out io.Writer
	bad bool // something keeps the daemon from doing its whole job
}

// ok tells what is as it should be.
func (r *report) ok(format string, args ...any) { r.line("ok", format, args) }

// would tells what the daemon would do at once.
func (r *report) would(format string, args ...any) { r.line("would", format, args) }

// later tells what the daemon would do once something else has happened.
func (r *report) later(format string, args ...any) { r.line("later", format, args) }

// needs tells what has to be there and can't be seen from here.
func (r *report) needs(format string, args ...any) { r.line("needs", format, args) }

// warn tells what does not keep the daemon from measuring.
func (r *report) warn(format string, args ...any) { r.line("warning", format, args) }

// problem tells what does.
func (r *report) problem(format string, args ...any) {
	r.bad = true
	r.line("PROBLEM", format, args)
}

// hint adds a line to the finding before it.
func (r *report) hint(format string, args ...any) { r.line("", format, args) }

func (r *report) line(word, format string, args []any) {
	fmt.Fprintf(r.out, "  %-8s %s\n", word, fmt.Sprintf(format, args...))
}
