package bench

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// inBubble runs test with a fake cluster where time passes only when everybody waits.
func inBubble(t *testing.T, test func(t *testing.T, env Env)) {
	t.Helper()
	withCluster(t, func(t *testing.T, env Env, _ *kfake.Cluster) { test(t, env) })
}

// withCluster does so where the test wants something of the cluster.
func withCluster(t *testing.T, test func(t *testing.T, env Env, c *kfake.Cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.ListenFn(network.Listen), kfake.Ports(9092, 9093, 9094))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		test(t, Env{
			Client: func(_ string, opts ...kgo.Opt) (*kgo.Client, error) {
				return kgo.NewClient(append([]kgo.Opt{
					kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(network.DialContext), kgo.DisableClientMetrics(), kgo.MetadataMinAge(250 * time.Millisecond),
				}, opts...)...)
			},
			Reason: func(err error) string { return err.Error() }, Log: slog.New(slog.DiscardHandler), GoTimers: true,
		}, c)
	})
}

// topics returns the cluster's topics.
func topics(t *testing.T, env Env) []string {
	t.Helper()
	client, err := env.Client("test")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	all, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all.Names()
}

// Each way of running counts each record once, keeps its pace, and leaves nothing behind.
func TestRuns(t *testing.T) {
	for _, flags := range []string{
		"records=1000",
		"records=100 warmup=0s",
		"records=1000 consumers=0",
		"records=1001 partitions=7 producers=3",
		"rate=1000 duration=2s compression=lz4 keys=random",
		"rate=500 records=1000 acks=1 payload=ratio:0.5 keys=round-robin",
		"rate=777 duration=1500ms acks=0 linger=10ms",
		"rate=1 duration=10s warmup=0s",
		"rate=1000 duration=100ms partitions=300 warmup=0s",
		"records=500 acks=1 idempotent=false in-flight=3 payload=zero size=100KiB",
	} {
		t.Run(flags, func(t *testing.T) {
			inBubble(t, func(t *testing.T, env Env) {
				p, err := planOf(strings.Fields(flags)...)
				if err != nil {
					t.Fatal(err)
				}
				r, err := Execute(t.Context(), p, env)
				if err != nil {
					t.Fatal(err)
				}
				c := &p.Cases[0].Case
				run := &r.Cases[0].Runs[0]
				want, _ := c.slots()
				if n := run.Counts; n.Due != want || n.Delivered != want || n.AcknowledgedLost+n.Duplicate+n.Reordered+n.Corrupt+n.Foreign > 0 {
					t.Errorf("%d records were to be sent: %+v", want, n)
				}
				if run.EndToEnd == nil || run.EndToEnd.Count != int64(want) {
					t.Errorf("end to end: %+v, want %d records", run.EndToEnd, want)
				}
				if c.Acks != "0" && (run.Ack == nil || run.Ack.Count != int64(want)) {
					t.Errorf("acks: %+v, want %d", run.Ack, want)
				}
				planned, interval := float64(want)/max(c.Rate, 1), float64(r.Cases[0].Partitions)/max(c.Rate, 1)
				if c.Rate > 0 && (run.Sending < 0.98*planned-interval || run.Sending > planned+interval+0.05) {
					t.Errorf("%d records at %v/s were sent in %v s", want, c.Rate, run.Sending)
				}
				if !r.Valid {
					t.Errorf("invalid: %q", run.Invalid)
				}
				if left := topics(t, env); len(left) > 0 {
					t.Errorf("topics are left: %v", left)
				}
			})
		})
	}
}

// A run that is interrupted reports what it has, and cleans up.
func TestInterrupted(t *testing.T) {
	inBubble(t, func(t *testing.T, env Env) {
		p, err := planOf("rate=100", "duration=1h", "repeat=3")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 31*time.Second)
		defer cancel()
		r, err := Execute(ctx, p, env)
		if err != nil {
			t.Fatal(err)
		}
		run := r.Cases[0].Runs[0]
		if n := run.Counts.Due; len(r.Cases[0].Runs) != 1 || n < 2950 || n > 3010 || run.Counts.Delivered != n || !run.Partial || !r.Partial || !r.Valid {
			t.Errorf("interrupted after half a minute: %d runs, %+v, partial %v, valid %v", len(r.Cases[0].Runs), run.Counts, r.Partial, r.Valid)
		}
		if n := len(run.Intervals); n < 28 || n > 32 {
			t.Errorf("%d intervals in half a minute", n)
		}
		if left := topics(t, env); len(left) > 0 {
			t.Errorf("topics are left: %v", left)
		}
	})
}

