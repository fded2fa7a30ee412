package kind

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// Duration is a length of time in Prometheus' notation: 100ms, 1s, 1m30s, 1h,
// 1d (24 h), 1w, 1y. Its resolution is a millisecond, and it is never negative.
type Duration time.Duration

var (
	_ yaml.Unmarshaler = (*Duration)(nil)
	_ yaml.Marshaler   = Duration(0)
)

// bareNumber is what somebody writes who takes the unit for granted.
var bareNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// ParseDuration reads Prometheus' notation. The error quotes s and shows the form.
func ParseDuration(s string) (Duration, error) {
	d, err := model.ParseDuration(s)
	switch {
	case err == nil:
		return Duration(d), nil
	case bareNumber.MatchString(s):
		return 0, fmt.Errorf("%s has no unit, write for example 100ms, 5s or 1m", s)
	case strings.HasPrefix(s, "-"):
		return 0, fmt.Errorf("%q is negative", s)
	default:
		return 0, fmt.Errorf("%q is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s", s)
	}
}

// UnmarshalYAML reads a scalar in Prometheus' notation.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("must be a duration, for example 100ms")
	}
	parsed, err := ParseDuration(n.Value)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalYAML writes Prometheus' notation.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// String returns Prometheus' notation. A value set in Go that is no whole number
// of milliseconds is returned in Go's notation rather than rounded.
func (d Duration) String() string {
	if d%Duration(time.Millisecond) != 0 {
		return time.Duration(d).String()
	}
	return model.Duration(d).String()
}
