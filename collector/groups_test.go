package collector_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

func groupsMember(t *testing.T, change func(*collector.GroupsSettings)) collector.Member {
	t.Helper()
	m := member(t, "groups")
	if change != nil {
		change(m.Settings.(*collector.GroupsSettings))
	}
	return m
}

// commitOffset lets a group without members commit an offset.
func commitOffset(t *testing.T, client *kgo.Client, group, topic string, partition int32, offset int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(topic, partition, offset, -1)
	if err := kadm.NewClient(client).CommitAllOffsets(context.Background(), group, offsets); err != nil {
		t.Fatal(err)
	}
}

func TestGroupsExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2, kfake.SeedTopics(2, "orders", "bills", "old"))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		produce(t, client, "orders", 0, 10, 10)
		produce(t, client, "orders", 1, 5, 10)
		commitOffset(t, client, "billing", "orders", 0, 4)
		commitOffset(t, client, "billing", "orders", 1, 5)
		commitOffset(t, client, "billing", "bills", 0, 0)
		commitOffset(t, client, "ahead", "orders", 0, 12) // of a log that was truncated
		commitOffset(t, client, "gone", "old", 0, 0)
		if _, err := kadm.NewClient(client).DeleteTopics(t.Context(), "old"); err != nil {
			t.Fatal(err)
		}
		commitOffset(t, client, "console-consumer-123", "orders", 0, 1)
		member := newClient(t, nw, kgo.ConsumerGroup("shop"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer member.Close()
		for read := 0; read < 15; {
			read += member.PollFetches(context.Background()).NumRecords()
		}
		if err := member.CommitUncommittedOffsets(context.Background()); err != nil {
			t.Fatal(err)
		}
		second := newClient(t, nw, kgo.ConsumerGroup("shop"), kgo.ConsumeTopics("bills"), kgo.DisableAutoCommit())
		defer second.Close()
		third := newClient(t, nw, kgo.ConsumerGroup("shop"), kgo.ConsumeTopics("bills"), kgo.DisableAutoCommit())
		defer third.Close()
		fourth := newClient(t, nw, kgo.ConsumerGroup("shop"), kgo.ConsumeTopics("bills"), kgo.DisableAutoCommit())
		defer fourth.Close()
		time.Sleep(time.Minute) // the group has settled

		set := newSet(t, nw, groupsMember(t, nil))
		defer set.Close()
		time.Sleep(slowInterval)
		wantSeries(t, set, "groups", lines(
			`collector_success{collector="groups"} 1`,
			`consumer_group_activity{activity="empty",group="ahead"} 1`,
			`consumer_group_activity{activity="empty",group="billing"} 1`,
			`consumer_group_activity{activity="empty",group="gone"} 1`,
			`consumer_group_activity{activity="idle",group="shop"} 1`,
			`consumer_group_committed_offset{group="ahead",topic="orders"} 12`,
			`consumer_group_committed_offset{group="billing",topic="bills"} 0`,
			`consumer_group_committed_offset{group="billing",topic="orders"} 9`,
			`consumer_group_committed_offset{group="shop",topic="orders"} 15`,
			`consumer_group_lag_records{group="ahead",topic="orders"} 0`,
			`consumer_group_lag_records{group="billing",topic="bills"} 0`,
			`consumer_group_lag_records{group="billing",topic="orders"} 6`,
			`consumer_group_lag_records{group="shop",topic="orders"} 0`,
			`consumer_group_lag_seconds_lower_bound{group="ahead",topic="orders"} 0`,
			`consumer_group_lag_seconds_lower_bound{group="billing",topic="bills"} 0`,
			`consumer_group_lag_seconds_lower_bound{group="billing",topic="orders"} 1`,
			`consumer_group_lag_seconds_lower_bound{group="shop",topic="orders"} 0`,
			`consumer_group_members_without_partitions{group="shop"} 1`,
			`consumer_group_members{group="ahead"} 0`,
			`consumer_group_members{group="billing"} 0`,
			`consumer_group_members{group="gone"} 0`,
			`consumer_group_members{group="shop"} 4`,
			`consumer_group_state{group="ahead",state="Empty",type="classic"} 1`,
			`consumer_group_state{group="billing",state="Empty",type="classic"} 1`,
			`consumer_group_state{group="gone",state="Empty",type="classic"} 1`,
			`consumer_group_state{group="shop",state="Stable",type="classic"} 1`,
		), "collector_success", "consumer_group_activity", "consumer_group_committed", "consumer_group_lag_records",
			"consumer_group_lag_seconds_lower", "consumer_group_members", "consumer_group_state")
		if problems, err := testutil.GatherAndLint(set); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
	})
}

