//go:build faults

package collector_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lagGroup is the group of TestLagSeconds.
const lagGroup = "lag-seconds"

// Lag in seconds is the age of the oldest record to be read: by the collector's own samples to within the
// interval of 5 s, by the records' timestamps to within a second, on a topic with the broker's timestamps,
// on a compacted one, on one where nothing happens, and after a reset to an old offset.
func TestLagSeconds(t *testing.T) {
	const interval = 5.0
	sampled := startReal(t, groupsMember(t, func(s *collector.GroupsSettings) { s.Interval = kind.Duration(interval * float64(time.Second)) }))
	exact := startReal(t, groupsMember(t, func(s *collector.GroupsSettings) {
		s.Interval, s.ExactLag.Groups = kind.Duration(interval*float64(time.Second)), lagGroup
	}))
	client := exact.client(kgo.DefaultProduceTopic("unused"))
	admin := kadm.NewClient(client)
	set := func(v string) *string { return &v }
	for topic, configs := range map[string]map[string]*string{
		"lag-append":    {"message.timestamp.type": set("LogAppendTime")},
		"lag-compacted": {"cleanup.policy": set("compact"), "segment.ms": set("100"), "min.cleanable.dirty.ratio": set("0.001")},
		"lag-idle":      nil,
	} {
		if _, err := admin.CreateTopic(t.Context(), 1, 3, configs, topic); err != nil {
			t.Fatal(err)
		}
	}
	send := func(topic, key string, at time.Time) {
		t.Helper()
		r := &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte("x"), Timestamp: at}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	commit := func(offsets map[string]int64) {
		t.Helper()
		var all kadm.Offsets
		for topic, offset := range offsets {
			all.AddOffset(topic, 0, offset, -1)
		}
		if err := admin.CommitAllOffsets(t.Context(), lagGroup, all); err != nil {
			t.Fatal(err)
		}
	}
	send("lag-idle", "", time.Now().Add(-time.Hour))
	commit(map[string]int64{"lag-append": 0, "lag-compacted": 0, "lag-idle": 1})
	for _, r := range []*real{sampled, exact} { // has seen the logs empty
		r.await(30*time.Second, "the commits to be seen", func() bool { return len(r.values("consumer_group_lag_records")) == 3 })
	}

	// Of the compacted topic only the last record of the key and what comes after it stays.
	appended := make(map[string][]time.Time)
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()
	for i := range 10 {
		key := "again"
		if i > 5 {
			key = "once"
		}
		for _, topic := range []string{"lag-append", "lag-compacted"} {
			at := time.Now()
			if topic == "lag-append" {
				send(topic, key, at.Add(-time.Hour)) // the broker does not believe it
			} else {
				send(topic, key+string(rune('a'+max(i-5, 0))), at)
			}
			appended[topic] = append(appended[topic], at)
		}
		<-tick.C
	}
	sampled.awaitCompaction(client, "lag-compacted", 5)

	check := func(what string, offsets map[string]int64, oldest map[string]time.Time) {
		t.Helper()
		commit(offsets)
		for _, test := range []struct {
			how    string
			r      *real
			within float64
		}{{"sampled", sampled, interval}, {"by timestamps", exact, 1}} {
			test.r.awaitRefreshes(2)
			shown := test.r.series()
			refreshed := shown["collector_last_success_timestamp_seconds"]["collector=groups"]
			for topic := range offsets {
				label := "group=" + lagGroup + ",topic=" + topic
				got, known := shown["consumer_group_lag_seconds"][label]
				want := 0.0
				if at := oldest[topic]; !at.IsZero() {
					want = refreshed - float64(at.UnixMilli())/1e3
				}
				t.Logf("%s, %s, %s: %.2f s, truth %.2f s", what, test.how, topic, got, want)
				if !known || math.Abs(got-want) > test.within || shown["consumer_group_lag_seconds_lower_bound"][label] != 0 {
					t.Errorf("%s, %s, %s: lag of %.2f s (known: %t, at least: %v), want %.2f within %v s", what, test.how, topic,
						got, known, shown["consumer_group_lag_seconds_lower_bound"][label], want, test.within)
				}
			}
		}
	}
	check("behind", map[string]int64{"lag-append": 7, "lag-compacted": 7, "lag-idle": 1},
		map[string]time.Time{"lag-append": appended["lag-append"][7], "lag-compacted": appended["lag-compacted"][7]})
	check("reset to an old offset", map[string]int64{"lag-append": 1, "lag-compacted": 3, "lag-idle": 1},
		map[string]time.Time{"lag-append": appended["lag-append"][1], "lag-compacted": appended["lag-compacted"][5]})
}

// awaitRefreshes waits until the collector groups has refreshed so many times more.
func (r *real) awaitRefreshes(n int) {
	r.t.Helper()
	for range n {
		at := func() float64 { return r.values("collector_last_success_timestamp_seconds")["collector=groups"] }
		last := at()
		r.await(20*time.Second, "another refresh", func() bool { return at() > last })
	}
}

// awaitCompaction waits until the first record of a topic is the one at the offset.
func (r *real) awaitCompaction(client *kgo.Client, topic string, offset int64) {
	r.t.Helper()
	r.await(40*time.Second, topic+" to be compacted", func() bool {
		client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}})
		defer client.RemoveConsumePartitions(map[string][]int32{topic: {0}})
		ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Second)
		defer cancel()
		records := client.PollFetches(ctx).Records()
		return len(records) > 0 && records[0].Offset >= offset
	})
}
