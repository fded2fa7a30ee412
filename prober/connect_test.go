package prober

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/reach"
)

// reached is a sink that keeps everything.
type reached struct {
	mu       sync.Mutex
	attempts []reach.Attempt
	brokers  []int32
}

func (r *reached) Attempt(a *reach.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = append(r.attempts, *a)
}

func (r *reached) Brokers(ids []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brokers = slices.Clone(ids)
}

// take returns the attempts since the last call, as counts of "broker reason", and the brokers.
func (r *reached) take() (map[string]int, []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[string]int{}
	for _, a := range r.attempts {
		outcome := "ok"
		if !a.OK() {
			outcome = a.Failed.String() + " " + a.Reason
		}
		counts[strconv.Itoa(int(a.Broker))+" "+outcome]++
	}
	r.attempts = nil
	return counts, r.brokers
}

// TestConnectProbe is a day in virtual time: born in an outage, two brokers found, one of them cut off,
// back again, and in the end taken out of the cluster.
func TestConnectProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var vn kfake.VirtualNetwork
		cluster, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.Ports(9092, 9093), kfake.ListenFn(vn.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		var mu sync.Mutex
		cut := map[string]bool{"9092": true, "9093": true}
		set := func(port string, is bool) {
			mu.Lock()
			defer mu.Unlock()
			cut[port] = is
		}
		factory := kafka.NewFactory(kafka.Settings{
			Cluster: "c", BootstrapServers: []string{"127.0.0.1:9092"},
			Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(addr)
				mu.Lock()
				no := cut[port]
				mu.Unlock()
				if no {
					<-ctx.Done()
					return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
				}
				return vn.DialContext(ctx, network, addr)
			},
		}, slog.New(slog.DiscardHandler), nil)
		settings := &ConnectSettings{
			Interval: kind.Duration(10 * time.Second), Timeout: kind.Duration(5 * time.Second), ForgetAfter: kind.Duration(time.Minute),
		}
		if err := settings.Validate(); err != nil {
			t.Fatal(err)
		}
		sink := new(reached)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- settings.Run(ctx, Env{Factory: factory, Reach: sink, Log: slog.New(slog.DiscardHandler)})
		}()
		step := func(name string, d time.Duration, counts map[string][2]int, brokers []int32) {
			t.Helper()
			time.Sleep(d) // virtual: returns when everybody waits
			synctest.Wait()
			got, known := sink.take()
			for key, n := range got {
				if want := counts[key]; n < want[0] || n > want[1] {
					t.Errorf("%s: %d times %q, want %d to %d", name, n, key, want[0], want[1])
				}
			}
			for key, want := range counts {
				if got[key] == 0 && want[0] > 0 {
					t.Errorf("%s: never %q", name, key)
				}
			}
			if !slices.Equal(known, brokers) {
				t.Errorf("%s: brokers %v, want %v", name, known, brokers)
			}
		}
		step("born in an outage", 30*time.Second, map[string][2]int{"-1 dial DIAL_TIMEOUT": {4, 6}}, nil)
		set("9092", false)
		set("9093", false)
		step("found", 7*time.Second, map[string][2]int{"-1 dial DIAL_TIMEOUT": {1, 1}, "0 ok": {1, 1}}, []int32{0, 1})
		sink.take()
		step("all is well", 100*time.Second, map[string][2]int{"0 ok": {9, 11}, "1 ok": {9, 11}}, []int32{0, 1})
		set("9093", true)
		step("one is cut off", 50*time.Second, map[string][2]int{"0 ok": {4, 6}, "1 dial DIAL_TIMEOUT": {4, 6}, "1 ok": {0, 1}}, []int32{0, 1})
		set("9093", false)
		step("back", 30*time.Second, map[string][2]int{"0 ok": {2, 4}, "1 ok": {2, 4}, "1 dial DIAL_TIMEOUT": {0, 1}}, []int32{0, 1})
		if err := cluster.RemoveNode(1); err != nil {
			t.Fatal(err)
		}
		step("taken out, still tried", 50*time.Second, map[string][2]int{"0 ok": {4, 6}, "1 dial UNKNOWN": {4, 6}, "1 ok": {0, 1}}, []int32{0, 1})
		step("forgotten", 30*time.Second, map[string][2]int{"0 ok": {2, 4}, "1 dial UNKNOWN": {0, 3}}, []int32{0})
		step("stays forgotten", 30*time.Second, map[string][2]int{"0 ok": {2, 4}}, []int32{0})
		set("9092", true)
		step("all are silent, bootstrap servers too, and no less often tried", time.Minute,
			map[string][2]int{"0 ok": {0, 1}, "0 dial DIAL_TIMEOUT": {5, 7}}, []int32{0})

		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestConnectSettings(t *testing.T) {
	t.Parallel()
	second := kind.Duration(time.Second)
	for name, test := range map[string]struct {
		settings ConnectSettings
		want     string
	}{
		"too often":      {ConnectSettings{Interval: second / 2, Timeout: second / 2, ForgetAfter: second}, "interval: must be at least 1s, is 500ms: each attempt costs a broker a TLS handshake and an authentication"},
		"over the next":  {ConnectSettings{Interval: second, Timeout: 2 * second, ForgetAfter: second}, "timeout: must be from 100ms to the interval of 1s, is 2s"},
		"forgotten soon": {ConnectSettings{Interval: 2 * second, Timeout: second, ForgetAfter: second}, "forget_after: must not be below the interval of 2s, is 1s"},
	} {
		if err := test.settings.Validate(); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}
