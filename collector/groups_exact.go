package collector

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// ExactLagSettings choose the groups whose lag in seconds comes from records.
type ExactLagSettings struct {
	Groups      string     `yaml:"groups" help:"RE2 pattern that the whole id of a group matches for its lag in seconds to come from the timestamp of the record at its committed offset; none by default"`
	MaxBytes    kind.Bytes `yaml:"max_bytes" help:"most bytes that one request reads; a broker returns one whole batch even if that is larger"`
	MaxRequests int        `yaml:"max_requests" help:"most requests in one refresh; what is left comes from our own samples"`
}

const (
	// firstLook is how much of a partition is read at first: enough for the
	// header of a batch, which bounds its timestamps, and for most whole ones.
	firstLook = 16 << 10
	// closeEnough is how far apart the timestamps of a batch may be for any of
	// them to do.
	closeEnough = 500 * time.Millisecond

	signalExactLag = "exact_lag"
)

var rightReadTimestamps = kind.Right{
	Operation: "Read", ResourceType: "Topic", ResourceName: "*",
	Purpose: "exact_lag of the groups chosen for it", Optional: true,
}

func defaultExactLag() ExactLagSettings { return ExactLagSettings{MaxBytes: 1 << 20, MaxRequests: 50} }

func (s *ExactLagSettings) validate() error {
	_, err := wholePattern("groups", s.Groups)
	if s.MaxBytes < firstLook || s.MaxBytes > maxSampleBytes {
		err = errors.Join(err, kind.Errorf("max_bytes", "must be between %s and %s, is %s", kind.Bytes(firstLook), maxSampleBytes, s.MaxBytes))
	}
	if s.MaxRequests < 1 || s.MaxRequests > maxSampleRequests {
		err = errors.Join(err, kind.Errorf("max_requests", "must be between 1 and %d, is %d", maxSampleRequests, s.MaxRequests))
	}
	return err
}

// timestamps knows when records at committed offsets were appended, as the
// records say: by the clock of their producer, or of the broker for topics with
// LogAppendTime. It belongs to one Refresh.
type timestamps struct {
	settings ExactLagSettings
	match    *regexp.Regexp
	client   *kgo.Client
	account  *Account
	known    map[recordAt]time.Time // of the last refresh
	turn     int                    // records asked for so far, to go on from there
	given    *grants                // in this refresh
}

// topicPartition names a partition.
type topicPartition struct {
	topic     string
	partition int32
}

// recordAt is where a record is.
type recordAt struct {
	topicPartition
	offset int64
}

// newTimestamps returns nil if no group asks for them.
func newTimestamps(env Env, s ExactLagSettings) (*timestamps, error) {
	if s.Groups == "" {
		return nil, nil
	}
	match, err := wholePattern("groups", s.Groups)
	return &timestamps{settings: s, match: match, client: env.Client, account: env.Account}, err
}

// refresh replaces the lag in seconds of the chosen groups at the instant now,
// where there is any, by that of the records. A record that was read once is not
// read again while somebody stands at it.
func (x *timestamps) refresh(ctx context.Context, l *leadership, all []*group, lags [][]lag, now time.Time) {
	known := make(map[recordAt]time.Time)
	var unknown []recordAt
	x.each(all, lags, func(at recordAt, _ *lag) {
		if when, ok := x.known[at]; ok {
			known[at] = when
		} else if _, asked := known[at]; !asked {
			known[at] = time.Time{}
			unknown = append(unknown, at)
		}
	})
	x.given = new(grants)
	for at, when := range x.read(ctx, l, unknown) {
		known[at] = when
	}
	x.given.report(x.account, signalExactLag, rightReadTimestamps)
	for at, when := range known {
		if when.IsZero() {
			delete(known, at)
		}
	}
	x.known = known
	x.each(all, lags, func(at recordAt, lag *lag) {
		if when, ok := known[at]; ok {
			lag.ago, lag.atLeast, lag.timed, lag.read = max(now.Sub(when), 0), false, true, true
		}
	})
}

