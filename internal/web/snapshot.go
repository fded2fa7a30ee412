package web

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip" // a third of the time of the standard library's, for the same size
	"github.com/klauspost/compress/zstd"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// snapshot is one gather and the bodies rendered from it. It is written by the
// gather alone until ready is closed and read-only afterwards, but for bodies.
type snapshot struct {
	begun    time.Time           // when the gather began, monotonic; no sample in it is older
	ready    chan struct{}       // closed when the gather is over
	families []*dto.MetricFamily // what was gathered, possibly in part
	err      error               // why something, or everything, is missing; nil if nothing is
	encoded  *encodings          // of this gather and those before it

	mu     sync.Mutex
	bodies map[variant]*body // nine at most: three formats, three encodings
}

// variant names one way to write a snapshot down.
type variant struct {
	format   expfmt.Format
	encoding encoding
}

// body is one rendered variant; once serialises those who want it first.
type body struct {
	once  sync.Once
	bytes []byte
	err   error // families that could not be encoded and are left out
}

func newSnapshot(encoded *encodings) *snapshot {
	return &snapshot{begun: time.Now(), ready: make(chan struct{}), encoded: encoded, bodies: map[variant]*body{}}
}

// over reports whether the gather has ended.
func (s *snapshot) over() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// render returns the body for v, rendered by the first caller and shared by
// all others. The bytes must not be changed. fresh is true for that first
// caller only, so that an error is reported once. Call it after ready.
func (s *snapshot) render(v variant) (content []byte, fresh bool, err error) {
	s.mu.Lock()
	b := s.bodies[v]
	if b == nil {
		b = &body{}
		s.bodies[v] = b
	}
	s.mu.Unlock()

	b.once.Do(func() {
		fresh = true
		if v.encoding == identity {
			b.bytes, b.err = encode(s.families, v.format, s.encoded)
			return
		}
		var plain []byte
		if plain, _, b.err = s.render(variant{v.format, identity}); plain != nil {
			b.bytes = compress(plain, v.encoding)
		}
	})
	return b.bytes, fresh, b.err
}

// encode writes the families in one format. A family that can't be written is
// left out whole, not cut in the middle, and named in the error: the rest is
// still worth serving.
func encode(families []*dto.MetricFamily, format expfmt.Format, encoded *encodings) ([]byte, error) {
	var (
		buf  = encoded.buffer(format)
		errs []error
		enc  = expfmt.NewEncoder(buf, format)
	)
	for _, family := range families {
		whole := buf.Len()
		if err := encoded.write(buf, enc, format, family); err != nil {
			buf.Truncate(whole)
			errs = append(errs, fmt.Errorf("encode %s: %w", family.GetName(), err))
		}
	}
	if closer, ok := enc.(expfmt.Closer); ok { // OpenMetrics ends with "# EOF"
		if err := closer.Close(); err != nil {
			errs = append(errs, fmt.Errorf("encode the end of the exposition: %w", err))
		}
	}
	encoded.written(format, buf.Len())
	return buf.Bytes(), errors.Join(errs...)
}

// compress never fails: it writes to memory with settings that are valid.
func compress(plain []byte, e encoding) []byte {
	if e == zstded {
		// One encoder a body keeps no window of megabytes alive between scrapes.
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			panic("web: zstd refuses its settings: " + err.Error())
		}
		defer enc.Close()
		return enc.EncodeAll(plain, make([]byte, 0, len(plain)/8))
	}
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	_, _ = zip.Write(plain) // a bytes.Buffer takes everything
	_ = zip.Close()
	return buf.Bytes()
}
