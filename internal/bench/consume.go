package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// consume reads a topic from its start and verifies every probe record in it: how fast a cluster gives
// records back. It ends with the number of records that is asked for or, without one, with what the topic
// held when it began; with the case's time; and when nothing comes any more.
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
	v := &verifier{left: math.MaxInt64, bounded: c.Records == 0, ends: map[int32]int64{}, streams: map[stream]*sequence{}}
	from, held := map[int32]kgo.Offset{}, int64(0)
	starts.Each(func(o kadm.ListedOffset) {
		if end, _ := ends.Lookup(topic, o.Partition); end.Offset > o.Offset {
			v.ends[o.Partition] = end.Offset
			held += end.Offset - o.Offset
		}
		from[o.Partition] = kgo.NewOffset().At(o.Offset)
	})
	c.Partitions = len(from)
	switch {
	case c.Records > 0:
		v.left, held = c.Records, c.Records
	case held == 0:
		return nil, fmt.Errorf("topic %s is empty: produce to it first", topic)
	}
	client, err := env.Client("consumer", append(c.options("consumer"), kgo.KeepControlRecords(), // a log may end with one
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return v.run(ctx, c, env, client, topic, held)
}

// run reads until the end. held is about how many records that is.
func (v *verifier) run(interrupted context.Context, c *PlannedCase, env Env, client *kgo.Client, topic string, held int64) (*Run, error) {
	run := &Run{Started: time.Now(), Topic: topic, Intervals: []Interval{}}
	began := time.Now()
	before := usage()
	ctx, cancel := context.WithCancelCause(interrupted)
	defer cancel(nil)
	if c.Duration > 0 {
		defer time.AfterFunc(c.Duration, func() { cancel(nil) }).Stop()
	}
	silence := time.AfterFunc(c.Timeout, func() { cancel(errSilence) })
	defer silence.Stop()
	lastAt, lastRecords, lastBytes, last := began, uint64(0), uint64(0), began
	note := func(now time.Time) {
		took := max(now.Sub(lastAt).Seconds(), 1e-9)
		n := v.counts.Due - lastRecords
		i := Interval{At: now.Sub(began).Seconds(), Seconds: took, Records: int64(n), RecordsPerSec: float64(n) / took,
			BytesPerSec: float64(v.bytes-lastBytes) / took}
		run.Intervals = append(run.Intervals, i)
		lastAt, lastRecords, lastBytes = now, v.counts.Due, v.bytes
		if env.Live != nil {
			env.Live.Tick(&Tick{Interval: &i, Done: min(1, float64(v.counts.Due)/float64(held)), Topic: topic, Totals: func(yield func(*Total) bool) {
				yield(&Total{Broker: ledger.UnknownBroker, Counts: v.counts})
			}})
		}
	}
	for v.left > 0 && (!v.bounded || len(v.ends) > 0) && ctx.Err() == nil {
		before := v.counts.Due
		fetches := client.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil {
				return nil, fmt.Errorf("read topic %s, partition %d: %w", topic, e.Partition, e.Err)
			}
		}
		fetches.EachPartition(v.take)
		now := time.Now()
		if v.counts.Due > before {
			last = now
			silence.Reset(c.Timeout)
		}
		if now.Sub(lastAt) >= tick {
			note(now)
		}
	}
	if v.counts.Due == 0 {
		last = time.Now()
	}
	if last.Sub(lastAt) > tick/2 || len(run.Intervals) == 0 {
		note(last)
	}
	after := usage()
	run.Partial = interrupted.Err() != nil
	run.Seconds = last.Sub(began).Seconds()
	run.Counts = v.counts
	run.RecordsPerSec, run.BytesPerSec = float64(v.counts.Due)/max(run.Seconds, 1e-9), float64(v.bytes)/max(run.Seconds, 1e-9)
	run.Client = Client{CPUSeconds: (after.cpu - before.cpu).Seconds(), MaxRSS: after.maxRSS}
	run.Client.CPUSecondsPerMillion = run.Client.CPUSeconds / float64(max(1, v.counts.Due)) * 1e6
	switch {
	case ctx.Err() == nil || run.Partial:
	case errors.Is(context.Cause(ctx), errSilence):
		run.Warnings = append(run.Warnings, fmt.Sprintf("ended with %d of %d records: no more came for %v", v.counts.Due, held, c.Timeout))
	default:
		run.Warnings = append(run.Warnings, fmt.Sprintf("ended after %v with %d of %d records", c.Duration, v.counts.Due, held))
	}
	return run, nil
}

// errSilence ends a reading for which nothing comes any more.
var errSilence = errors.New("no more records came")