// each calls fn for each lag of the chosen groups that has a record to read.
func (x *timestamps) each(all []*group, lags [][]lag, fn func(recordAt, *lag)) {
	for i, of := range all {
		if !x.match.MatchString(of.id) {
			continue
		}
		for j := range lags[i] {
			if lag := &lags[i][j]; lag.known && lag.records > 0 {
				fn(recordAt{topicPartition{lag.topic, lag.partition}, lag.offset}, lag)
			}
		}
	}
}

// read returns the timestamps that it could find out within the budget. Brokers
// are asked side by side, each with requests for as many partitions as fit.
func (x *timestamps) read(ctx context.Context, l *leadership, records []recordAt) map[recordAt]time.Time {
	points := x.points(l, records)
	var (
		mu    sync.Mutex
		found = make(map[recordAt]time.Time)
		left  atomic.Int64
	)
	left.Store(int64(x.settings.MaxRequests))
	eachBroker(keys(points), func(leader int32) {
		var alone []samplePoint // not to be told from the first look
		for _, batch := range fetchRounds(points[leader], int(x.settings.MaxBytes/firstLook)) {
			if left.Add(-1) < 0 {
				return
			}
			answers, err := x.fetch(ctx, leader, batch)
			if err != nil {
				return
			}
			for _, p := range batch {
				when, sure := recordTime(p, answers[topicPartition{p.topic, p.partition}])
				if !sure {
					alone = append(alone, p)
					continue
				}
				mu.Lock()
				found[recordAt{topicPartition{p.topic, p.partition}, p.offset}] = when
				mu.Unlock()
			}
		}
		for _, p := range alone {
			if left.Add(-1) < 0 {
				return
			}
			answer, err := askInTime(ctx, func(ctx context.Context) (*kmsg.FetchResponseTopicPartition, error) {
				return fetchOne(ctx, x.client, p, int32(x.settings.MaxBytes))
			})
			if !x.given.take(x.account, leader, err) {
				continue
			}
			if when, sure := recordTime(p, answer); sure {
				mu.Lock()
				found[recordAt{topicPartition{p.topic, p.partition}, p.offset}] = when
				mu.Unlock()
			}
		}
	})
	return found
}

// points returns whom to ask for the records, going on with those that the last
// refresh had no budget for.
func (x *timestamps) points(l *leadership, records []recordAt) map[int32][]samplePoint {
	wanted := make(map[topicPartition]bool)
	if len(records) > 0 {
		first := x.turn % len(records)
		x.turn += x.settings.MaxRequests
		records = slices.Concat(records[first:], records[:first])
	}
	for _, r := range records {
		wanted[r.topicPartition] = true
	}
	leaders := make(map[topicPartition]samplePoint)
	for leader, leads := range l.leads {
		for _, led := range leads {
			for _, number := range led.partitions {
				if at := (topicPartition{led.topic, number}); wanted[at] {
					leaders[at] = samplePoint{leader: leader, topic: led.topic, id: led.id, partition: number}
				}
			}
		}
	}
	points := make(map[int32][]samplePoint)
	for _, r := range records {
		if p, ok := leaders[r.topicPartition]; ok {
			p.offset = r.offset
			points[p.leader] = append(points[p.leader], p)
		}
	}
	return points
}

// fetchRounds divides points into requests: at most so many in one, and no
// partition twice, which Kafka refuses.
func fetchRounds(points []samplePoint, most int) (rounds [][]samplePoint) {
	in := make(map[topicPartition]int) // rounds that are behind it
	for _, p := range points {
		at := topicPartition{p.topic, p.partition}
		i := in[at]
		for i < len(rounds) && len(rounds[i]) >= most {
			i++
		}
		in[at] = i + 1
		if i == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[i] = append(rounds[i], p)
	}
	return rounds
}
