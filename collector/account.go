package collector

import (
	"log/slog"
	"maps"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// Account is what one collector says of its own work, beside its snapshots: which part of a refresh
// failed, what it left out, which signals the cluster does not give. Set makes one for each collector
// and exports it. Safe for concurrent use.
type Account struct {
	log     *slog.Logger
	signals *signals

	mu      sync.Mutex
	failed  map[failedPart]float64 // since the start of this process
	dropped float64                // series left out, added up over all refreshes
}

// failedPart is a broker, or "" for the cluster as a whole, and a reason as named by kafka.Reason.
type failedPart struct{ broker, reason string }

func newAccount(log *slog.Logger, signals *signals) *Account {
	return &Account{log: log, signals: signals, failed: make(map[failedPart]float64)}
}

// Failed counts a part of a refresh that failed while the rest goes on: of this broker, or of the
// cluster as a whole if broker is negative. It takes the error instead of whoever returns or logs it.
func (a *Account) Failed(broker int32, err error) { a.FailedAs(broker, kafka.Reason(err), err) }

// FailedAs is Failed for an error that has a name of its own, one of a closed set.
func (a *Account) FailedAs(broker int32, reason string, err error) {
	part := failedPart{reason: reason}
	if broker >= 0 {
		part.broker = strconv.Itoa(int(broker))
	}
	a.mu.Lock()
	a.failed[part]++
	a.mu.Unlock()
	a.log.Debug("part of a refresh failed", "broker", part.broker, "reason", part.reason, "err", err)
}

// forget ends the counts of a broker that has left for good.
func (a *Account) forget(broker int32) {
	label := strconv.Itoa(int(broker))
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.failed, func(part failedPart, _ float64) bool { return part.broker == label })
}

// Dropped counts series that a refresh left out to keep to its cap.
func (a *Account) Dropped(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dropped += float64(n)
}

// Available notes that the cluster gives the signal.
func (a *Account) Available(signal string) { a.signals.set(signal, true) }

// Unavailable notes that the cluster does not give the signal: it refuses it for want of the right, or
// its version does not know it. Either is logged once for all collectors, until the signal is back.
func (a *Account) Unavailable(signal string, right kind.Right, err error) {
	was, known := a.signals.set(signal, false)
	switch {
	case known && !was:
	case refused(err):
		a.log.Warn("right is missing, the collector does without the signal", "signal", signal, "right", right.String(), "err", err)
	default:
		a.log.Info("cluster does not know the signal", "signal", signal, "err", err)
	}
}

// refused tells whether the cluster knows the request but does not grant it.
func refused(err error) bool {
	switch kafka.Reason(err) {
	case kerr.ClusterAuthorizationFailed.Message, kerr.TopicAuthorizationFailed.Message, kerr.GroupAuthorizationFailed.Message:
		return true
	}
	return false
}

// unsupported tells whether the cluster does not know the request at all.
func unsupported(err error) bool { return kafka.Reason(err) == kerr.UnsupportedVersion.Message }

// withheld tells whether asking again is of no use, as the cluster does not want or know to answer.
func withheld(err error) bool { return refused(err) || unsupported(err) }

// signalDesc describes whether a signal is there, of the cluster as a whole or of one broker.
func (e Env) signalDesc() *prometheus.Desc {
	return e.Desc("signal_available", "Whether the cluster, or this broker, gives what is asked for; 0 where a right is missing or it does not know it. broker is empty for the cluster as a whole.", "broker", "signal")
}

// accountDescs are the series of all accounts of a Set.
type accountDescs struct{ failed, dropped *prometheus.Desc }

func newAccountDescs(env Env) accountDescs {
	return accountDescs{
		failed:  env.Desc("collector_partial_errors_total", "Parts of refreshes that failed while the rest went on; broker is empty where no single one is to blame.", "collector", "broker", "reason"),
		dropped: env.Desc("series_dropped_total", "Series that a collector left out to keep to max_series, added up over its refreshes.", "collector"),
	}
}

func (d accountDescs) describe(ch chan<- *prometheus.Desc) {
	ch <- d.failed
	ch <- d.dropped
}

// metrics returns the series of one collector's account.
func (a *Account) metrics(d accountDescs, collector string) []prometheus.Metric {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := []prometheus.Metric{constMetric(d.dropped, prometheus.CounterValue, a.dropped, []string{collector})}
	for part, n := range a.failed {
		all = append(all, constMetric(d.failed, prometheus.CounterValue, n, []string{collector, part.broker, part.reason}))
	}
	return all
}
