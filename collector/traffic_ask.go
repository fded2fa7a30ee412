package collector

import (
	"context"
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
	leads []led
	ends  [][]int64 // log end offsets, on all brokers at about the same time

	// Sizes, with log ends asked around them and log starts after.
	sizes         [][]int64
	sized         time.Time // when
	before, after offsets
	starts        [][]int64
	local         [][]int64 // earliest offsets on the broker's own disk
}

// ask asks all leaders for their log ends, side by side, and then those that
// answered for the sizes of their logs, one after the other: adding up the log
// directories is work for a broker.
func (t *traffic) ask(ctx context.Context, l *leadership) map[int32]*brokerLogs {
	var mu sync.Mutex
	answers := make(map[int32]*brokerLogs)
	leaders := l.leaders()
	eachBroker(leaders, func(id int32) {
		ends, ok := t.list(ctx, id, l.leads[id], atLogEnd)
		if !ok {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		answers[id] = &brokerLogs{leads: l.leads[id], ends: ends.values}
	})
	given := true
	for _, id := range leaders {
		if logs := answers[id]; logs != nil {
			given = t.askLogs(ctx, id, logs, given)
		}
	}
	return answers
}

// askLogs adds sizes, if they are given, and starts to what a broker said. It
// stops at what the broker does not answer, and returns whether sizes are given
// still: where one broker refuses, they all do.
func (t *traffic) askLogs(ctx context.Context, id int32, logs *brokerLogs, given bool) bool {
	if given {
		err := t.askSizes(ctx, id, logs)
		switch {
		case withheld(err):
			t.account.Unavailable(signalMessageSize, rightLogDirSizes, err)
			given = false
		case err != nil:
			t.account.Failed(id, err)
			return given
		default:
			t.account.Available(signalMessageSize)
		}
	}
	starts, ok := t.list(ctx, id, logs.leads, atLogStart)
	if !ok {
		return given
	}
	logs.starts = starts.values
	if logs.sizes != nil && starts.version >= knowsLocalStart {
		logs.local = t.listLocal(ctx, id, logs.leads)
	}
	return given
}

// list is listOffsets with what failed noted.
func (t *traffic) list(ctx context.Context, id int32, leads []led, at int64) (offsets, bool) {
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

// askSizes adds the sizes of a broker's logs, and the log ends before and after.
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
	logs.sizes, logs.sized = logSizes(resp, logs.leads), sized
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
