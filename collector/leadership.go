package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

const (
	// answerTimeout is how long one broker may take over one request before the
	// refresh goes on without it.
	answerTimeout = 5 * time.Second
	// askAtOnce is how many brokers are asked at the same time.
	askAtOnce = 16
)

// leadership is which broker leads which partition of the chosen topics, and so
// whom to ask for their offsets.
type leadership struct {
	via     *kgo.Broker     // answered a moment ago
	brokers []int32         // listed by the cluster, ascending
	holding map[int32]bool  // brokers that replicas of any topic are assigned to
	whole   bool            // whether all topics were described, so that holding has all of them
	leads   map[int32][]led // by leader; topics in order of their names
	topics  map[string]topicShape
	names   map[[16]byte]string // by topic id, for answers that name a topic by that
}

// topicShape is what leadership keeps of a topic.
type topicShape struct {
	id         [16]byte
	partitions int  // the highest partition number plus one
	known      bool // whether the broker described all of it
}

// askLeadership asks for all topics and keeps those that match. It asks a broker
// that has just answered, so that a frozen one costs no time.
func askLeadership(ctx context.Context, client *kgo.Client, account *Account, match func(topic) bool) (*leadership, error) {
	view, err := askCluster(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	via, err := view.awake(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("find a broker that answers: %w", err)
	}
	l := &leadership{
		via: via, holding: make(map[int32]bool), whole: true,
		leads: make(map[int32][]led), topics: make(map[string]topicShape), names: make(map[[16]byte]string),
	}
	for id := range view.brokers {
		l.brokers = append(l.brokers, id)
	}
	slices.Sort(l.brokers)
	err = eachTopic(ctx, via, account, func(t topic) {
		l.whole = l.whole && t.err == nil
		for i := range t.partitions {
			for _, id := range t.partitions[i].replicas {
				l.holding[id] = true
			}
		}
		if match(t) {
			l.add(t)
		}
	})
	if err != nil {
		return nil, err
	}
	for _, leads := range l.leads {
		slices.SortFunc(leads, func(a, b led) int { return strings.Compare(a.topic, b.topic) })
	}
	return l, nil
}

func (l *leadership) add(t topic) {
	shape := topicShape{id: t.id, known: t.err == nil}
	byLeader := make(map[int32][]int32)
	for _, p := range t.partitions {
		shape.partitions = max(shape.partitions, int(p.id)+1)
		if p.leader < 0 {
			continue
		}
		byLeader[p.leader] = append(byLeader[p.leader], p.id)
	}
	for leader, partitions := range byLeader {
		slices.Sort(partitions)
		l.leads[leader] = append(l.leads[leader], led{t.name, t.id, partitions})
	}
	l.topics[t.name] = shape
	if t.id != [16]byte{} {
		l.names[t.id] = t.name
	}
}

// gone tells whether a broker has left for good, as far as anybody can say: it is not listed, and no
// replica waits for it.
func (l *leadership) gone(id int32) bool {
	return l.whole && !l.holding[id] && !slices.Contains(l.brokers, id)
}

// leaders returns the brokers that lead any of the partitions, ascending.
func (l *leadership) leaders() []int32 {
	ids := make([]int32, 0, len(l.leads))
	for id := range l.leads {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// eachBroker calls ask for the brokers side by side, each with a time limit for
// every request of its own, and returns when all have ended. ask may run
// concurrently with itself.
func eachBroker(ids []int32, ask func(id int32)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, askAtOnce)
	for _, id := range ids {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			ask(id)
		})
	}
	wg.Wait()
}

// askInTime asks one broker with the time limit of one request. A kept
// connection that turns out to be broken says that the broker was away, not
// that it is: it is asked once more.
func askInTime[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := ask(ctx)
	switch kafka.Reason(err) {
	case kafka.ReasonConnectionClosed, kafka.ReasonConnectionReset:
		return ask(ctx)
	}
	return answer, err
}
