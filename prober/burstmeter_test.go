package prober

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// nowhere is a sink that forgets all.
type nowhere struct{}

func (nowhere) Series(string, int32) ledger.Series { return nowhere{} }
func (nowhere) Watch(func() ledger.State)          {}
func (nowhere) Count(*ledger.Tally)                {}
func (nowhere) Observe(*ledger.Batch)              {}

// told returns what the meter says.
func told(m *burstMeter) *ledger.Bursts {
	var s ledger.State
	m.add(&s)
	return s.Bursts
}

// TestBurstMeter follows bursts of four records, 20 MB/s each, to two brokers.
func TestBurstMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newBurstMeter(nowhere{}, schedule.Burst{Slots: 4, Spacing: time.Millisecond}, 20_000)
		s := m.Series("t", 1)
		send := func(s ledger.Series, n int) {
			s.Count(&ledger.Tally{Due: uint64(n), InFlight: int64(n)})
		}
		judge := func(s ledger.Series, o ledger.Outcome, n int) {
			tally := ledger.Tally{InFlight: -int64(n)}
			tally.Outcomes[o] = uint64(n)
			s.Count(&tally)
		}
		if b := told(m); b.Heavy || len(b.Last) > 0 {
			t.Errorf("before the first burst: %+v", b)
		}

		send(s, 3)
		time.Sleep(5 * time.Millisecond)
		judge(s, ledger.Delivered, 3) // a pause inside of a burst is not its end
		if b := told(m); !b.Heavy || len(b.Last) > 0 {
			t.Errorf("inside of a burst of 20 MB/s: %+v", b)
		}
		send(s, 1)
		time.Sleep(5 * time.Millisecond)
		judge(s, ledger.Delivered, 1)
		want := ledger.BurstRun{Broker: 1, Delivered: 4, Bytes: 80_000, Took: 10 * time.Millisecond, Success: true, Ended: time.Now()}
		if b := told(m); b.Heavy || len(b.Last) != 1 || b.Last[0] != want {
			t.Errorf("after a burst: %+v, want %+v", b, want)
		}

		time.Sleep(time.Minute)
		other := m.Series("t", 0)
		send(s, 4)
		send(other, 4)
		judge(s, ledger.Delivered, 3)
		judge(other, ledger.Delivered, 4)
		time.Sleep(30 * time.Second)
		judge(s, ledger.Timeout, 1)
		b := told(m)
		if len(b.Last) != 2 || b.Last[0].Broker != 0 || !b.Last[0].Success ||
			b.Last[1].Success || b.Last[1].Took != 30*time.Second || b.Last[1].Delivered != 3 {
			t.Errorf("after a burst of which a record timed out: %+v", b)
		}

		// What was skipped, or cut short by a new leader, says nothing of the broker.
		before := b.Last[1]
		time.Sleep(time.Minute)
		send(s, 4)
		judge(s, ledger.Skipped, 4)
		time.Sleep(time.Minute)
		send(s, 2)
		judge(s, ledger.Delivered, 2)
		if b := told(m); !b.Heavy {
			t.Errorf("a burst that is cut short has begun: %+v", b)
		}
		time.Sleep(2 * time.Second)
		if b := told(m); b.Heavy || b.Last[1] != before {
			t.Errorf("after two bursts that don't count: %+v, want %+v still", b, before)
		}
		send(s, 2) // nobody asks between this one and the next
		judge(s, ledger.Delivered, 2)
		time.Sleep(time.Minute)
		send(s, 4)
		judge(s, ledger.Delivered, 4)
		if b := told(m); b.Last[1] == before || !b.Last[1].Success || b.Last[1].Took > time.Second || b.Last[1].Delivered != 4 {
			t.Errorf("after a burst that counts again: %+v", b.Last)
		}
	})
}

// Bursts of brokers that are gone are told of for a while, and those of before any was known until one is.
func TestBurstsOfBrokersThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newBurstMeter(nowhere{}, schedule.Burst{Slots: 1, Spacing: time.Millisecond}, 100)
		for _, broker := range []int32{ledger.UnknownBroker, 1, 2} {
			s := m.Series("t", broker)
			s.Count(&ledger.Tally{Due: 1, InFlight: 1})
			judged := ledger.Tally{InFlight: -1}
			judged.Outcomes[ledger.Timeout] = 1
			s.Count(&judged)
		}
		brokers := func(known ...int32) (told []int32) {
			var s ledger.State
			for _, id := range known {
				s.Brokers = append(s.Brokers, ledger.BrokerState{Broker: id, Known: true})
			}
			m.add(&s)
			for _, b := range s.Bursts.Last {
				told = append(told, b.Broker)
			}
			return told
		}
		if got := brokers(); !slices.Equal(got, []int32{ledger.UnknownBroker, 1, 2}) {
			t.Errorf("before any broker is known: bursts of %v", got)
		}
		if got := brokers(1); !slices.Equal(got, []int32{1, 2}) {
			t.Errorf("where one is known, and one was of late: bursts of %v", got)
		}
		time.Sleep(2 * time.Hour)
		if got := brokers(1); !slices.Equal(got, []int32{1}) {
			t.Errorf("where one has been gone for two hours: bursts of %v", got)
		}
	})
}

// Bursts by default are not to be felt.
func TestDefaultBurstsAreLight(t *testing.T) {
	k, _ := Kinds.Get("burst")
	s := k.New().(*BurstSettings)
	m := newBurstMeter(nowhere{}, s.burst(), int(s.Size))
	for broker := range int32(3) {
		m.Series("t", broker).Count(&ledger.Tally{Due: 1, InFlight: 1})
	}
	if told(m).Heavy {
		t.Error("bursts by default mute alerts")
	}
}
