package web

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// leastKept is the number of series from which on it pays to keep what a family was encoded to.
const leastKept = 100

// encodings keeps large families as they were encoded, for as long as each gather returns the same ones:
// those that are made at intervals of their own and not at each scrape. Safe for concurrent use.
type encodings struct {
	mu   sync.Mutex
	kept map[encodedFamily][]byte
	size map[expfmt.Format]int // of the last body
}

// encodedFamily is a family in one format. A pointer will do: while it is here no other family gets it.
type encodedFamily struct {
	family *dto.MetricFamily
	format expfmt.Format
}

func newEncodings() *encodings {
	return &encodings{kept: make(map[encodedFamily][]byte), size: make(map[expfmt.Format]int)}
}

// buffer returns one that has room for a body: growing to megabytes leaves as many as garbage.
func (e *encodings) buffer(format expfmt.Format) *bytes.Buffer {
	e.mu.Lock()
	defer e.mu.Unlock()
	size := e.size[format]
	return bytes.NewBuffer(make([]byte, 0, size+size/16))
}

// written notes the size of a body.
func (e *encodings) written(format expfmt.Format, size int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.size[format] = size
}

// retain forgets all families but these.
func (e *encodings) retain(families []*dto.MetricFamily) {
	current := make(map[*dto.MetricFamily]bool, len(families))
	for _, f := range families {
		current[f] = true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.kept, func(of encodedFamily, _ []byte) bool { return !current[of.family] })
}

// write adds a family to buf, which enc writes to in the format.
func (e *encodings) write(buf *bytes.Buffer, enc expfmt.Encoder, format expfmt.Format, family *dto.MetricFamily) error {
	if len(family.GetMetric()) < leastKept {
		return enc.Encode(family)
	}
	of := encodedFamily{family, format}
	e.mu.Lock()
	text, known := e.kept[of]
	e.mu.Unlock()
	if known {
		_, err := buf.Write(text)
		return err
	}
	begin := buf.Len()
	if err := enc.Encode(family); err != nil {
		return err
	}
	text = slices.Clone(buf.Bytes()[begin:])
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept[of] = text
	return nil
}
