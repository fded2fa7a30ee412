package collector

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
)

const (
	keepIntervals = 3           // a snapshot older than so many intervals says nothing about now
	firstRetry    = time.Second // after the first failure; doubles up to the interval
	startSpread   = time.Second // within which the first refreshes of all collectors begin
)

// member is one collector of a Set: its goroutine and what it last learnt.
type member struct {
	name     string
	source   Source
	schedule Schedule
	log      *slog.Logger
	account  *Account

	failures int // in a row; belongs to run

	mu      sync.Mutex
	exposed exposition    // of the last snapshot, empty until something was learnt
	taken   time.Time     // when that was learnt; has a monotonic reading
	ended   time.Time     // when the last refresh ended, zero before the first
	ok      bool          // whether it had no error
	took    time.Duration // how long it took
	lastOK  time.Time     // when one last had no error, for its wall clock
}

// run refreshes until ctx ends.
func (m *member) run(ctx context.Context) {
	wait := rand.N(min(m.schedule.Interval, startSpread))
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		start := time.Now()
		err := m.refresh(ctx)
		if ctx.Err() != nil {
			return // what it says of its last breath is not the cluster's state
		}
		m.report(err)
		wait = m.pause(time.Since(start))
	}
}

// refresh asks once and keeps the answer.
func (m *member) refresh(ctx context.Context) error {
	budget, cancel := context.WithTimeout(ctx, m.schedule.Budget)
	defer cancel()
	start := time.Now()
	snapshot, err := m.source.Refresh(budget)
	now := time.Now()
	var exposed exposition
	if snapshot != nil {
		exposed = newExposition(m.source, snapshot)
		m.account.Dropped(snapshot.dropped)
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return err
	}
	if snapshot != nil {
		m.exposed, m.taken = exposed, now
	}
	m.ended, m.ok, m.took = now, err == nil, now.Sub(start)
	if err == nil {
		m.lastOK = now
	}
	return err
}

// report logs the first failure in a row and the recovery; the failures between
// them are what collector_success is for.
func (m *member) report(err error) {
	switch {
	case err == nil && m.failures > 0:
		m.log.Info("collector recovered", "failures", m.failures)
		m.failures = 0
	case err != nil:
		m.failures++
		level := slog.LevelDebug
		if m.failures == 1 {
			level = slog.LevelWarn
		}
		m.log.Log(context.Background(), level, "collector failed", "failures", m.failures, "err", err)
	}
}

// pause returns how long to wait after a refresh that took so long: at least as
// long again, so that a cluster slow to answer is asked less often. A failed
// one is repeated sooner, at most once an interval after a few of them. The
// jitter keeps many probers from asking in step.
func (m *member) pause(took time.Duration) time.Duration {
	interval := m.schedule.Interval
	jitter := 0.95 + 0.1*rand.Float64()
	if m.failures == 0 {
		return max(time.Duration(float64(interval)*jitter)-took, min(took, interval))
	}
	retry := firstRetry
	for i := 1; i < m.failures && retry < interval; i++ {
		retry *= 2
	}
	return time.Duration(float64(min(retry, interval)) * jitter)
}

// view is what a scrape shows of a member.
type view struct {
	counters  []*dto.MetricFamily // counters of the last snapshot; not to be changed
	state     []*dto.MetricFamily // its state while that is recent; not to be changed
	wrong     error               // what is wrong with series of it that are left out
	refreshed bool                // whether a refresh has ended at all
	success   bool                // whether the last one had no error and is recent
	took      time.Duration
	lastOK    time.Time // zero if there was none
}

// view returns what holds at the instant now.
func (m *member) view(now time.Time) view {
	keep := keepIntervals * m.schedule.Interval
	m.mu.Lock()
	defer m.mu.Unlock()
	v := view{refreshed: !m.ended.IsZero(), took: m.took, lastOK: m.lastOK}
	v.success = m.ok && now.Sub(m.ended) <= keep
	v.counters, v.wrong = m.exposed.counters, m.exposed.err
	if now.Sub(m.taken) <= keep {
		v.state = m.exposed.state
	}
	return v
}
