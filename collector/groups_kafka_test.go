//go:build kafka

package collector_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Lag is that of Kafka's own tool for every partition, whatever the type of the
// group, and lag in seconds by the record's timestamp is right within a second.
func TestLagOnKafka(t *testing.T) {
	r := startReal(t, groupsMember(t, func(s *collector.GroupsSettings) {
		s.Partitions, s.ExactLag.Groups, s.Interval = true, ".*", kind.Duration(5*time.Second)
	}))
	client := r.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(t.Context(), 3, 3, nil, "lag"); err != nil {
		t.Fatal(err)
	}
	born := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	ends := map[int32]int64{0: 10, 1: 20, 2: 30}
	for p, end := range ends {
		for i := range end { // a record a second
			record := &kgo.Record{Topic: "lag", Partition: p, Value: []byte("x"), Timestamp: born.Add(time.Duration(i) * time.Second)}
			if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	groups := map[string]map[int32]int64{"lag-classic": {0: 4, 1: 20, 2: 0}, "lag-modern": {0: 1, 1: 2, 2: 30}}
	modern := r.client(kgo.ConsumerGroup("lag-modern"), kgo.ConsumeTopics("lag"), kgo.ServerSideBalancer(), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	modern.PollFetches(t.Context()) // it has joined
	var refused error
	modern.CommitOffsetsSync(t.Context(), epochOffsets("lag", groups["lag-modern"]), func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
		refused = err
	})
	if refused != nil {
		t.Fatal(refused)
	}
	var offsets kadm.Offsets
	for p, offset := range groups["lag-classic"] {
		offsets.AddOffset("lag", p, offset, -1)
	}
	if err := admin.CommitAllOffsets(t.Context(), "lag-classic", offsets); err != nil {
		t.Fatal(err)
	}
	labels := func(group string, p int32) string { return fmt.Sprintf("group=%s,partition=%d,topic=lag", group, p) }
	r.await(30*time.Second, "the lag of both groups", func() bool {
		got := r.values("consumer_group_partition_lag_records")
		for group, at := range groups {
			for p, offset := range at {
				if lag, ok := got[labels(group, p)]; !ok || lag != float64(ends[p]-offset) {
					return false
				}
			}
		}
		return true
	})
	seconds, now := r.values("consumer_group_partition_lag_seconds"), time.Now()
	records, types := r.values("consumer_group_partition_lag_records"), r.values("consumer_group_state")
	for group, at := range groups {
		for p, offset := range at {
			want := now.Sub(born.Add(time.Duration(offset) * time.Second)).Seconds()
			if offset == ends[p] {
				want = 0
			}
			// The refresh was up to an interval ago.
			if got, ok := seconds[labels(group, p)]; !ok || got > want+1 || got < want-6 {
				t.Errorf("%s: lag of %v s, want %v", labels(group, p), got, want)
			}
		}
		for p, lag := range r.describedLag(group) {
			if got := records[labels(group, p)]; got != lag {
				t.Errorf("%s: lag %v, ConsumerGroupCommand says %v", labels(group, p), got, lag)
			}
		}
	}
	for _, state := range []string{"group=lag-classic,state=Empty,type=classic", "group=lag-modern,state=Stable,type=consumer"} {
		if types[state] != 1 {
			t.Errorf("no %s in %v", state, types)
		}
	}
}

// A share group is seen with its members and what it has yet to deal with (Kafka 4.2 and later).
func TestShareGroupOnKafka(t *testing.T) {
	r := startReal(t, groupsMember(t, func(s *collector.GroupsSettings) { s.Interval = kind.Duration(5 * time.Second) }))
	client := r.client()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(t.Context(), 1, 3, nil, "shared"); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(r.Version(), "3.") {
		r.await(30*time.Second, "a refresh without share groups", func() bool { return r.values("collector_success")["collector=groups"] == 1 })
		return
	}
	send := func(n int) {
		t.Helper()
		for range n {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "shared", Value: []byte("x")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	group := r.client(kgo.ShareGroup("share-group"), kgo.ConsumeTopics("shared"))
	read := make(chan int)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		defer close(read)
		for ctx.Err() == nil { // a poll acknowledges what the one before it read
			read <- group.PollFetches(ctx).NumRecords()
		}
	}()
	for got := 0; got < 5; { // what came before it joined is not for it
		send(1)
		select {
		case n := <-read:
			got += n
		case <-time.After(200 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
	go func() {
		for range read { // until it is told to stop
		}
	}()
	r.await(30*time.Second, "a stable share group of one member that has dealt with everything", func() bool {
		all := r.series()
		lag, known := all["consumer_group_lag_records"]["group=share-group,topic=shared"]
		return known && lag == 0 && all["consumer_group_members"]["group=share-group"] == 1 &&
			all["consumer_group_state"]["group=share-group,state=Stable,type=share"] == 1
	})
	stop()
	group.Close() // it leaves
	send(7)
	r.await(30*time.Second, "an empty share group that is 7 records behind", func() bool {
		all := r.series()
		return all["consumer_group_lag_records"]["group=share-group,topic=shared"] == 7 &&
			all["consumer_group_activity"]["activity=empty,group=share-group"] == 1 &&
			all["consumer_group_state"]["group=share-group,state=Empty,type=share"] == 1
	})
}

func epochOffsets(topic string, offsets map[int32]int64) map[string]map[int32]kgo.EpochOffset {
	out := make(map[int32]kgo.EpochOffset)
	for p, offset := range offsets {
		out[p] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	return map[string]map[int32]kgo.EpochOffset{topic: out}
}

// describedLag is the lag of a group's partitions of one topic, as
// ConsumerGroupCommand prints it.
func (r *real) describedLag(group string) map[int32]float64 {
	r.t.Helper()
	out, err := r.Tool(r.t.Context(), "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
		"--bootstrap-server", strings.Join(r.Bootstrap(), ","), "--describe", "--group", group)
	if err != nil {
		r.t.Fatal(err)
	}
	lags := make(map[int32]float64)
	for line := range strings.Lines(out) {
		f := strings.Fields(line) // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG ...
		if len(f) < 6 || f[0] != group {
			continue
		}
		p, err1 := strconv.ParseInt(f[2], 10, 32)
		lag, err2 := strconv.ParseFloat(f[5], 64)
		if err1 != nil || err2 != nil {
			r.t.Fatalf("can't read the line %q", line)
		}
		lags[int32(p)] = lag
	}
	if len(lags) != 3 {
		r.t.Fatalf("ConsumerGroupCommand shows %d partitions of group %s:\n%s", len(lags), group, out)
	}
	return lags
}
