// Package logging is the program's log: log/slog in the code, go-kit/log as the
// sink behind it. No other package imports go-kit.
//
// Messages are constants and facts are attributes, so that lines can be counted
// and repeated ones held back (see RateLimited).
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-kit/log"
	sloggokit "github.com/tjhop/slog-gokit"
)

// Levels and Formats are what New takes, for the help of the flags.
var (
	Levels  = []string{"debug", "info", "warn", "error"}
	Formats = []string{"logfmt", "json"}
)

// New returns a logger that writes one line per record to w, in one Write each,
// from any number of goroutines. Setting the level variable changes the level of
// the logger and of all derived from it, from then on.
//
// A line starts with ts (the record's wall clock in UTC, RFC 3339 with
// milliseconds), level, caller (file:line) and msg; JSON has the same keys, in
// alphabetical order.
func New(level, format string, w io.Writer) (*slog.Logger, *slog.LevelVar, error) {
	lowest := new(slog.LevelVar)
	if !slices.Contains(Levels, level) {
		return nil, nil, fmt.Errorf("log level %q: must be one of %s", level, strings.Join(Levels, ", "))
	}
	if err := lowest.UnmarshalText([]byte(level)); err != nil {
		return nil, nil, fmt.Errorf("log level %q: %w", level, err)
	}
	var lines log.Logger
	switch w = log.NewSyncWriter(w); format {
	case "logfmt":
		lines = log.NewLogfmtLogger(w)
	case "json":
		lines = log.NewJSONLogger(w)
	default:
		return nil, nil, fmt.Errorf("log format %q: must be one of %s", format, strings.Join(Formats, ", "))
	}
	return slog.New(sloggokit.NewGoKitHandler(sink{lines}, lowest)), lowest, nil
}