// onBegin is a bench.Live that does something when a run begins.
type onBegin struct {
	Several
	do func(run int)
}

func (o onBegin) Begin(_ *Report, _ *PlannedCase, run, _ int) { o.do(run) }

// A bench that is interrupted before a run's measured stretch has the runs before it, and cleans up.
func TestInterruptedBeforehand(t *testing.T) {
	for _, test := range []struct {
		name  string
		flags []string
		at    int // the run that begins
		runs  int // that were measured
		err   bool
	}{
		{"in the first", []string{"records=100"}, 1, 0, true},
		{"in the second", []string{"records=100", "repeat=3"}, 2, 1, false},
		{"in the warm-up", []string{"rate=100", "duration=1h", "warmup=1h"}, 0, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, env Env) {
				p, err := planOf(test.flags...)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				env.Live = onBegin{do: func(run int) {
					if run == test.at {
						cancel()
					}
				}}
				r, err := Execute(ctx, p, env)
				if errors.Is(err, errInterrupted) != test.err || err != nil && !test.err {
					t.Errorf("error is %v", err)
				}
				if n := len(r.Cases[0].Runs); n != test.runs || !r.Partial || r.Valid == test.err {
					t.Errorf("%d runs, want %d; partial %v, valid %v", n, test.runs, r.Partial, r.Valid)
				}
				if left := topics(t, env); len(left) > 0 {
					t.Errorf("topics are left: %v", left)
				}
			})
		})
	}
}

// A topic that is there is used by whom may use it, and may not make one.
func TestTopicOfOthers(t *testing.T) {
	withCluster(t, func(t *testing.T, env Env, c *kfake.Cluster) {
		client, err := env.Client("test")
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 2, 1, nil, "theirs"); err != nil {
			t.Fatal(err)
		}
		c.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
			for _, topic := range req.(*kmsg.CreateTopicsRequest).Topics {
				answer := kmsg.NewCreateTopicsResponseTopic()
				answer.Topic, answer.ErrorCode = topic.Topic, kerr.TopicAuthorizationFailed.Code
				resp.Topics = append(resp.Topics, answer)
			}
			return resp, nil, true
		})
		execute := func(topic string) (*Report, error) {
			p, err := planOf("records=100", "warmup=0s", "partitions=12")
			if err != nil {
				t.Fatal(err)
			}
			p.Options.Topic = topic
			return Execute(t.Context(), p, env)
		}
		r, err := execute("theirs")
		if err != nil {
			t.Fatal(err)
		}
		const want = "topic theirs was there, with 2 partition(s) and replication factor 1: it was used as it is"
		if got := r.Cases[0]; got.Partitions != 2 || got.ReplicationFactor != 1 || !slices.Equal(got.Runs[0].Warnings, []string{want}) {
			t.Errorf("%d partitions, %d replicas, %q", got.Partitions, got.ReplicationFactor, got.Runs[0].Warnings)
		}
		for _, topic := range []string{"", "new"} {
			if _, err := execute(topic); err == nil || !strings.Contains(err.Error(), "needs the right Create") || strings.Contains(err.Error(), "deleted") {
				t.Errorf("topic %q without the right to make it: %v", topic, err)
			}
		}
		if got := topics(t, env); !slices.Equal(got, []string{"theirs"}) {
			t.Errorf("topics are %v", got)
		}
	})
}

