package collector

import (
	"math"
	"slices"
)

// replicationCount is what one refresh counted. It holds no partition but those in trouble.
type replicationCount struct {
	moving  reassignments
	topics  []topicCount           // those that are known, by name where the broker sorts them
	unknown int                    // topics whose lookup failed
	brokers map[int32]*brokerCount // listed ones, and every one in a replica list
	trouble []troubledPartition

	uncapped bool // whether min.insync.replicas above the number of replicas is meant (Kafka < 3.7)
}

// topicCount counts the partitions of one topic.
type topicCount struct {
	name         string
	id           [16]byte
	partitions   int
	offline      int // without a leader
	underRepl    int // fewer in sync than assigned, replicas that a reassignment adds left out
	notPreferred int // not led by the first of the replicas
	led          []shapeCount

	minISRKnown bool // whether the next two are
	underMinISR int  // without a leader, or fewer in sync than min.insync.replicas
	atMinISR    int  // with a leader, and one less in sync is too few
}

// shape is what min.insync.replicas is compared with.
type shape struct{ inSync, replicas int }

// shapeCount counts partitions that have a leader. Nearly always a topic has one or two shapes.
type shapeCount struct {
	shape
	n int
}

// brokerCount counts what a broker leads and holds.
type brokerCount struct{ leaders, replicas, outOfSync int }

// troubledPartition has no leader, or fewer replicas in sync than assigned.
type troubledPartition struct {
	topic     int // index in topics
	partition int32
	led       bool
	shape
}

func newReplicationCount(view clusterView, moving reassignments) *replicationCount {
	c := &replicationCount{moving: moving, brokers: make(map[int32]*brokerCount, len(view.brokers))}
	for id := range view.brokers {
		c.brokers[id] = new(brokerCount)
	}
	return c
}

// add counts a topic's partitions.
func (c *replicationCount) add(t topic) {
	if t.err != nil {
		c.unknown++
		return
	}
	adding := c.moving.adding[t.name]
	count := topicCount{name: t.name, id: t.id, partitions: len(t.partitions)}
	for i := range t.partitions {
		p := &t.partitions[i]
		settled := c.place(p, adding[p.id])
		s := shape{inSync: len(p.isr), replicas: len(p.replicas)}
		led := p.leader >= 0
		if led {
			count.addShape(s)
		} else {
			count.offline++
		}
		if len(p.isr) < settled {
			count.underRepl++
		}
		if len(p.replicas) > 0 && p.leader != p.replicas[0] {
			count.notPreferred++
		}
		if !led || len(p.isr) < settled {
			c.trouble = append(c.trouble, troubledPartition{topic: len(c.topics), partition: p.id, led: led, shape: s})
		}
	}
	c.topics = append(c.topics, count)
}

// place counts a partition for its brokers and returns how many replicas it has without those that a
// reassignment adds.
func (c *replicationCount) place(p *partition, adding []int32) (settled int) {
	if p.leader >= 0 {
		c.broker(p.leader).leaders++
	}
	for _, id := range p.replicas {
		b := c.broker(id)
		b.replicas++
		if slices.Contains(adding, id) {
			continue
		}
		settled++
		if !slices.Contains(p.isr, id) {
			b.outOfSync++
		}
	}
	return settled
}

func (c *replicationCount) broker(id int32) *brokerCount {
	b, ok := c.brokers[id]
	if !ok {
		b = new(brokerCount)
		c.brokers[id] = b
	}
	return b
}

// assigned returns the brokers that are listed or hold a replica.
func (c *replicationCount) assigned() []int32 {
	ids := make([]int32, 0, len(c.brokers))
	for id := range c.brokers {
		ids = append(ids, id)
	}
	return ids
}

func (t *topicCount) addShape(s shape) {
	for i := range t.led {
		if t.led[i].shape == s {
			t.led[i].n++
			return
		}
	}
	t.led = append(t.led, shapeCount{s, 1})
}

// effective returns what the brokers hold a partition to: a topic with fewer replicas than
// min.insync.replicas needs all of them, or uncapped never has enough.
func (s shape) effective(minISR int, uncapped bool) int {
	if uncapped {
		return minISR
	}
	return min(minISR, s.replicas)
}

// short tells whether partitions have fewer replicas than min.insync.replicas.
func (t *topicCount) short(minISR int) bool {
	return slices.ContainsFunc(t.led, func(led shapeCount) bool { return led.replicas < minISR })
}

// judge counts the partitions at and below min.insync.replicas.
func (t *topicCount) judge(minISR int, uncapped bool) {
	t.minISRKnown, t.underMinISR, t.atMinISR = true, t.offline, 0
	for _, led := range t.led {
		switch need := led.effective(minISR, uncapped); {
		case led.inSync < need:
			t.underMinISR += led.n
		case led.inSync == need:
			t.atMinISR += led.n
		}
	}
}

// imbalance returns the standard deviation over the mean of what the brokers have: 0 where all have the
// same, and not a number where they have nothing.
func (c *replicationCount) imbalance(of func(*brokerCount) int) float64 {
	n, sum := float64(len(c.brokers)), 0.0
	for _, b := range c.brokers {
		sum += float64(of(b))
	}
	mean, squares := sum/n, 0.0
	for _, b := range c.brokers {
		squares += (float64(of(b)) - mean) * (float64(of(b)) - mean)
	}
	return math.Sqrt(squares/n) / mean
}
