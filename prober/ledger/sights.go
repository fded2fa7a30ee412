package ledger

// maxSights is how many of the last records that were read are remembered with their place, 8 KiB a
// partition. Where a log is cut further back, only those count as lost; the rest shows as a rewind.
const maxSights = 512

// sight is a record of this run and where it was read.
type sight struct {
	seq    uint64
	offset int64
}

// sights remembers what was read last, so that a record that was acknowledged, read, and then cut off the
// log is known to be lost, although it was delivered before.
type sights struct {
	ring []sight // grows to maxSights
	next int     // the oldest, once it has
	cut  []sight // acknowledged, and cut off: lost unless read again before the reader passes their place
}

// saw notes the first sight of a record.
func (s *sights) saw(seq uint64, offset int64) {
	if len(s.ring) < maxSights {
		s.ring = append(s.ring, sight{seq, offset})
		return
	}
	s.ring[s.next] = sight{seq, offset}
	s.next = (s.next + 1) % maxSights
}

// again notes a later sight: what had been cut off is there after all.
func (s *sights) again(seq uint64, offset int64) {
	for i, c := range s.cut {
		if c.seq == seq {
			s.cut = append(s.cut[:i], s.cut[i+1:]...)
			s.saw(seq, offset)
			return
		}
	}
}

// truncate says that the log was cut at offset. acked tells which records count.
func (s *sights) truncate(offset int64, acked func(seq uint64) bool) {
	kept := make([]sight, 0, len(s.ring))
	for i := range s.ring {
		v := s.ring[(s.next+i)%len(s.ring)] // by age
		switch {
		case v.offset < offset:
			kept = append(kept, v)
		case acked(v.seq):
			s.cut = append(s.cut, v)
		}
	}
	s.ring, s.next = kept, 0
}

// drop takes those from what was cut off whose place is below offset, and calls visit for each.
func (s *sights) drop(offset int64, visit func(seq uint64)) {
	if len(s.cut) == 0 {
		return
	}
	kept := s.cut[:0]
	for _, c := range s.cut {
		if c.offset < offset {
			visit(c.seq)
		} else {
			kept = append(kept, c)
		}
	}
	s.cut = kept
}

// forgetUnacked says that a record that was read leaves the window without an acknowledgement.
func (s *sights) forgetUnacked(seq uint64) {
	for i := range s.ring {
		if s.ring[i].seq == seq {
			s.ring[i].offset = -1 // is never cut off
		}
	}
}