// Lag in seconds is right to within an interval, 0 where there is nothing to
// read, and only a bound for what is older than the prober.
func TestGroupLagSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders", "idle"))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		produce(t, client, "orders", 0, 1, 10)
		produce(t, client, "idle", 0, 1, 10)
		commitOffset(t, client, "billing", "orders", 0, 1)
		commitOffset(t, client, "billing", "idle", 0, 1)
		set := newSet(t, nw, groupsMember(t, func(s *collector.GroupsSettings) { s.Interval = kind.Duration(5 * time.Second) }))
		defer set.Close()
		begun := time.Now()
		for range 60 { // a record each 10 s, at offsets 1 to 60
			time.Sleep(10 * time.Second)
			produce(t, client, "orders", 0, 1, 10)
		}
		check := func(what string, offset int64, want time.Duration, bound float64) {
			t.Helper()
			commitOffset(t, client, "billing", "orders", 0, offset)
			time.Sleep(6 * time.Second)
			got := valueOf(t, set, `consumer_group_lag_seconds{group="billing",topic="orders"}`)
			if diff := (want + 6*time.Second).Seconds() - got; diff < -5.5 || diff > 11 { // a scrape shows a refresh of up to 5 s ago
				t.Errorf("%s: lag of %v s, want about %v", what, got, want+6*time.Second)
			}
			if got := valueOf(t, set, `consumer_group_lag_seconds_lower_bound{group="billing",topic="orders"}`); got != bound {
				t.Errorf("%s: lower bound %v, want %v", what, got, bound)
			}
			if got := valueOf(t, set, `consumer_group_lag_seconds{group="billing",topic="idle"}`); got != 0 {
				t.Errorf("%s: lag of %v s on an idle topic", what, got)
			}
		}
		at := func(offset int64) time.Duration { return time.Since(begun) - time.Duration(offset)*10*time.Second }
		check("the newest", 60, at(60), 0)
		check("in the middle", 30, at(30), 0)
		check("reset to an older one", 5, at(5), 0)
		check("older than the prober", 0, time.Since(begun), 1)
	})
}

// The lag of a group that is dead grows as time does, far beyond the history and whatever fails in between. Of a
// topic that is made anew under its name it starts over.
func TestGroupLagOfTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders", "bills"))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		produce(t, client, "bills", 0, 1, 10)
		commitOffset(t, client, "dead", "bills", 0, 0)
		commitOffset(t, client, "dead", "orders", 0, 0)
		set := newSet(t, nw, groupsMember(t, nil))
		defer set.Close()
		begun := time.Now() // of bills no more is known than that the record was there by now
		time.Sleep(started)
		check := func(topic string, since time.Time, bound float64) float64 {
			t.Helper()
			key := `{group="dead",topic="` + topic + `"}`
			want, got := time.Since(since).Seconds(), valueOf(t, set, "consumer_group_lag_seconds"+key)
			if got < want-2*slowInterval.Seconds() || got > want+1 { // an interval of the scrape and one of the record
				t.Fatalf("%s: lag of %v s, want about %v", topic, got, want)
			}
			if got := valueOf(t, set, "consumer_group_lag_seconds_lower_bound"+key); got != bound {
				t.Fatalf("%s after %v s: lower bound %v, want %v", topic, want, got, bound)
			}
			return got
		}
		first, last := time.Now(), 0.0
		for minute := range 180 {
			produce(t, client, "orders", 0, 1, 10)
			produce(t, client, "bills", 0, 1, 10)
			if minute == 90 { // every refresh fails
				nw.set(frozen, 0)
				time.Sleep(5 * time.Minute)
				nw.set(none, 0)
			}
			time.Sleep(time.Minute)
			check("bills", begun, 1)
			now := check("orders", first, 0)
			if now <= last {
				t.Errorf("minute %d: lag of %v s, %v s a minute ago", minute, now, last)
			}
			last = now
		}

		admin := kadm.NewClient(client)
		if _, err := admin.DeleteTopics(t.Context(), "orders"); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, "orders"); err != nil {
			t.Fatal(err)
		}
		other := newClient(t, nw) // does not know the old topic's id
		defer other.Close()
		again := time.Now()
		produce(t, other, "orders", 0, 500, 10) // the log end is where it was, and farther
		commitOffset(t, other, "dead", "orders", 0, 0)
		time.Sleep(slowInterval + 10*time.Second)
		check("orders", again, 1)
		check("bills", begun, 1)

		commitOffset(t, client, "dead", "bills", 0, 1) // it moves: what is known is the history, and the minute before
		produce(t, client, "bills", 0, 1, 10)
		time.Sleep(slowInterval)
		if got := valueOf(t, set, `consumer_group_lag_seconds{group="dead",topic="bills"}`); got < 3600 || got > 3700 {
			t.Errorf("lag of %v s after a commit, want an hour", got)
		}
	})
}

