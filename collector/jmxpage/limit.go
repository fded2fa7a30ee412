package jmxpage

import (
	"fmt"
	"io"
)

// Limited is a reader that fails with ErrTooLarge after Max bytes, and counts them.
type Limited struct {
	R   io.Reader
	Max int64 // bytes, as they are after decompression
	N   int64 // bytes read
}

// Read implements io.Reader.
func (l *Limited) Read(b []byte) (int, error) {
	if left := l.Max - l.N; int64(len(b)) > left {
		b = b[:left+1] // one more than allowed tells whether the page ends here
	}
	n, err := l.R.Read(b)
	l.N += int64(n)
	if l.N > l.Max {
		return n, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, l.Max)
	}
	return n, err
}
