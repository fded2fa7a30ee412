package record_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

var golden = record.Header{
	Run:       record.RunID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	Flags:     record.FlagDiagnostic,
	Partition: 7,
	Sequence:  0x0102030405060708,
	Due:       1500 * time.Millisecond,
	DueWall:   1_700_000_000_000_000_000,
	Interval:  100 * time.Millisecond,
}

var half = record.NewPool(1<<20, 0.5)

// encode returns the record of h, size bytes long, with padding that is partly random.
func encode(h record.Header, size int) []byte {
	value := make([]byte, size)
	record.Encode(value, &h, half)
	return value
}

// seal gives a value that was changed on purpose the checksum that makes it look as it was sent.
func seal(value []byte) []byte {
	table := crc32.MakeTable(crc32.Castagnoli)
	crc := crc32.Update(crc32.Checksum(value[:68], table), table, value[72:])
	binary.BigEndian.PutUint32(value[68:], crc)
	return value
}

// The format is read by other releases, on other hosts, on the same topic: it must not drift.
func TestGoldenBytes(t *testing.T) {
	file := filepath.Join("testdata", "golden.hex")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, record.HeaderSize+24)
	record.Encode(value, &golden, record.NewPool(len(value), 1))
	var got strings.Builder
	for chunk := value; len(chunk) > 0; chunk = chunk[8:] {
		fmt.Fprintln(&got, hex.EncodeToString(chunk[:8]))
	}
	if got.String() != string(want) {
		t.Errorf("%s has\n%sbut the record is encoded as\n%s", file, want, &got)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, size := range []int{record.HeaderSize, record.HeaderSize + 1, 128, 1000, 1 << 20} {
		for _, want := range []record.Header{
			golden, {}, {Partition: -1, Sequence: 1<<64 - 1, Due: -1, DueWall: -1, Interval: 1<<63 - 1, Flags: 255},
		} {
			var got record.Header
			if v := record.Decode(encode(want, size), &got); v != record.Intact || got != want {
				t.Errorf("%d bytes: verdict %d, %+v; want %+v", size, v, got, want)
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	type value = []byte
	set := func(at int, bytes ...byte) func(value) value {
		return func(v value) value { copy(v[at:], bytes); return v }
	}
	sealed := func(f func(value) value) func(value) value {
		return func(v value) value { return seal(f(v)) }
	}
	for _, test := range []struct {
		name   string
		change func(value) value
		want   record.Verdict
	}{
		{"as sent", func(v value) value { return v }, record.Intact},
		{"nil", func(value) value { return nil }, record.NotOurs},
		{"empty", func(value) value { return value{} }, record.NotOurs},
		{"the magic alone", func(v value) value { return v[:4] }, record.NotOurs},
		{"one byte below the header", func(v value) value { return v[:record.HeaderSize-1] }, record.NotOurs},
		{"text", func(value) value { return bytes.Repeat(value("hello "), 40) }, record.NotOurs},
		{"8 MiB of zeros, as of a compression bomb", func(value) value { return make(value, 8<<20) }, record.NotOurs},
		{"another magic", sealed(set(0, 'K', 'P', 'R', 'C')), record.NotOurs},
		{"an older version", sealed(set(4, 0)), record.OtherVersion},
		{"a newer version", sealed(set(4, 2)), record.OtherVersion},
		{"a longer header", sealed(set(6, 0, 80)), record.OtherVersion},
		{"cut to the header", func(v value) value { return v[:record.HeaderSize] }, record.Damaged},
		{"cut by one byte", func(v value) value { return v[:len(v)-1] }, record.Damaged},
		{"longer by one zero", func(v value) value { return append(v, 0) }, record.Damaged},
		{"followed by 8 MiB", func(v value) value { return append(v, make(value, 8<<20)...) }, record.Damaged},
		{"another length, sealed", sealed(set(28, 0, 0, 0, 0)), record.Damaged},
		{"a huge length, sealed", sealed(set(28, 255, 255, 255, 255)), record.Damaged},
		{"another checksum", set(68, 1, 2, 3, 4), record.Damaged},
		{"another partition", set(24, 9), record.Damaged},
		{"huge numbers, sealed", sealed(set(32, bytes.Repeat(value{255}, 36)...)), record.Intact},
	} {
		h := golden
		if got := record.Decode(test.change(encode(golden, 128)), &h); got != test.want {
			t.Errorf("%s: verdict %d, want %d", test.name, got, test.want)
		}
		if test.want == record.Damaged && h.Run != golden.Run {
			t.Errorf("%s: run id %v, want %v: a damaged record is named by it", test.name, h.Run, golden.Run)
		}
	}
}

// found is the name that the table of the package's documentation gives to a value that was read.
func found(value []byte, run record.RunID) string {
	var h record.Header
	switch record.Decode(value, &h) {
	case record.NotOurs:
		return "foreign{not_a_probe_record}"
	case record.OtherVersion:
		return "foreign{other_version}"
	case record.Damaged:
		if h.Run != run {
			return "foreign{damaged}"
		}
		return "corrupt"
	default:
		return "intact"
	}
}

// Every change of one bit, one byte or a run of bytes is found, under the name in the documentation.
func TestMutations(t *testing.T) {
	documented := func(offset int) string {
		switch {
		case offset < 4:
			return "foreign{not_a_probe_record}"
		case offset == 4 || offset == 6 || offset == 7:
			return "foreign{other_version}"
		case offset >= 8 && offset < 24:
			return "foreign{damaged}"
		default:
			return "corrupt"
		}
	}
	rng := rand.New(rand.NewPCG(4, 1000))
	seen := map[string]int{}
	for n := range 1000 {
		size := record.HeaderSize + rng.IntN(200)
		h := record.Header{
			Run: record.NewRunID(), Partition: rng.Int32(), Sequence: rng.Uint64(),
			Due: time.Duration(rng.Int64()), DueWall: rng.Int64(), Interval: time.Duration(rng.Int64()),
		}
		value := encode(h, size)
		at := rng.IntN(size)
		if n%2 == 0 {
			at = rng.IntN(record.HeaderSize) // or the padding would get most of them
		}
		before := value[at]
		if n%4 < 2 {
			value[at] ^= 1 << rng.IntN(8)
		} else {
			value[at] ^= byte(1 + rng.IntN(255))
		}
		want, got := documented(at), found(value, h.Run)
		if got != want {
			t.Errorf("byte %d of %d changed from %#x to %#x: found as %s, want %s", at, size, before, value[at], got, want)
		}
		seen[got]++
	}
	for _, name := range []string{"foreign{not_a_probe_record}", "foreign{other_version}", "foreign{damaged}", "corrupt"} {
		if seen[name] < 10 {
			t.Errorf("only %d of 1,000 mutations were found as %s: the test has lost its reach", seen[name], name)
		}
	}
}

func TestEncodeRefusesLessThanAHeader(t *testing.T) {
	pool := record.NewPool(128, 0)
	for size := range record.HeaderSize {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a record of %d bytes was encoded", size)
				}
			}()
			record.Encode(make([]byte, size, 128), &golden, pool)
		}()
	}
}

