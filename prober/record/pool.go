package record

import "math/rand/v2"

// Pool is a run of bytes, computed once, that padding is cut from. Copying is all that a record costs
// then, however large it is. It is read-only after NewPool and safe for concurrent use.
type Pool struct {
	bytes  []byte
	stride uint64 // from the start of one record's padding to that of the next
}

// poolSlack is how far into the pool a padding may start. It is above what lz4, snappy and gzip look
// back (64 KiB at most), so that a batch can't be compressed by what its records have in common.
const poolSlack = 1 << 18

// NewPool returns padding for records of up to size bytes. Of every 64 bytes the share random (0 to 1)
// is random and the rest zero: 0 compresses away, 1 does not compress.
func NewPool(size int, random float64) *Pool {
	padding := max(0, size-HeaderSize)
	p := &Pool{
		bytes:  make([]byte, padding+poolSlack),
		stride: uint64(max(64, padding)) | 1, // odd, and so prime to the slack: all starts are used
	}
	rng := rand.New(rand.NewPCG(0x6b61666b61, 0x70726f6265)) // fixed: two runs send the same bytes
	filled := int(random * 64)
	for i := range p.bytes {
		if i%64 < filled {
			p.bytes[i] = byte(rng.Uint32())
		}
	}
	return p
}

// NewPoolOf returns padding for records of up to size bytes that is contents, over and over.
func NewPoolOf(size int, contents []byte) *Pool {
	padding := max(0, size-HeaderSize)
	p := &Pool{bytes: make([]byte, padding+poolSlack), stride: uint64(max(64, padding)) | 1}
	for at := 0; at < len(p.bytes); {
		at += copy(p.bytes[at:], contents)
	}
	return p
}

// fill copies the padding of the given record into dst and returns where in the pool it starts.
func (p *Pool) fill(dst []byte, sequence uint64) uint32 {
	start := sequence * p.stride % poolSlack
	copy(dst, p.bytes[start:])
	return uint32(start)
}
