package collector_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// scripted is a collector whose refresh is a function of the test's.
type scripted struct {
	schedule collector.Schedule
	refresh  func(ctx context.Context, s *collector.Snapshot) error // with an error nothing was learnt
	fail     error                                                  // of New
	closed   int
	running  bool // whether a refresh is under way; Set must not close then

	env          collector.Env
	state, total *prometheus.Desc
}

var (
	_ collector.Settings = (*scripted)(nil)
	_ collector.Source   = (*scripted)(nil)
)

func (s *scripted) Validate() error              { return nil }
func (s *scripted) Schedule() collector.Schedule { return s.schedule }

func (s *scripted) Close() {
	if s.running {
		panic("closed during a refresh")
	}
	s.closed++
}

func (s *scripted) New(env collector.Env) (collector.Source, error) {
	s.env = env
	s.state = env.Desc("state", "A state.", "name")
	s.total = env.Desc("total_total", "A total.")
	return s, s.fail
}

func (s *scripted) Describe(ch chan<- *prometheus.Desc) {
	ch <- s.state
	ch <- s.total
}

func (s *scripted) Refresh(ctx context.Context) (*collector.Snapshot, error) {
	s.running = true
	defer func() { s.running = false }()
	snapshot := new(collector.Snapshot)
	if err := s.refresh(ctx, snapshot); err != nil {
		return nil, err
	}
	return snapshot, nil
}

// start runs a scripted collector without any Kafka.
func start(t *testing.T, log *slog.Logger, s *scripted) *collector.Set {
	t.Helper()
	set, err := collector.NewSet(newEnv(new(network), log), []collector.Member{{Name: "scripted", Settings: s}})
	if err != nil {
		t.Fatal(err)
	}
	set.Start(t.Context())
	return set
}

var errBroken = errors.New("broken")

var quiet = slog.New(slog.DiscardHandler)

// State that nobody has confirmed for three intervals is not exported, counters
// are; and the collector does not call itself successful.
func TestSnapshotExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		s := &scripted{schedule: collector.Schedule{Interval: 10 * time.Second}}
		s.refresh = func(_ context.Context, snapshot *collector.Snapshot) error {
			snapshot.Gauge(s.state, 7, "\xffa")
			snapshot.Counter(s.total, 8)
			if broken.Load() {
				return errBroken
			}
			return nil
		}
		set := start(t, quiet, s)
		defer set.Close()
		fresh := lines(`collector_success{collector="scripted"} %d`, `state{name="�a"} 7`, `total_total{} 8`)

		time.Sleep(started)
		wantSeries(t, set, "at first", fmt.Sprintf(fresh, 1), "state", "total", "collector_success")
		ok := lastSuccess(t, set)

		broken.Store(true)
		time.Sleep(10 * time.Second)
		wantSeries(t, set, "failed once", fmt.Sprintf(fresh, 0), "state", "total", "collector_success")
		time.Sleep(15 * time.Second)
		wantSeries(t, set, "for two intervals", fmt.Sprintf(fresh, 0), "state", "total", "collector_success")
		time.Sleep(10 * time.Second)
		wantSeries(t, set, "for three intervals", lines(`collector_success{collector="scripted"} 0`, `total_total{} 8`), "state", "total", "collector_success")
		if lastSuccess(t, set) != ok {
			t.Error("the last success is not the first refresh")
		}

		broken.Store(false)
		time.Sleep(15 * time.Second)
		wantSeries(t, set, "recovered", fmt.Sprintf(fresh, 1), "state", "total", "collector_success")
		if lastSuccess(t, set) <= ok {
			t.Error("the last success did not move on")
		}
	})
}

// A refresh that does not come back leaves no success behind.
func TestRefreshThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		refreshes := 0
		s := &scripted{schedule: collector.Schedule{Interval: 10 * time.Second}}
		s.refresh = func(_ context.Context, snapshot *collector.Snapshot) error {
			if refreshes++; refreshes > 1 {
				<-release // ignores its context
			}
			snapshot.Gauge(s.state, 7, "a")
			return nil
		}
		set := start(t, quiet, s)
		defer set.Close()
		defer close(release)
		time.Sleep(started + 20*time.Second)
		wantSeries(t, set, "two intervals", lines(`collector_success{collector="scripted"} 1`, `state{name="a"} 7`), "state", "collector_success")
		time.Sleep(20 * time.Second)
		wantSeries(t, set, "four intervals", `collector_success{collector="scripted"} 0`, "state", "collector_success")
	})
}

func TestScheduleAndBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var mu sync.Mutex
		var starts []time.Time
		var broken atomic.Bool
		s := &scripted{schedule: collector.Schedule{Interval: 10 * time.Second, Budget: 4 * time.Second}}
		s.refresh = func(ctx context.Context, _ *collector.Snapshot) error {
			mu.Lock()
			starts = append(starts, time.Now())
			mu.Unlock()
			if !broken.Load() {
				return nil
			}
			<-ctx.Done() // uses all of its budget
			return errBroken
		}
		set := start(t, slog.New(slog.NewTextHandler(&out, nil)), s)
		defer set.Close()

		gaps := func() (gaps []time.Duration) { // between the refreshes since the last call
			mu.Lock()
			defer mu.Unlock()
			for i := range starts[1:] {
				gaps = append(gaps, starts[i+1].Sub(starts[i]))
			}
			starts = nil
			return gaps
		}

		time.Sleep(time.Minute)
		steady := gaps()
		if n := len(steady); n < 5 || n > 6 {
			t.Errorf("%d refreshes in a minute at an interval of 10s", n+1)
		}
		for _, gap := range steady {
			if gap < 9500*time.Millisecond || gap > 10500*time.Millisecond {
				t.Errorf("refreshes %v apart, want 10s", gap)
			}
		}

		broken.Store(true)
		time.Sleep(90 * time.Second)
		retries := gaps()
		for i, want := range []time.Duration{5, 6, 8, 12, 14} { // the budget, then 1, 2, 4, 8, 10 s
			gap := retries[i]
			if slack := time.Second / 2; gap < want*time.Second-slack || gap > want*time.Second+slack {
				t.Errorf("retry %d came after %v, want %ds", i, gap, want)
			}
		}

		broken.Store(false)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		got := out.String()
		if strings.Count(got, "collector failed") != 1 || strings.Count(got, "collector recovered") != 1 ||
			!strings.Contains(got, `level=WARN msg="collector failed" kafka_cluster=prod listener=default collector=scripted failures=1 err=broken`) {
			t.Errorf("want one line of failure and one of recovery, got\n%s", got)
		}
	})
}

