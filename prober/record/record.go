package record

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"time"
)

// HeaderSize is the number of bytes before the padding, and the least size of a probe record.
const HeaderSize = 72

const (
	magic   = 0x4b505242 // "KPRB"
	version = 1

	offRun      = 8
	offPart     = 24
	offLength   = 28
	offSequence = 32
	offDue      = 40
	offDueWall  = 48
	offInterval = 56
	offPadding  = 64
	offCRC      = 68
)

// FlagDiagnostic marks a record that was sent to learn an error's name. It fills no slot.
const FlagDiagnostic = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// RunID tells one process from every other that writes to the same topic, and from its own earlier runs.
type RunID [16]byte

// NewRunID returns a random run id.
func NewRunID() RunID {
	var id RunID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return id
}

// String returns the id in hexadecimal.
func (id RunID) String() string { return hex.EncodeToString(id[:]) }

// Header is what a probe record says of itself.
type Header struct {
	Run       RunID         // the sending process
	Flags     uint8         // FlagDiagnostic or 0
	Partition int32         // the partition that it was sent to
	Sequence  uint64        // its slot in the schedule of that partition
	Due       time.Duration // when it was due, monotonic, since the sender's epoch
	DueWall   int64         // when it was due, wall clock, nanoseconds since 1970
	Interval  time.Duration // the sender's nominal interval
}

// Verdict is what Decode made of a value.
type Verdict uint8

// A reader may trust the header only of an Intact record, and the run id alone of a Damaged one.
const (
	Intact       Verdict = iota // a probe record, every byte as it was sent
	NotOurs                     // too short, or another magic: not a probe record
	OtherVersion                // a probe record of a format that this build does not know
	Damaged                     // a probe record whose length or CRC does not fit
)

// Encode writes the record for h into dst, whose length is the record's size, with padding from pool.
// It panics if dst is shorter than HeaderSize: sizes are checked with the configuration.
func Encode(dst []byte, h *Header, pool *Pool) {
	binary.BigEndian.PutUint32(dst[offPadding:], pool.fill(dst[HeaderSize:], h.Sequence))
	putHeader(dst, h)
	binary.BigEndian.PutUint32(dst[offCRC:], checksum(dst))
}

// putHeader writes all of the header but where the padding is from and the checksum.
func putHeader(dst []byte, h *Header) {
	binary.BigEndian.PutUint32(dst, magic)
	dst[4] = version
	dst[5] = h.Flags
	binary.BigEndian.PutUint16(dst[6:], HeaderSize)
	copy(dst[offRun:], h.Run[:])
	binary.BigEndian.PutUint32(dst[offPart:], uint32(h.Partition))
	binary.BigEndian.PutUint32(dst[offLength:], uint32(len(dst)))
	binary.BigEndian.PutUint64(dst[offSequence:], h.Sequence)
	binary.BigEndian.PutUint64(dst[offDue:], uint64(h.Due))
	binary.BigEndian.PutUint64(dst[offDueWall:], uint64(h.DueWall))
	binary.BigEndian.PutUint64(dst[offInterval:], uint64(h.Interval))
}

// Decode reads the header of value into h. It never keeps value, never allocates and never panics.
func Decode(value []byte, h *Header) Verdict {
	if len(value) < HeaderSize || binary.BigEndian.Uint32(value) != magic {
		return NotOurs
	}
	if value[4] != version || binary.BigEndian.Uint16(value[6:]) != HeaderSize {
		return OtherVersion
	}
	copy(h.Run[:], value[offRun:])
	if binary.BigEndian.Uint32(value[offLength:]) != uint32(len(value)) ||
		binary.BigEndian.Uint32(value[offCRC:]) != checksum(value) {
		return Damaged
	}
	h.Flags = value[5]
	h.Partition = int32(binary.BigEndian.Uint32(value[offPart:]))
	h.Sequence = binary.BigEndian.Uint64(value[offSequence:])
	h.Due = time.Duration(binary.BigEndian.Uint64(value[offDue:]))
	h.DueWall = int64(binary.BigEndian.Uint64(value[offDueWall:]))
	h.Interval = time.Duration(binary.BigEndian.Uint64(value[offInterval:]))
	return Intact
}

func checksum(value []byte) uint32 {
	crc := crc32.Update(0, castagnoli, value[:offCRC])
	return crc32.Update(crc, castagnoli, value[HeaderSize:])
}
