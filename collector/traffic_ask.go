package collector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// signalMessageSize is what needs log sizes.
const signalMessageSize = "message_size"

var rightLogDirSizes = describeCluster("know the bytes and message size of topics")

// brokerLogs is what a broker said of the logs that it leads. Slices are as
// leads; a part that it did not answer is nil.
type brokerLogs struct {
	leads  []led
	ends   [][]int64 // log end offsets, on all brokers at about the same time
	starts [][]int64 // log start offsets

	// Sizes, with log ends asked around them and log starts again after: what was
	// deleted before a size was read must be seen. Nil if one of them is missing.
	sizes         [][]int64
	sized         time.Time // when
	before, after offsets
	startsAfter   [][]int64
	local         [][]int64 // earliest offsets on the broker's own disk
}

// ask asks all leaders for their log ends and starts, side by side, and then
// those that answered for the sizes of their logs, one after the other: adding
// up the log directories is work for a broker. With an error, there was no time
// for all of them.
func (t *traffic) ask(ctx context.Context, l *leadership) (map[int32]*brokerLogs, error) {
	var mu sync.Mutex
	answers := make(map[int32]*brokerLogs)
	eachBroker(l.leaders(), func(id int32) {
		logs := &brokerLogs{leads: l.leads[id]}
		ends, ok := t.list(ctx, id, logs.leads, atLogEnd)
		if !ok {
			return
		}
		logs.ends = ends.values
		if starts, ok := t.list(ctx, id, logs.leads, atLogStart); ok {
			logs.starts = starts.values
		}
		mu.Lock()
		defer mu.Unlock()
		answers[id] = logs
	})
	if ctx.Err() != nil {
		return answers, fmt.Errorf("ask for log ends: out of time: %w", ctx.Err())
	}
	return answers, t.askAllSizes(ctx, answers)
}

// askAllSizes adds the sizes of the logs to the answers, until one broker
// refuses: then they all do. Where a refresh ends is where the next one begins,
// so that all brokers come in turn.
func (t *traffic) askAllSizes(ctx context.Context, answers map[int32]*brokerLogs) error {
	for n, id := range after(slices.Sorted(maps.Keys(answers)), t.sizedLast) {
		if ctx.Err() != nil {
			return outOfTime(ctx, id)
		}
		err := t.askSizes(ctx, id, answers[id])
		if cut := err != nil && ctx.Err() != nil; !cut || n == 0 { // not the first again: it had all the time there is
			t.sizedLast = id
		}
		switch {
		case err == nil:
			t.account.Available(signalMessageSize)
		case ctx.Err() != nil: // the time was the others' too
			return outOfTime(ctx, id)
		case withheld(err):
			t.account.Unavailable(signalMessageSize, rightLogDirSizes, err)
			return nil
		default:
			t.account.Failed(id, err)
		}
	}
	return nil
}

func outOfTime(ctx context.Context, id int32) error {
	return fmt.Errorf("ask for the sizes of logs: out of time at broker %d: %w", id, ctx.Err())
}

// after returns ids, which ascend, beginning with the one after last.
func after(ids []int32, last int32) []int32 {
	i, found := slices.BinarySearch(ids, last)
	if found {
		i++
	}
	return slices.Concat(ids[i:], ids[:i])
}

// list is listOffsets with what failed noted. A broker that there is no time to
// ask has not failed.
func (t *traffic) list(ctx context.Context, id int32, leads []led, at int64) (offsets, bool) {
	if ctx.Err() != nil {
		return offsets{}, false
	}
	o, err := t.listOffsets(ctx, id, leads, at)
	if err != nil {
		t.account.Failed(id, err)
		return o, false
	}
	for _, refusal := range o.refusals {
		t.account.Failed(id, refusal)
	}
	return o, true
}

func (t *traffic) listOffsets(ctx context.Context, id int32, leads []led, at int64) (offsets, error) {
	return askInTime(ctx, func(ctx context.Context) (offsets, error) {
		return listOffsets(ctx, t.client, id, leads, at, asReplica)
	})
}

// askSizes adds the sizes of a broker's logs, and the offsets around them.
func (t *traffic) askSizes(ctx context.Context, id int32, logs *brokerLogs) (err error) {
	if logs.before, err = t.listOffsets(ctx, id, logs.leads, atLogEnd); err != nil {
		return err
	}
	sent := time.Now()
	resp, err := askInTime(ctx, func(ctx context.Context) (*kmsg.DescribeLogDirsResponse, error) {
		return kmsgLogDirs(logs.leads).RequestWith(ctx, t.client.Broker(int(id)))
	})
	sized := sent.Add(time.Since(sent) / 2)
	switch {
	case err != nil:
		return err
	case resp.ErrorCode != 0:
		return kerr.ErrorForCode(resp.ErrorCode)
	case resp.Version < 3 && len(resp.Dirs) == 0: // how older brokers refuse
		return kerr.ClusterAuthorizationFailed
	}
	if logs.after, err = t.listOffsets(ctx, id, logs.leads, atLogEnd); err != nil {
		return err
	}
	starts, err := t.listOffsets(ctx, id, logs.leads, atLogStart)
	if err != nil {
		return err
	}
	logs.sizes, logs.sized, logs.startsAfter = logSizes(resp, logs.leads), sized, starts.values
	if starts.version >= knowsLocalStart {
		logs.local = t.listLocal(ctx, id, logs.leads)
	}
	return nil
}

// kmsgLogDirs asks for the logs that the broker leads and no others: it has
// more replicas than that, each with a place in the answer.
func kmsgLogDirs(leads []led) *kmsg.DescribeLogDirsRequest {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	for _, l := range leads {
		topic := kmsg.NewDescribeLogDirsRequestTopic()
		topic.Topic, topic.Partitions = l.topic, l.partitions
		req.Topics = append(req.Topics, topic)
	}
	return req
}

// logSizes returns the bytes of each log, noOffset where the answer lacks it. A
// future replica is a copy on its way to another directory.
func logSizes(resp *kmsg.DescribeLogDirsResponse, leads []led) [][]int64 {
	sizes, index := unknownOffsets(leads), indexOf(leads)
	for _, dir := range resp.Dirs {
		if dir.ErrorCode != 0 {
			continue
		}
		for _, topic := range dir.Topics {
			for _, p := range topic.Partitions {
				if t, i, ok := index.find(topic.Topic, p.Partition); ok && !p.IsFuture {
					sizes[t][i] = p.Size
				}
			}
		}
	}
	return sizes
}

// listLocal returns the earliest offsets on the broker's own disk: nil where it
// does not tell.
func (t *traffic) listLocal(ctx context.Context, id int32, leads []led) [][]int64 {
	o, err := t.listOffsets(ctx, id, leads, atLocalStart)
	if err != nil || len(o.refusals) > 0 {
		return nil
	}
	return o.values
}
