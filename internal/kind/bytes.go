package kind

import (
	"fmt"
	"strconv"

	"github.com/alecthomas/units"
	"go.yaml.in/yaml/v3"
)

// Bytes is a size: 128B, 1KiB (1,024), 1KB (1,000), 512MiB, or a plain whole
// number of bytes. It is never negative.
type Bytes int64

// maxBytes is 4 EiB: above it the float arithmetic behind units would overflow,
// with a result that depends on the processor.
const maxBytes = 1 << 62

var (
	_ yaml.Unmarshaler = (*Bytes)(nil)
	_ yaml.Marshaler   = Bytes(0)
)

// ParseBytes reads a size. The error quotes s and shows the form.
func ParseBytes(s string) (Bytes, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n, err = units.ParseStrictBytes(s)
	}
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: a number with B, KiB, MiB, GiB, KB, MB or GB and no spaces, for example 128B or 1KiB", s)
	}
	if n < 0 || n > maxBytes {
		return 0, fmt.Errorf("%q is negative or too large", s)
	}
	return Bytes(n), nil
}

// UnmarshalYAML reads a scalar.
func (b *Bytes) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("must be a size, for example 1KiB")
	}
	parsed, err := ParseBytes(n.Value)
	if err != nil {
		return err
	}
	*b = parsed
	return nil
}

// MarshalYAML writes what String returns.
func (b Bytes) MarshalYAML() (any, error) { return b.String(), nil }

// String returns the size exactly, in the largest unit that divides it: powers
// of two first (1KiB), then powers of ten (5MB), else bytes.
func (b Bytes) String() string {
	for _, base := range []struct {
		scale Bytes
		names []string
	}{
		{1024, []string{"", "KiB", "MiB", "GiB", "TiB"}},
		{1000, []string{"", "KB", "MB", "GB", "TB"}},
	} {
		n, unit := b, 0
		for n != 0 && n%base.scale == 0 && unit < len(base.names)-1 {
			n, unit = n/base.scale, unit+1
		}
		if unit > 0 {
			return strconv.FormatInt(int64(n), 10) + base.names[unit]
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}
