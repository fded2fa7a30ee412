package logging

import (
	"encoding"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/go-kit/log"
)

// timestamp is RFC 3339 with milliseconds, as Prometheus' own programs log it.
const timestamp = "2006-01-02T15:04:05.000Z07:00"

// sink stands between slog-gokit and go-kit's encoders. It puts the time first
// under the key ts, and turns slog's values into what both encoders can write:
// one value that an encoder refuses would otherwise cost the whole line.
type sink struct {
	next log.Logger
}

var _ log.Logger = sink{}

// Log takes the pairs level, caller, time, msg, in this order and the middle two
// if the record has them, followed by the record's attributes. It changes pairs
// in place: slog-gokit makes them anew for each record.
func (s sink) Log(pairs ...any) error {
	for i := 0; i+1 < len(pairs) && pairs[i] != slog.MessageKey; i += 2 {
		at, ok := pairs[i+1].(time.Time)
		if !ok {
			continue
		}
		copy(pairs[2:i+2], pairs[:i])
		pairs[0], pairs[1] = "ts", at.UTC().Format(timestamp)
		break
	}
	for i := 1; i < len(pairs); i += 2 {
		if v, ok := pairs[i].(slog.Value); ok {
			pairs[i] = encodable(v)
		}
	}
	return s.next.Log(pairs...)
}

// encodable returns a value that logfmt and JSON write without error: numbers
// and booleans as they are, the rest as text.
func encodable(v slog.Value) any {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindTime:
		return v.Time().UTC().Format(timestamp)
	case slog.KindDuration:
		return v.Duration().String()
	case slog.KindFloat64:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			return v.String() // JSON has no number for it
		}
		return v.Float64()
	case slog.KindAny:
		switch v.Any().(type) {
		case nil, error, fmt.Stringer, encoding.TextMarshaler:
			return v.Any()
		}
		return fmt.Sprintf("%+v", v.Any()) // a slice, a map, a struct
	default:
		return v.Any()
	}
}
