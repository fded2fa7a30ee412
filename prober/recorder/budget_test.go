package recorder_test

import (
	"testing"

	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// The budget of a broker is 200 series with all defaults, 100 for an agent; both run the steady probe,
// and the probes and collectors to come share what it leaves. Lines of the text format are counted, as
// that is what a Prometheus without native histograms stores.
func TestBudget(t *testing.T) {
	const failuresSeen = 2 // reasons that a broker shows in an outage
	tests := []struct {
		classic            string
		perBroker, atMost  int
		perProbe, probesAt int
	}{
		{recorder.ClassicNone, 35, 100, 26, 50},
		{recorder.ClassicMain, 77, 100, 26, 50},
		{recorder.ClassicAll, 119, 200, 68, 100},
	}
	for _, test := range tests {
		with := func(brokers int32) int {
			r := recorder.New(recorder.Options{Classic: test.classic})
			sink := r.Probe(steady("prod", "steady"))
			var state ledgerState
			for broker := range brokers {
				sink.Series(topic, broker)
				state.add(broker)
			}
			sink.Watch(state.get)
			return len(lines(exposition(t, r)))
		}
		perProbe := with(0)
		perBroker := with(3) - with(2)
		t.Logf("classic %s: %d series per broker (and %d by reason in an outage), %d per probe", test.classic, perBroker, failuresSeen, perProbe)
		if perBroker != test.perBroker || perProbe != test.perProbe {
			t.Errorf("classic %s: %d series per broker and %d per probe, want %d and %d; if that is meant, change the test",
				test.classic, perBroker, perProbe, test.perBroker, test.perProbe)
		}
		if perBroker+failuresSeen > test.atMost || perProbe > test.probesAt {
			t.Errorf("classic %s: %d series per broker and %d per probe are over the budget of %d and %d",
				test.classic, perBroker+failuresSeen, perProbe, test.atMost, test.probesAt)
		}
	}
}
