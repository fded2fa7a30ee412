package main

import (
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-prober/kafka_prober/internal/config"
)

// pair is a cluster with two probes; %INTERVAL% is the interval of the one that changes.
const pair = `
clusters:
  - name: prod
    bootstrap_servers: %SERVERS%
    probes:
      - {kind: steady, name: same, interval: 250ms, topic: kafka-prober-same-internal}
      - {kind: steady, name: changed, interval: %INTERVAL%, topic: kafka-prober-changed-internal}
`

func pairWith(interval string) string { return strings.ReplaceAll(pair, "%INTERVAL%", interval) }

// startPair runs a daemon with both probes until they deliver. It returns its file, and what reads that again.
func startPair(t *testing.T, c *kfake.Cluster) (d *daemon, path string, load func() (*config.Config, error)) {
	t.Helper()
	path = writeConfig(t, c, pairWith("100ms"))
	load = func() (*config.Config, error) { return config.Load(path, kinds) }
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	d = newDaemon(cfg, slog.New(slog.DiscardHandler))
	t.Cleanup(d.close)
	if err := d.apply(cfg); err != nil {
		t.Fatal(err)
	}
	await(t, 10*time.Second, "both probes to deliver", func() bool {
		return delivered(d, "same") > 0 && delivered(d, "changed") > 0
	})
	return d, path, load
}

// TestReloadLeavesAlone changes one of two probes: the other goes on as if nothing had happened.
func TestReloadLeavesAlone(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1)
	d, path, load := startPair(t, c)
	before := due(d, "changed")
	same, changed := runningProbe(d, "same"), runningProbe(d, "changed")

	rewriteConfig(t, path, c, pairWith("50ms"))
	reloaded := make(chan error, 1)
	began := time.Now()
	go func() { reloaded <- d.reload(load) }()
	const interval, window = 250 * time.Millisecond, 3 * time.Second
	first := due(d, "same")
	gap, last := watchCounter(t, window, func() uint64 { return due(d, "same") })
	if err := <-reloaded; err != nil {
		t.Fatal(err)
	}
	if runningProbe(d, "same") != same {
		t.Error("the probe that did not change was started again")
	}
	if runningProbe(d, "changed") == changed {
		t.Error("the probe that changed was not started again")
	}
	t.Logf("longest time without a record due: %v, of an interval of %v", gap.Round(time.Millisecond), interval)
	// Two neighbours of the random schedule are less than two intervals apart; the sender may wake up late.
	if limit := 2*interval + 50*time.Millisecond; gap >= limit {
		t.Errorf("nothing was due for %v, want less than %v", gap, limit)
	}
	if least := uint64(time.Since(began)/interval) - 2; last-first < least {
		t.Errorf("%d records were due, want at least %d", last-first, least)
	}
	if now := due(d, "changed"); now < before {
		t.Errorf("counter of the changed probe fell from %d to %d", before, now)
	}
	await(t, 10*time.Second, "the changed probe's interval", func() bool {
		for _, s := range d.recorder.Snapshot() {
			if s.Name == "changed" && s.State.Interval == 50*time.Millisecond {
				return true
			}
		}
		return false
	})
}

// watchCounter follows a counter and returns its last value and the longest time for which it certainly
// did not move: from after the first look that found a value to before the last one. A test that gets no
// processor so sees a shorter time, never a longer one.
func watchCounter(t *testing.T, window time.Duration, read func() uint64) (longest time.Duration, last uint64) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	last = read()
	since := time.Now()
	for end := since.Add(window); ; <-tick.C {
		looked := time.Now()
		now := read()
		switch {
		case now < last:
			t.Fatalf("counter fell from %d to %d", last, now)
		case now > last:
			last, since = now, time.Now()
		default:
			longest = max(longest, looked.Sub(since))
		}
		if looked.After(end) {
			return longest, last
		}
	}
}

