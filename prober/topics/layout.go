package topics

import (
	"reflect"
	"time"
)

// Layout is where the probes find their topic. It is a snapshot: the receiver
// must not change what it points to.
type Layout struct {
	Topic      string
	ID         [16]byte      // topic id; another one means that the topic was re-created; zero before Kafka 2.8
	Partitions []Partition   // all, sorted by id
	Probed     []int32       // ids of the partitions to probe, ascending; the others stay idle
	Brokers    []Broker      // known ones, sorted by id
	At         time.Duration // when it was observed, since the epoch
}

// Covered tells of every known broker whether it leads a probed partition.
func (l Layout) Covered() map[int32]bool {
	return Observed{Brokers: l.Brokers, Partitions: l.Partitions}.Covered(l.Probed)
}

// same tells whether nothing but the time differs.
func (l Layout) same(m Layout) bool {
	l.At = m.At
	return reflect.DeepEqual(l, m)
}
