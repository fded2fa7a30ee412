package engine

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// tap sits on the connections of the reading client, between it and a broker, and may change or hold up
// the fetch responses: what the network, a proxy or a lying broker does to records on their way back.
type tap struct {
	t    *testing.T
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu      sync.Mutex                // guards what follows; held while a response is edited
	rewrite func(*kmsg.FetchResponse) // edits a response; nil changes nothing
	gate    chan struct{}             // if not nil, responses wait until it is closed
}

// newTap returns a tap on connections that dial makes.
func newTap(t *testing.T, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *tap {
	return &tap{t: t, dial: dial}
}

// install puts the tap on the consumer that an engine with this configuration makes.
func (tp *tap) install(c *Config) {
	client := c.Client
	c.Client = func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
		if role == "consumer" {
			opts = append(opts, kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := tp.dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &tapConn{Conn: conn, tap: tp, asked: map[uint32]int16{}}, nil
			}))
		}
		return client(role, opts...)
	}
}

// hold keeps all fetch responses back until release is called.
func (tp *tap) hold() (release func()) {
	gate := make(chan struct{})
	tp.mu.Lock()
	tp.gate = gate
	tp.mu.Unlock()
	return func() {
		tp.mu.Lock()
		tp.gate = nil
		tp.mu.Unlock()
		close(gate)
	}
}

// locked runs f while no response is being edited.
func (tp *tap) locked(f func()) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	f()
}

// tapConn is a connection that reads whole responses and hands them on in what pieces are asked for.
type tapConn struct {
	net.Conn
	tap *tap

	mu      sync.Mutex       // guards what the writing half notes for the reading half
	asked   map[uint32]int16 // version of each fetch request under way, by correlation id
	partial []byte           // of a request whose header is not complete
	skip    int              // bytes of the present request that are still to be written

	ready []byte // of a response, not yet handed on
}

const (
	fetchKey           = 1
	firstFlexibleFetch = 12
)

// Write notes the fetch requests that pass.
func (c *tapConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	for rest := b; len(rest) > 0; {
		if c.skip > 0 {
			n := min(c.skip, len(rest))
			c.skip, rest = c.skip-n, rest[n:]
			continue
		}
		const header = 12 // size, key, version, correlation id
		n := min(header-len(c.partial), len(rest))
		c.partial, rest = append(c.partial, rest[:n]...), rest[n:]
		if len(c.partial) < header {
			break
		}
		if binary.BigEndian.Uint16(c.partial[4:]) == fetchKey {
			c.asked[binary.BigEndian.Uint32(c.partial[8:])] = int16(binary.BigEndian.Uint16(c.partial[6:]))
		}
		c.skip = int(binary.BigEndian.Uint32(c.partial)) + 4 - header
		c.partial = c.partial[:0]
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// Read hands on responses.
func (c *tapConn) Read(b []byte) (int, error) {
	if len(c.ready) == 0 {
		frame := make([]byte, 4)
		if _, err := io.ReadFull(c.Conn, frame); err != nil {
			return 0, err
		}
		frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame))...)
		if _, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
			return 0, err
		}
		c.ready = c.pass(frame)
	}
	n := copy(b, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// pass returns what becomes of a response.
func (c *tapConn) pass(frame []byte) []byte {
	id := binary.BigEndian.Uint32(frame[4:])
	c.mu.Lock()
	version, isFetch := c.asked[id]
	delete(c.asked, id)
	c.mu.Unlock()
	if !isFetch {
		return frame
	}
	c.tap.mu.Lock()
	if gate := c.tap.gate; gate != nil {
		c.tap.mu.Unlock()
		<-gate
		c.tap.mu.Lock()
	}
	defer c.tap.mu.Unlock()
	if c.tap.rewrite == nil {
		return frame
	}
	head := 8
	if version >= firstFlexibleFetch {
		head++ // no tags
	}
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = version
	if err := resp.ReadFrom(frame[head:]); err != nil {
		c.tap.t.Errorf("fetch response v%d that can't be read: %v", version, err)
		return frame
	}
	c.tap.rewrite(resp)
	out := resp.AppendTo(append([]byte(nil), frame[:head]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// logRecord is a record of a batch, where it is in the log.
type logRecord struct {
	kmsg.Record
	offset int64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// rewriteBatches gives edit the records of all batches at once and returns the batches with what it left
// of them, sizes and checksums right. A nil Value means that the record is gone.
func rewriteBatches(t *testing.T, raw []byte, edit func([]*logRecord)) []byte {
	var batches []*kmsg.RecordBatch
	var contents [][]*logRecord
	var all []*logRecord
	for len(raw) > 0 {
		size := int(binary.BigEndian.Uint32(raw[8:])) + 12
		batch := new(kmsg.RecordBatch)
		if err := batch.ReadFrom(raw[:size]); err != nil {
			t.Errorf("record batch that can't be read: %v", err)
			return raw
		}
		raw = raw[size:]
		var content []*logRecord
		for rest := batch.Records; len(rest) > 0; {
			length, n := binary.Varint(rest)
			rec := new(logRecord)
			if err := rec.ReadFrom(rest[:n+int(length)]); err != nil {
				t.Errorf("record that can't be read: %v", err)
				return raw
			}
			rec.offset = batch.FirstOffset + int64(rec.OffsetDelta)
			rest = rest[n+int(length):]
			content = append(content, rec)
		}
		batches, contents, all = append(batches, batch), append(contents, content), append(all, content...)
	}
	edit(all)
	var out []byte
	for i, batch := range batches {
		batch.Records, batch.NumRecords = nil, 0
		for _, rec := range contents[i] {
			if rec.Value == nil {
				continue
			}
			batch.Records = append(batch.Records, encodeRecord(&rec.Record)...)
			batch.NumRecords++
		}
		batch.Length = int32(49 + len(batch.Records))
		const crcEnd = 21
		whole := batch.AppendTo(nil)
		binary.BigEndian.PutUint32(whole[crcEnd-4:], crc32.Checksum(whole[crcEnd:], castagnoli))
		out = append(out, whole...)
	}
	return out
}

func encodeRecord(r *kmsg.Record) []byte {
	r.Length = 0 // one byte, as any length below 64 is; what follows is what it counts
	r.Length = int32(len(r.AppendTo(nil)) - 1)
	return r.AppendTo(nil)
}
