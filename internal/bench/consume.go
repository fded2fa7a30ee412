package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/record"
)

// consume reads a topic from its start and verifies every probe record in it: how fast a cluster gives
// records back. It ends with the number of records that is asked for, with what the topic held when it
// began, or with the case's time.
func consume(ctx context.Context, c *PlannedCase, env Env, topic string) (*Run, error) {
	admin, err := env.Client("admin")
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	asking, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	starts, err := kadm.NewClient(admin).ListStartOffsets(asking, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask where topic %s starts: %w", topic, err)
	}
	ends, err := kadm.NewClient(admin).ListEndOffsets(asking, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask where topic %s ends: %w", topic, err)
	}
	v := &verifier{streams: map[stream]uint64{}}
	from := map[int32]kgo.Offset{}
	starts.Each(func(o kadm.ListedOffset) {
		end, _ := ends.Lookup(topic, o.Partition)
		v.left += end.Offset - o.Offset
		from[o.Partition] = kgo.NewOffset().At(o.Offset)
	})
	if v.left == 0 {
		return nil, fmt.Errorf("topic %s is empty: produce to it first, with --topic %s --keep-topic", topic, topic)
	}
	if c.Records > 0 {
		v.left = min(v.left, c.Records)
	}
	client, err := env.Client("consumer", append(c.options("consumer"),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return v.run(ctx, c, env, client, topic)
}

// stream is the records of one run in a partition.
type stream struct {
	run       record.RunID
	partition int32
}

// verifier judges what is read.
type verifier struct {
	left    int64             // to be read
	streams map[stream]uint64 // the sequence that is expected next
	counts  Counts
	bytes   uint64
	current struct {
		stream
		next uint64
	}
}

func (v *verifier) run(ctx context.Context, c *PlannedCase, env Env, client *kgo.Client, topic string) (*Run, error) {
	run := &Run{Started: time.Now(), Topic: topic, Intervals: []Interval{}}
	began := time.Now()
	before := usage()
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	total, lastAt, lastRecords, lastBytes := v.left, began, uint64(0), uint64(0)
	note := func(now time.Time) {
		took := now.Sub(lastAt).Seconds()
		n := v.counts.Due - lastRecords
		i := Interval{At: now.Sub(began).Seconds(), Seconds: took, Records: int64(n), RecordsPerSec: float64(n) / took,
			BytesPerSec: float64(v.bytes-lastBytes) / took}
		run.Intervals = append(run.Intervals, i)
		lastAt, lastRecords, lastBytes = now, v.counts.Due, v.bytes
		if env.Live != nil {
			env.Live.Tick(&Tick{Interval: &i, Done: 1 - float64(v.left)/float64(total), Topic: topic, Totals: func(yield func(*Total) bool) {
				yield(&Total{Broker: ledger.UnknownBroker, Counts: v.counts})
			}})
		}
	}
	for v.left > 0 && ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil {
				return nil, fmt.Errorf("read topic %s, partition %d: %w", topic, e.Partition, e.Err)
			}
		}
		fetches.EachPartition(v.take)
		if now := time.Now(); now.Sub(lastAt) >= tick {
			note(now)
		}
	}
	now := time.Now()
	if now.Sub(lastAt) > tick/2 || len(run.Intervals) == 0 {
		note(now)
	}
	after := usage()
	run.Partial = v.left > 0 && c.Duration == 0
	run.Seconds = now.Sub(began).Seconds()
	run.Counts = v.counts
	run.RecordsPerSec, run.BytesPerSec = float64(v.counts.Due)/run.Seconds, float64(v.bytes)/run.Seconds
	run.Client = Client{CPUSeconds: (after.cpu - before.cpu).Seconds(), MaxRSS: after.maxRSS}
	run.Client.CPUSecondsPerMillion = run.Client.CPUSeconds / float64(max(1, v.counts.Due)) * 1e6
	return run, nil
}

// take judges the records of a fetch: bytes by their checksum, order and gaps by their sequence.
func (v *verifier) take(p kgo.FetchTopicPartition) {
	var h record.Header
	for _, r := range p.Records {
		if v.left == 0 {
			return
		}
		v.left--
		v.counts.Due++
		v.counts.Delivered++
		v.bytes += uint64(len(r.Value))
		switch record.Decode(r.Value, &h) {
		case record.Intact:
			v.order(stream{h.Run, r.Partition}, h.Sequence)
		case record.Damaged:
			v.counts.Corrupt++
		default:
			v.counts.Foreign++
		}
	}
}

// order follows the sequence of a stream. Most records belong to the same one as the last.
func (v *verifier) order(s stream, seq uint64) {
	if s != v.current.stream {
		v.streams[v.current.stream] = v.current.next
		v.current.stream = s
		next, seen := v.streams[s]
		if !seen {
			next = seq // what was sent before reading began is nobody's loss
		}
		v.current.next = next
	}
	switch {
	case seq == v.current.next:
		v.current.next++
	case seq > v.current.next:
		v.counts.AcknowledgedLost += seq - v.current.next
		v.current.next = seq + 1
	case seq+1 == v.current.next:
		v.counts.Duplicate++
	default:
		v.counts.Reordered++
	}
}
