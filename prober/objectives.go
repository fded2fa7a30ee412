package prober

import (
	"errors"
	"slices"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// SLO is what a probe's records are to achieve, in its configuration.
type SLO struct {
	Objective float64       `yaml:"objective" help:"share of records that are to be good, above 0 and below 1"`
	Latency   kind.Duration `yaml:"latency" help:"end-to-end latency up to which a record is good"`
}

// Thresholds are the limits of a probe's signals, in its configuration.
type Thresholds struct {
	EndToEnd Limits `yaml:"end_to_end" help:"limits of the 95th percentile of end_to_end_latency_seconds"`
}

// Limits are the values from which an alert warns and pages.
type Limits struct {
	Warning  kind.Duration `yaml:"warning" help:"from which to warn"`
	Critical kind.Duration `yaml:"critical" help:"from which to page"`
}

// defaultSLO and defaultThresholds make a fresh install page.
var (
	defaultSLO        = SLO{Objective: 0.999, Latency: kind.Duration(200 * time.Millisecond)}
	defaultThresholds = Thresholds{EndToEnd: Limits{
		Warning:  kind.Duration(100 * time.Millisecond),
		Critical: kind.Duration(500 * time.Millisecond),
	}}
)

func (s SLO) validate(timeout kind.Duration) error {
	var errs []error
	if s.Objective <= 0 || s.Objective >= 1 {
		errs = append(errs, kind.Errorf("objective", "must be above 0 and below 1, is %v", s.Objective))
	}
	if s.Latency <= 0 || s.Latency >= timeout {
		errs = append(errs, kind.Errorf("latency", "must be above 0 and below the timeout of %s, is %s", timeout, s.Latency))
	}
	return errors.Join(errs...)
}

func (l Limits) validate(timeout kind.Duration) error {
	return errors.Join(
		limit("warning", l.Warning, timeout),
		limit("critical", l.Critical, timeout),
	)
}

// limit refuses a threshold that no quantile can reach. What is not delivered is observed at the timeout,
// and a classic histogram shows it somewhere above the last bound below that.
func limit(key string, value, timeout kind.Duration) error {
	if value <= 0 {
		return kind.Errorf(key, "must be above 0, is %s", value)
	}
	if value >= timeout {
		return kind.Errorf(key, "must be below the timeout of %s, is %s: no record counts as later than that", timeout, value)
	}
	if highest := largestBoundBelow(time.Duration(timeout)); time.Duration(value) > highest {
		return kind.Errorf(key, "must be at most %s, the largest bound of the classic histogram below the timeout of %s, is %s",
			kind.Duration(highest), timeout, value)
	}
	return nil
}

// largestBoundBelow returns the largest classic bound below d.
func largestBoundBelow(d time.Duration) time.Duration {
	for _, b := range slices.Backward(ledger.LatencyBounds[:]) {
		if bound := time.Duration(b * float64(time.Second)); bound < d {
			return bound
		}
	}
	return d
}

// list returns the limits of a signal as thresholds.
func (l Limits) list(signal string) []Threshold {
	return []Threshold{
		{Signal: signal, Severity: "warning", Value: time.Duration(l.Warning)},
		{Signal: signal, Severity: "critical", Value: time.Duration(l.Critical)},
	}
}