// A cluster that takes nothing does not keep a run going from one timeout to the next.
func TestGivesUp(t *testing.T) {
	inBubble(t, func(t *testing.T, env Env) {
		p, err := planOf("records=1000000", "warmup=0s", "timeout=2s", "consumers=0", "buffer-memory=64KiB")
		if err != nil {
			t.Fatal(err)
		}
		client := env.Client
		env.Client = func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
			if role == "producer" {
				opts = append(opts, kgo.Dialer(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }))
			}
			return client(role, opts...)
		}
		began := time.Now()
		r, err := Execute(t.Context(), p, env)
		if err != nil {
			t.Fatal(err)
		}
		run := &r.Cases[0].Runs[0]
		if run.Counts.Due == 0 || run.Counts.Timeout != run.Counts.Due || r.Valid || !slices.Contains(run.Invalid, "ended early: nothing was delivered for 7s") {
			t.Errorf("%+v, invalid for %q", run.Counts, run.Invalid)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// What was kept can be read again, and every record of it is verified.
func TestReadAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, env Env) {
		execute := func(flags ...string) (*Report, error) {
			p, err := planOf(append(flags, "topic=kept")...)
			if err != nil {
				t.Fatal(err)
			}
			p.Options.KeepTopic = true
			return Execute(t.Context(), p, env)
		}
		if _, err := execute("producers=0"); err == nil || !strings.HasPrefix(err.Error(), `case "throughput", run 1: ask where topic kept starts: `) {
			t.Errorf("reading a topic that is not there: %v", err)
		}
		if _, err := execute("records=1000", "warmup=0s"); err != nil {
			t.Fatal(err)
		}
		r, err := execute("producers=0")
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Cases[0].Runs[0].Counts; n != (Counts{Due: 1000, Delivered: 1000}) || !r.Valid {
			t.Errorf("of 1000 records: %+v", n)
		}
		// A time may end before the topic does.
		r, err = execute("producers=0", "duration=10ms", "fetch-min-bytes=64MiB")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Cases[0].Runs[0]; len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], "ended after 10ms with ") {
			t.Errorf("ten milliseconds of it: %+v, %q", got.Counts, got.Warnings)
		}
		// Of more than there are, those that are; then it is known that no more come.
		r, err = execute("producers=0", "records=2000", "timeout=5s")
		if err != nil {
			t.Fatal(err)
		}
		run := r.Cases[0].Runs[0]
		if n := run.Counts; n != (Counts{Due: 1000, Delivered: 1000}) || !r.Valid || run.Seconds > 1 ||
			!slices.Equal(run.Warnings, []string{"ended with 1000 of 2000 records: no more came for 5s"}) {
			t.Errorf("2000 of 1000 records: %+v, valid %v, in %v s, %q", n, r.Valid, run.Seconds, run.Warnings)
		}
		if got := topics(t, env); len(got) != 1 || got[0] != "kept" {
			t.Errorf("topics are %v, want the one that was to be kept", got)
		}
	})
}

// A cluster that can't be asked is an error, not a figure.
func TestNoCluster(t *testing.T) {
	inBubble(t, func(t *testing.T, env Env) {
		p, err := planOf("records=10")
		if err != nil {
			t.Fatal(err)
		}
		refused := errors.New("refused")
		env.Client = func(string, ...kgo.Opt) (*kgo.Client, error) { return nil, refused }
		r, err := Execute(t.Context(), p, env)
		if !errors.Is(err, refused) || r.Valid {
			t.Errorf("error %v, valid %v", err, r.Valid)
		}
	})
}

// A log that ends with a transaction's marker, which is no record, is read to its end and no longer.
func TestReadTransactions(t *testing.T) {
	inBubble(t, func(t *testing.T, env Env) {
		client, err := env.Client("test", kgo.TransactionalID("t"), kgo.DefaultProduceTopic("transactions"))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "transactions"); err != nil {
			t.Fatal(err)
		}
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), kgo.StringRecord("a"), kgo.StringRecord("b")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		p, err := planOf("producers=0", "topic=transactions")
		if err != nil {
			t.Fatal(err)
		}
		r, err := Execute(t.Context(), p, env)
		if err != nil {
			t.Fatal(err)
		}
		if run := r.Cases[0].Runs[0]; run.Counts != (Counts{Due: 2, Delivered: 2, Foreign: 2}) || len(run.Warnings) > 0 || !r.Valid {
			t.Errorf("%+v, %q, valid %v", run.Counts, run.Warnings, r.Valid)
		}
	})
}