func TestRunIDs(t *testing.T) {
	if a, b := record.NewRunID(), record.NewRunID(); a == b || a == (record.RunID{}) {
		t.Errorf("two run ids are %v and %v", a, b)
	}
	if got := golden.Run.String(); got != "000102030405060708090a0b0c0d0e0f" {
		t.Errorf("run id prints as %s", got)
	}
}

func TestNoAllocations(t *testing.T) {
	value := make([]byte, 1024)
	pool := record.NewPool(len(value), 1)
	h, got := golden, record.Header{}
	if n := testing.AllocsPerRun(100, func() {
		h.Sequence++
		record.Encode(value, &h, pool)
		if record.Decode(value, &got) != record.Intact {
			t.Error("not intact")
		}
	}); n != 0 {
		t.Errorf("%v allocations per record, want 0", n)
	}
}

// FuzzDecode looks for values that make Decode panic, or that it calls intact although they say
// something else than their header.
func FuzzDecode(f *testing.F) {
	f.Add(encode(golden, record.HeaderSize))
	f.Add(encode(golden, 128))
	f.Add([]byte("KPRB"))
	f.Fuzz(func(t *testing.T, value []byte) {
		check(t, value)
		if len(value) < record.HeaderSize {
			return
		}
		// A fuzzer does not find a checksum: let it get past the header's checks, too.
		forged := bytes.Clone(value)
		copy(forged, "KPRB\x01")
		binary.BigEndian.PutUint16(forged[6:], record.HeaderSize)
		binary.BigEndian.PutUint32(forged[28:], uint32(len(forged)))
		if check(t, seal(forged)) != record.Intact {
			t.Errorf("% x is sealed and not intact", forged)
		}
	})
}

func check(t *testing.T, value []byte) record.Verdict {
	var h record.Header
	before := bytes.Clone(value)
	verdict := record.Decode(value, &h)
	if !bytes.Equal(before, value) {
		t.Error("decoding changed the value")
	}
	if verdict == record.Intact {
		again := bytes.Clone(value)
		record.Encode(again, &h, half)
		// All of the header but where the padding is from, and with it the checksum.
		if !bytes.Equal(again[:64], value[:64]) {
			t.Errorf("intact % x encodes as % x", value[:64], again[:64])
		}
	} else if run := h.Run; verdict != record.Damaged && run != (record.RunID{}) || h != (record.Header{Run: run}) {
		t.Errorf("verdict %d, and the header has %+v", verdict, h)
	}
	return verdict
}

func BenchmarkEncode(b *testing.B) {
	for _, size := range []int{128, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			value, pool, h := make([]byte, size), record.NewPool(size, 1), golden
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				h.Sequence++
				record.Encode(value, &h, pool)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{128, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			value := encode(golden, size)
			var h record.Header
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				record.Decode(value, &h)
			}
		})
	}
}
