package collector

import "github.com/kafka-prober/kafka_prober/internal/kind"

// checkTimes returns what is wrong with a collector's interval and with how long it waits for an answer:
// each has a least value, and two rounds of asking must fit into an interval.
func checkTimes(interval, minInterval, timeout, minTimeout kind.Duration) (errs []error) {
	if interval < minInterval {
		errs = append(errs, kind.Errorf("interval", "must be at least %s, is %s", minInterval, interval))
	}
	if timeout < minTimeout {
		errs = append(errs, kind.Errorf("timeout", "must be at least %s, is %s", minTimeout, timeout))
	}
	if timeout > interval/2 {
		errs = append(errs, kind.Errorf("timeout", "must be at most half the interval of %s, is %s", interval, timeout))
	}
	return errs
}