// From the records' own timestamps lag is exact, also for what was there before.
func TestGroupExactLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2, kfake.SeedTopics(1, "orders", "bills"))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		wide := newClient(t, nw, kgo.ProducerLinger(time.Minute))
		defer wide.Close()
		born := time.Now()
		for range 3 {
			produce(t, client, "orders", 0, 1, 100_000)
			time.Sleep(time.Minute)
		}
		for i := range 3 { // one batch with timestamps a minute apart, larger than the first look
			wide.Produce(context.Background(), &kgo.Record{Topic: "bills", Value: make([]byte, 20_000), Timestamp: born.Add(time.Duration(i) * time.Minute)}, nil)
		}
		if err := wide.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		commitOffset(t, client, "billing", "orders", 0, 1)
		commitOffset(t, client, "other", "orders", 0, 2)
		commitOffset(t, client, "billing", "bills", 0, 2)
		set := newSet(t, nw, groupsMember(t, func(s *collector.GroupsSettings) { s.ExactLag.Groups = "bill.*|other" }))
		defer set.Close()
		refreshed := time.Now()
		time.Sleep(started)
		for key, minute := range map[string]int{
			`{group="billing",topic="orders"}`: 1, `{group="other",topic="orders"}`: 2, `{group="billing",topic="bills"}`: 2,
		} {
			want := refreshed.Sub(born.Add(time.Duration(minute) * time.Minute)).Seconds()
			if got := valueOf(t, set, "consumer_group_lag_seconds"+key); got < want || got > want+1 {
				t.Errorf("%s: lag of %v s, want %v", key, got, want)
			}
			if valueOf(t, set, "consumer_group_lag_seconds_lower_bound"+key) != 0 {
				t.Errorf("%s: only a bound", key)
			}
		}
	})
}

// The groups of a frozen coordinator are known to be unknown.
func TestGroupsOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3, kfake.SeedTopics(1, "orders"))
		defer cluster.Close()
		if err := cluster.MoveTopicPartition("orders", 0, 0); err != nil {
			t.Fatal(err)
		}
		client := newClient(t, nw)
		defer client.Close()
		produce(t, client, "orders", 0, 3, 10)
		near, far := "", "" // groups with a coordinator that leads and that does not
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			if cluster.CoordinatorFor(id) == 2 {
				far = id
			} else {
				near = id
			}
		}
		commitOffset(t, client, near, "orders", 0, 1)
		commitOffset(t, client, far, "orders", 0, 1)
		set := newSet(t, nw, groupsMember(t, func(s *collector.GroupsSettings) { s.Partitions = true }))
		defer set.Close()
		time.Sleep(started)
		nw.set(frozen, 2)
		time.Sleep(slowInterval + 10*time.Second)
		got := series(t, set, "consumer_group_state", "consumer_group_lag_records", "consumer_group_partition_lag_records", "consumer_group_activity")
		for _, want := range []string{
			`consumer_group_state{group="` + near + `",state="Empty",type="classic"} 1`,
			`consumer_group_state{group="` + far + `",state="Unknown",type="classic"} 1`,
			`consumer_group_activity{activity="unknown",group="` + far + `"} 1`,
			`consumer_group_lag_records{group="` + near + `",topic="orders"} 2`,
			`consumer_group_partition_lag_records{group="` + near + `",partition="0",topic="orders"} 2`,
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %s in\n%s", want, got)
			}
		}
		if strings.Contains(got, `lag_records{group="`+far+`"`) {
			t.Errorf("a lag of the frozen coordinator's group in\n%s", got)
		}
	})
}

