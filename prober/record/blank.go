package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Blank is the bytes of a record that is sent again and again, each time as another one: its padding stays,
// so that a record costs its header, whatever its size.
type Blank struct {
	Value   []byte // the record, once it is stamped
	padding uint32 // checksum of the padding alone
}

// Blanks makes and stamps blanks of one size. It is read-only after NewBlanks and safe for concurrent use.
type Blanks struct {
	size int
	pool *Pool
	// behind is what a padding of this size makes of the checksum of what is before it, byte by byte.
	behind [4][256]uint32
}

// NewBlanks returns what makes records of size bytes, with padding from pool.
func NewBlanks(size int, pool *Pool) *Blanks {
	b := &Blanks{size: size, pool: pool}
	// A checksum goes on over zeros as a linear function of where it stands, but for a constant, and the padding
	// itself is added to that: so the 32 bits tell all values.
	zeros := make([]byte, size-HeaderSize)
	constant := crc32.Update(0, castagnoli, zeros)
	for bit := range 32 {
		of := crc32.Update(1<<bit, castagnoli, zeros) ^ constant
		table := &b.behind[bit/8]
		for i := range table {
			if i&(1<<(bit%8)) != 0 {
				table[i] ^= of
			}
		}
	}
	return b
}

// Lay makes a blank of value, with the padding that record n has. It panics if value is of another size.
func (b *Blanks) Lay(value []byte, n uint64) Blank {
	if len(value) != b.size {
		panic(fmt.Sprintf("record: a blank of %d bytes, want %d", len(value), b.size))
	}
	padding := value[HeaderSize:]
	binary.BigEndian.PutUint32(value[offPadding:], b.pool.fill(padding, n))
	return Blank{Value: value, padding: crc32.Update(0, castagnoli, padding)}
}

// Stamp makes the record for h of a blank. It does not allocate.
func (b *Blanks) Stamp(blank *Blank, h *Header) {
	value := blank.Value
	putHeader(value, h)
	crc := crc32.Update(0, castagnoli, value[:offCRC])
	crc = b.behind[0][byte(crc)] ^ b.behind[1][byte(crc>>8)] ^ b.behind[2][byte(crc>>16)] ^ b.behind[3][crc>>24]
	binary.BigEndian.PutUint32(value[offCRC:], crc^blank.padding)
}
