package bench

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

// verifier judges records that others sent: bytes by their checksum, order and gaps by their sequence. It
// can't know what was acknowledged: a number that does not come was lost, refused, or never sent.
type verifier struct {
	left    int64           // to be read
	bounded bool            // nothing is read from ends on
	ends    map[int32]int64 // where the log of each partition ended at first, until it is read up to there
	counts  Counts
	bytes   uint64
	streams map[stream]*sequence
	current stream // of the last record: most records are of the same as that
	seen    *sequence
}

// stream is the records of one sender in a partition.
type stream struct {
	run       record.RunID
	partition int32
}

// take judges what a fetch brought of a partition.
func (v *verifier) take(p kgo.FetchTopicPartition) {
	end, open := v.ends[p.Partition]
	if v.bounded && !open {
		return
	}
	if n := len(p.Records); n > 0 && p.Records[n-1].Offset+1 >= end {
		delete(v.ends, p.Partition)
	}
	var h record.Header
	for _, r := range p.Records {
		if v.left == 0 || v.bounded && r.Offset >= end {
			return
		}
		if r.Attrs.IsControl() {
			continue
		}
		v.left--
		v.counts.Due++
		v.counts.Delivered++
		v.bytes += uint64(len(r.Value))
		switch record.Decode(r.Value, &h) {
		case record.Intact:
			if h.Flags&record.FlagDiagnostic != 0 {
				v.counts.Foreign++
				continue
			}
			if s := (stream{h.Run, r.Partition}); s != v.current || v.seen == nil {
				v.turnTo(s, h.Sequence)
			}
			v.seen.take(h.Sequence, &v.counts)
		case record.Damaged:
			v.counts.Corrupt++
		default:
			v.counts.Foreign++
		}
	}
}

// turnTo makes a stream the current one. What it had before reading began is nobody's loss.
func (v *verifier) turnTo(s stream, first uint64) {
	if v.streams[s] == nil {
		v.streams[s] = &sequence{first: first, next: first}
	}
	v.current, v.seen = s, v.streams[s]
}

// sequence is which numbers of a stream have come.
type sequence struct {
	first, next uint64
	gaps        []gap // between them, in order: what has not come
}

// gap is numbers from one up to, and without, another.
type gap struct{ from, to uint64 }

// take counts a number that came.
func (s *sequence) take(n uint64, c *Counts) {
	switch {
	case n == s.next:
		s.next++
	case n > s.next:
		s.gaps = append(s.gaps, gap{s.next, n})
		c.Missing += n - s.next
		s.next = n + 1
	case n < s.first:
		c.Reordered++
	case s.fill(n):
		c.Missing--
		c.Reordered++
	default:
		c.Duplicate++
	}
}

// fill takes a number out of the gap that it is in, if there is one.
func (s *sequence) fill(n uint64) bool {
	i, _ := slices.BinarySearchFunc(s.gaps, n, func(g gap, n uint64) int {
		if g.to <= n {
			return -1
		}
		return 1
	})
	if i == len(s.gaps) || n < s.gaps[i].from {
		return false
	}
	switch g := s.gaps[i]; {
	case g.from+1 == g.to:
		s.gaps = slices.Delete(s.gaps, i, i+1)
	case n == g.from:
		s.gaps[i].from++
	case n+1 == g.to:
		s.gaps[i].to--
	default:
		s.gaps[i].to = n
		s.gaps = slices.Insert(s.gaps, i+1, gap{n + 1, g.to})
	}
	return true
}