// Before Kafka 3.0 commits are asked for group by group, and nobody names types.
func TestGroupsOfOldBrokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders"), kfake.MaxVersions(kversion.V2_8_0()))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		produce(t, client, "orders", 0, 5, 10)
		commitOffset(t, client, "one", "orders", 0, 1)
		commitOffset(t, client, "two", "orders", 0, 2)
		set := newSet(t, nw, groupsMember(t, nil))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "old", lines(
			`consumer_group_lag_records{group="one",topic="orders"} 4`, `consumer_group_lag_records{group="two",topic="orders"} 3`,
			`consumer_group_state{group="one",state="Empty",type="classic"} 1`, `consumer_group_state{group="two",state="Empty",type="classic"} 1`,
		), "consumer_group_lag_records", "consumer_group_state")
	})
}

// Groups beyond the cap are left out whole, and counted.
func TestGroupsCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1, kfake.SeedTopics(1, "orders"))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		commitOffset(t, client, "a", "orders", 0, 0)
		commitOffset(t, client, "b\xff", "orders", 0, 0)
		set := newSet(t, nw, groupsMember(t, func(s *collector.GroupsSettings) { s.MaxSeries = 10 }))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "capped", lines(`consumer_group_state{group="a",state="Empty",type="classic"} 1`, `series_dropped_total{collector="groups"} 8`),
			"consumer_group_state", "series_dropped")
	})
}

func TestGroupsSettings(t *testing.T) {
	for _, test := range []struct {
		change func(*collector.GroupsSettings)
		want   string
	}{
		{func(s *collector.GroupsSettings) { s.Interval = kind.Duration(time.Second); s.History = 0 },
			"interval: must be at least 5s, is 1s\nhistory: must be at least the interval of 1s, is 0s"},
		{func(s *collector.GroupsSettings) { s.ExcludeGroups = "[" },
			"exclude_groups: error parsing regexp: missing closing ]: `[`: write an RE2 pattern such as orders-.*"},
		{func(s *collector.GroupsSettings) { s.ExactLag.MaxBytes = 1; s.ExactLag.MaxRequests = 0 },
			"exact_lag.max_bytes: must be between 16KiB and 16MiB, is 1B\nexact_lag.max_requests: must be between 1 and 1000, is 0"},
	} {
		k, _ := collector.Kinds.Get("groups")
		s := k.New().(*collector.GroupsSettings)
		test.change(s)
		if err := s.Validate(); err == nil || joined(err) != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// KIP-848 and share groups have requests of their own for almost everything.
func TestGroupsOfAllTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 2, kfake.SeedTopics(2, "orders"))
		defer cluster.Close()
		client := newClient(t, nw)
		defer client.Close()
		modern := newClient(t, nw, kgo.ConsumerGroup("modern"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(),
			kgo.ServerSideBalancer(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer modern.Close()
		share := newClient(t, nw, kgo.ShareGroup("share"), kgo.ConsumeTopics("orders"))
		defer share.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		share.PollFetches(ctx) // joins, and stands at the end
		produce(t, client, "orders", 0, 10, 10)
		produce(t, client, "orders", 1, 5, 10)
		for read := 0; read < 15; {
			read += modern.PollFetches(context.Background()).NumRecords()
		}
		if err := modern.CommitUncommittedOffsets(context.Background()); err != nil {
			t.Fatal(err)
		}
		produce(t, client, "orders", 1, 2, 10)
		set := newSet(t, nw, groupsMember(t, nil))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "groups", lines(
			`consumer_group_activity{activity="active",group="modern"} 1`,
			`consumer_group_activity{activity="active",group="share"} 1`,
			`consumer_group_committed_offset{group="modern",topic="orders"} 15`,
			`consumer_group_committed_offset{group="share",topic="orders"} 0`,
			`consumer_group_lag_records{group="modern",topic="orders"} 2`,
			`consumer_group_lag_records{group="share",topic="orders"} 17`,
			`consumer_group_members_without_partitions{group="modern"} 0`,
			`consumer_group_members_without_partitions{group="share"} 0`,
			`consumer_group_members{group="modern"} 1`,
			`consumer_group_members{group="share"} 1`,
			`consumer_group_state{group="modern",state="Stable",type="consumer"} 1`,
			`consumer_group_state{group="share",state="Stable",type="share"} 1`,
		), "consumer_group_activity", "consumer_group_committed", "consumer_group_lag_records", "consumer_group_members", "consumer_group_state")
	})
}