// TestReloadOfClusterAndProbe changes how a cluster is reached and takes a probe away at once: the series of that
// probe end, those of the other go on.
func TestReloadOfClusterAndProbe(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1)
	d, path, load := startPair(t, c)
	before := due(d, "same")
	cluster, _, _ := strings.Cut(strings.Replace(pair, "    probes:", "    client_id: another\n    probes:", 1), "      - {kind: steady, name: changed")
	rewriteConfig(t, path, c, cluster)
	if err := d.reload(load); err != nil {
		t.Fatal(err)
	}
	for _, s := range d.recorder.Snapshot() {
		if s.Name == "changed" {
			t.Errorf("the probe that is gone is still shown: %+v", s)
		}
	}
	if after := due(d, "same"); after < before {
		t.Errorf("counter of the probe that stays fell from %d to %d", before, after)
	}
}

// runningProbe returns what runs as a probe of the cluster prod.
func runningProbe(d *daemon, name string) *probe {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clusters[way{"prod", "default"}].probes[name]
}

func due(d *daemon, probe string) (n uint64) {
	for _, s := range d.recorder.Snapshot() {
		for _, b := range s.Brokers {
			if s.Name == probe {
				n += b.Counts.Due
			}
		}
	}
	return n
}

func delivered(d *daemon, probe string) (n uint64) {
	for _, s := range d.recorder.Snapshot() {
		for _, b := range s.Brokers {
			if s.Name == probe && b.LastDelivered >= 0 {
				n++
			}
		}
	}
	return n
}

// TestReloadOfProcess is the same from outside: by signal and by HTTP, with good files and bad ones.
func TestReloadOfProcess(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1)
	path := writeConfig(t, c, pairWith("100ms"))
	d := startDaemon(t, "--config.file="+path, "--web.enable-lifecycle")
	interval := func(probe string) float64 {
		return sum(d.scrape(t), "kafka_prober_probe_interval_seconds", map[string]string{"probe": probe})
	}
	successful := func() float64 { return sum(d.scrape(t), "kafka_prober_config_last_reload_successful", nil) }
	dueBy := func() float64 {
		all := d.scrape(t)
		checkScrape(t, all)
		return sum(all, "kafka_prober_records_due_total", map[string]string{"probe": "same"})
	}
	await(t, 10*time.Second, "records due", func() bool { return dueBy() > 0 })
	before := dueBy()

	rewriteConfig(t, path, c, pairWith("200ms"))
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, 10*time.Second, "the new interval after SIGHUP", func() bool { return interval("changed") == .2 })
	if got := successful(); got != 1 {
		t.Errorf("config_last_reload_successful %v after a good file, want 1", got)
	}

	rewriteConfig(t, path, c, strings.ReplaceAll(pairWith("300ms"), "interval:", "intervall:"))
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, 10*time.Second, "the bad file to show", func() bool { return successful() == 0 })
	if got := interval("changed"); got != .2 {
		t.Errorf("interval %v after a bad file, want the old one", got)
	}
	status, body := request(t, http.MethodPost, d.base+"/-/reload")
	if want := `unknown key, did you mean "interval"?`; status != http.StatusInternalServerError || !strings.Contains(string(body), want) {
		t.Errorf("POST /-/reload of a bad file: status %d, %s; want 500 and %q", status, body, want)
	}

	rewriteConfig(t, path, c, pairWith("300ms"))
	if status, body := request(t, http.MethodPost, d.base+"/-/reload"); status != http.StatusOK {
		t.Errorf("POST /-/reload: status %d: %s", status, body)
	}
	await(t, 10*time.Second, "the new interval after POST", func() bool { return interval("changed") == .3 && successful() == 1 })
	if after := dueBy(); after <= before {
		t.Errorf("records due went from %v to %v over three reloads", before, after)
	}
	d.terminate(t)
}

// TestReloadRefused: over HTTP unless switched on, and where there is no file.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1)
	path := writeConfig(t, c, pairWith("100ms"))
	status, body := request(t, http.MethodPost, serveHere(t, "--config.file="+path)+"/-/reload")
	if want := "Start kafka_prober with --web.enable-lifecycle, or send it SIGHUP."; status != http.StatusForbidden || !strings.Contains(string(body), want) {
		t.Errorf("status %d, %s; want 403 and %q", status, body, want)
	}
	status, body = request(t, http.MethodPost, serveHere(t, servers(c), "--web.enable-lifecycle")+"/-/reload")
	if want := "there is no configuration file to read: kafka_prober was started without --config.file"; status != http.StatusInternalServerError || !strings.Contains(string(body), want) {
		t.Errorf("status %d, %s; want 500 and %q", status, body, want)
	}
}
