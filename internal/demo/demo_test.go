package demo

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func connect(t *testing.T, c *Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := c.client("test", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestShopWorks(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	client := connect(t, c,
		kgo.ConsumeTopics(ordersTopic, paymentsTopic, clickstreamTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	sizes := map[string][]int{}
	for len(sizes[ordersTopic]) < 10 || len(sizes[paymentsTopic]) < 3 || len(sizes[clickstreamTopic]) < 30 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("got records by topic %v, then error %v", sizes, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { sizes[r.Topic] = append(sizes[r.Topic], len(r.Value)) })
	}
	for _, s := range streams() {
		if got := slices.Min(sizes[s.topic]); got < s.least {
			t.Errorf("%s: smallest record has %d B, want at least %d", s.topic, got, s.least)
		}
		if got := slices.Max(sizes[s.topic]); got > s.most {
			t.Errorf("%s: largest record has %d B, want at most %d", s.topic, got, s.most)
		}
	}

	admin := kadm.NewClient(client)
	cluster, err := admin.Metadata(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := cluster.Brokers.NodeIDs(); !slices.Equal(got, []int32{0, 1, 2}) {
		t.Errorf("got brokers %v, want 0, 1 and 2", got)
	}
	for _, s := range streams() {
		if got := len(cluster.Topics[s.topic].Partitions); got != int(s.partitions) {
			t.Errorf("%s: got %d partitions, want %d", s.topic, got, s.partitions)
		}
	}

	// The group that works commits soon; poll until its state shows it.
	for {
		groups, err := admin.Lag(ctx, fulfilmentGroup, nightlyGroup)
		if err != nil {
			t.Fatal(err)
		}
		working, idle := groups[fulfilmentGroup], groups[nightlyGroup]
		if idle.State != "Empty" || idle.Lag.Total() == 0 {
			t.Fatalf("%s: got state %q and lag %d, want Empty and some", nightlyGroup, idle.State, idle.Lag.Total())
		}
		committed := int64(0)
		for _, partition := range working.Lag[ordersTopic] {
			committed += max(0, partition.Commit.At)
		}
		if working.State == "Stable" && committed > 0 {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: got state %q and %d records committed", fulfilmentGroup, working.State, committed)
		}
		client.PollRecords(ctx, 1) // waits for the shop's next record
	}
}

func TestCloseEndsEverything(t *testing.T) {
	c := start(t, Options{})
	addresses := c.Bootstrap()
	if len(addresses) != 3 {
		t.Fatalf("got bootstrap servers %v, want three", addresses)
	}
	c.Close()
	for _, address := range addresses {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			t.Errorf("%s still accepts connections", address)
		}
	}
	c.Close() // a second time does no harm
}

func TestStartFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Start(ctx, Options{Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "commit the demo's group nightly-report: ") {
		t.Errorf("got error %v, want one that says what was interrupted", err)
	}
	_, err = Start(t.Context(), Options{Brokers: -1, Log: slog.New(slog.DiscardHandler)})
	if err == nil || err.Error() != "start the demo: -1 brokers, at least one is needed" {
		t.Errorf("got error %v, want one that names the number of brokers", err)
	}
}

func TestDescribe(t *testing.T) {
	const shop = "An embedded cluster of 3 brokers with a small shop on it: topics orders, payments and clickstream, " +
		"one consumer group that lags a little and one that is idle."
	if got := start(t, Options{Calm: true}).Describe(); got != shop {
		t.Errorf("got %q, want %q", got, shop)
	}
	const slow = shop + " Every minute one broker in turn answers produce requests 60ms late for 5s, so that the graphs move."
	if got := start(t, Options{}).Describe(); got != slow {
		t.Errorf("got %q, want %q", got, slow)
	}
}

func TestDueCountsEachRecordOnce(t *testing.T) {
	s := stream{rate: 8}
	sum, at := 0, time.Duration(0)
	least, most := math.MaxInt, 0
	for at < tide {
		second := 0
		for _, tick := range []time.Duration{1, 300, 99, 0, 600} {
			second += s.due(at, at+tick*time.Millisecond)
			at += tick * time.Millisecond
		}
		sum, least, most = sum+second, min(least, second), max(most, second)
	}
	if want := 8 * int(tide.Seconds()); sum != want {
		t.Errorf("got %d records in one tide, want %d", sum, want)
	}
	if least < 3 || least > 5 || most < 11 || most > 13 {
		t.Errorf("got %d to %d records a second, want about 4 to 12", least, most)
	}
}

func TestSlowBroker(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Calm: true})
	if err := c.kafka.CreateTopic("slow", 3, nil); err != nil {
		t.Fatal(err)
	}
	leader := map[int32]int32{} // node -> partition that it leads
	for p := range int32(3) {
		if err := c.kafka.MoveTopicPartition("slow", p, p); err != nil {
			t.Fatal(err)
		}
		leader[p] = p
	}
	client := connect(t, c, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	// fastest is the shortest of ten: a loaded machine does not lengthen it.
	fastest := func(partition int32) time.Duration {
		best := time.Duration(math.MaxInt64)
		for range 10 {
			sent := time.Now()
			record := &kgo.Record{Topic: "slow", Partition: partition, Value: []byte("x")}
			if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(sent))
		}
		return best
	}
	ctx, end := context.WithCancel(t.Context())
	c.delayProduce(ctx, 1, time.Now().Add(time.Hour))
	if got := fastest(leader[1]); got < slowDelay {
		t.Errorf("the slow broker answered within %s, want at least %s", got, slowDelay)
	}
	if got := fastest(leader[2]); got >= slowDelay {
		t.Errorf("another broker took %s", got)
	}
	end()
	if got := fastest(leader[1]); got >= slowDelay {
		t.Errorf("the broker took %s after its slow time", got)
	}
}

func TestSlowTimeComesRound(t *testing.T) {
	t.Parallel()
	c := start(t, Options{slowEvery: slowFor})                   // from the start, all the time
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a busy machine takes its time
	defer cancel()
	for late := false; !late; {
		sent := time.Now()
		if err := c.shop.ProduceSync(ctx, &kgo.Record{Topic: ordersTopic, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatalf("no broker was slow: %v", err)
		}
		late = time.Since(sent) >= slowDelay
	}
}

// TestManyClientsOfSlowBroker is about kfake: requests of many connections
// that sleep at the same time, and a cluster that is closed meanwhile.
func TestManyClientsOfSlowBroker(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Calm: true})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	c.delayProduce(ctx, 0, time.Now().Add(10*slowDelay))
	var wg sync.WaitGroup
	for range 8 {
		client := connect(t, c, kgo.ProducerLinger(0))
		wg.Go(func() {
			for until := time.Now().Add(20 * slowDelay); time.Now().Before(until); {
				if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: ordersTopic, Value: []byte("x")}).FirstErr(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	c.delayProduce(ctx, 0, time.Now().Add(time.Hour)) // still slow while it is closed
}