// A collector that takes all of its budget does not keep the others waiting.
func TestCollectorsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1)
		defer cluster.Close()
		slow := &scripted{schedule: collector.Schedule{Interval: time.Hour}}
		slow.refresh = func(ctx context.Context, _ *collector.Snapshot) error {
			<-ctx.Done()
			return ctx.Err()
		}
		set := newSet(t, nw, collector.Member{Name: "slow", Settings: slow}, brokersMember(t))
		defer set.Close()
		time.Sleep(started)
		wantSeries(t, set, "one is slow", `collector_success{collector="brokers"} 1`, "collector_success")
		if err := slow.env.Client.Ping(t.Context()); err != nil {
			t.Errorf("the shared client does not work: %v", err)
		}
	})
}

// Close ends a refresh that is under way, and nothing is left; the bubble of
// synctest ends only when every goroutine has.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 3)
		defer cluster.Close()
		nw.set(frozen, 0, 1, 2)
		s := &scripted{schedule: collector.Schedule{Interval: time.Minute}}
		s.refresh = func(ctx context.Context, _ *collector.Snapshot) error {
			<-ctx.Done()
			return ctx.Err()
		}
		set := newSet(t, nw, collector.Member{Name: "scripted", Settings: s}, brokersMember(t))
		time.Sleep(started)
		begin := time.Now()
		set.Close()
		set.Close()
		set.Start(t.Context()) // too late
		if took := time.Since(begin); took > time.Second {
			t.Errorf("closing took %v", took)
		}
		if s.closed != 1 {
			t.Errorf("the source was closed %d times", s.closed)
		}
		wantSeries(t, set, "what was cut short says nothing", "", "collector_success")
	})
}

func TestCloseWithoutStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{schedule: collector.Schedule{Interval: time.Minute}}
		set, err := collector.NewSet(newEnv(new(network), quiet), []collector.Member{{Name: "scripted", Settings: s}})
		if err != nil {
			t.Fatal(err)
		}
		set.Close()
		if s.closed != 1 {
			t.Errorf("the source was closed %d times", s.closed)
		}
	})
}

func TestNewSetErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which sees to it that nothing goes on running
		for _, test := range []struct {
			settings kind.Settings
			want     string
		}{
			{probe{}, `make collector "c" of cluster "prod": settings of type collector_test.probe are not a collector's`},
			{&scripted{}, `make collector "c" of cluster "prod": the interval must be above 0`},
			{&scripted{schedule: collector.Schedule{Interval: 1}, fail: errors.New("no such thing")}, `make collector "c" of cluster "prod": no such thing`},
		} {
			_, err := collector.NewSet(newEnv(new(network), quiet), []collector.Member{brokersMember(t), {Name: "c", Settings: test.settings}})
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		}
	})
}

// probe is settings of the other half.
type probe struct{}

func (probe) Validate() error { return nil }

// A metric that is wrong fails alone and by name.
func TestWrongLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{schedule: collector.Schedule{Interval: time.Minute}}
		s.refresh = func(_ context.Context, snapshot *collector.Snapshot) error {
			snapshot.Gauge(s.state, 7)
			return nil
		}
		set := start(t, quiet, s)
		defer set.Close()
		time.Sleep(started)
		_, err := testutil.GatherAndLint(set)
		if err == nil || !strings.Contains(err.Error(), `"kafka_prober_state"`) {
			t.Errorf("got %v, want an error that names kafka_prober_state", err)
		}
	})
}

// Two clusters in one registry: the same series, told apart by their labels.
func TestTwoClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, nw := newCluster(t, 1)
		defer cluster.Close()
		gatherer := collector.NewGatherer(prometheus.NewRegistry())
		for _, name := range []string{"one", "two"} {
			env := newEnv(nw, quiet)
			env.Cluster = name
			set, err := collector.NewSet(env, []collector.Member{brokersMember(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			gatherer.Add(set)
			set.Start(t.Context())
		}
		time.Sleep(started)
		if n, err := testutil.GatherAndCount(gatherer, "kafka_prober_broker_up"); n != 2 || err != nil {
			t.Errorf("%d series, %v, want 2", n, err)
		}
	})
}

// lastSuccess returns the value of that series, in Unix seconds of the fake clock.
func lastSuccess(t *testing.T, set *collector.Set) (unix float64) {
	t.Helper()
	got := series(t, set, "collector_last_success_timestamp_seconds")
	_, value, _ := strings.Cut(got, "} ")
	unix, err := strconv.ParseFloat(value, 64)
	if err != nil || unix < 946684800 || unix > 946771200 { // the first day of the year 2000
		t.Errorf("got %q", got)
	}
	return unix
}
