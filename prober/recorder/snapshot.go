package recorder

import (
	"slices"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

// ProbeSnapshot is one probe at one moment, in plain values for the landing page.
type ProbeSnapshot struct {
	Probe                    // its configuration
	Running bool             // an engine is at work, so State means something
	State   ledger.State     // topic and interval are filled in from the configuration if it has none
	Brokers []BrokerSnapshot // every broker that has counts, by topic and node id, then those that the state alone names
}

// BrokerSnapshot is one broker as seen by one probe.
type BrokerSnapshot struct {
	Topic  string
	Broker int32              // node id, or ledger.UnknownBroker
	Counts ledger.Tally       // since the process began; outcomes, in flight and anomalies are of one moment
	State  ledger.BrokerState // known, covered, outstanding; zero but for the id if the engine does not name it
	Recent uint64             // records judged in the last two to four minutes
	P50    time.Duration      // end to end over those, within 3 %; a record not delivered counts with its timeout
	P95    time.Duration      // likewise
	P99    time.Duration      // likewise

	LastDelivered time.Duration // ago; negative if none was delivered yet
}

// Snapshot returns every probe, by cluster, listener and name. Like a scrape it asks each engine.
func (r *Recorder) Snapshot() []ProbeSnapshot {
	now := time.Now()
	var all []ProbeSnapshot
	for _, p := range sorted(r, r.probes) {
		v := p.view()
		snapshot := ProbeSnapshot{Probe: v.settings, Running: v.running, State: v.state}
		for _, t := range v.topics {
			for _, s := range t.brokers {
				b := s.snapshot(now)
				b.Topic = t.name
				b.State = v.broker(s.broker)
				snapshot.Brokers = append(snapshot.Brokers, b)
			}
		}
		snapshot.addUncounted()
		all = append(all, snapshot)
	}
	return all
}

// addUncounted adds the brokers that the engine names and that had no record yet: those that lead no
// partition of the probe, above all.
func (p *ProbeSnapshot) addUncounted() {
	counted := len(p.Brokers)
	for _, state := range p.State.Brokers {
		if !slices.ContainsFunc(p.Brokers[:counted], func(b BrokerSnapshot) bool { return b.Broker == state.Broker }) {
			p.Brokers = append(p.Brokers, BrokerSnapshot{Topic: p.State.Topic, Broker: state.Broker, State: state, LastDelivered: -1})
		}
	}
}

func (s *series) snapshot(now time.Time) BrokerSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent.turn(now)
	last := time.Duration(-1)
	if !s.lastDelivered.IsZero() {
		last = now.Sub(s.lastDelivered)
	}
	return BrokerSnapshot{
		Broker:        s.broker,
		Counts:        s.counts,
		Recent:        s.recent.now.count + s.recent.previous.count,
		P50:           s.recent.quantile(.5),
		P95:           s.recent.quantile(.95),
		P99:           s.recent.quantile(.99),
		LastDelivered: last,
	}
}

// broker returns what the engine says of a broker now.
func (v *view) broker(broker int32) ledger.BrokerState {
	for _, b := range v.state.Brokers {
		if b.Broker == broker {
			return b
		}
	}
	return ledger.BrokerState{Broker: broker}
}
