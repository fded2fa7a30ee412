package ledger_test

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

func TestDuplicates(t *testing.T) {
	tell(t, []chapter{
		{"at another offset", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.read(0, 101)
			s.read(0, 102)
		}, `due=1 delivered=1 duplicate=2
			#0 delivered 8ms @100`},
		{"the same offset again is none", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.read(0, 100)
		}, `due=1 delivered=1
			#0 delivered 8ms @100`},
		{"of a record that is settled and forgotten", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.read(0, 100)
			s.judge(0, 9*ms)
			if !s.Empty() {
				s.t.Error("a settled record is still remembered")
			}
			s.read(0, 101)
		}, `due=1 delivered=1 duplicate=1
			#0 delivered 8ms @100`},
		{"of a record that came late after it was forgotten", func(s *story) {
			s.send(1)
			s.judge(0, fate)
			s.readAt(0, 100, fate+ms)
			s.readAt(0, 101, fate+2*ms)
		}, `due=1 timeout=1 duplicate=1 late=1
			#0 timeout 10s NO_RESPONSE`},
		{"of a record so old that nobody knows", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.refuse(0, false, "") // answered
			s.Skip(s.at(0, 9000*time.Second), ledger.Suspended)
			s.read(0, 101)
		}, `due=9001 delivered=1 skipped=9000 skipped{suspended}=9000 foreign{stale}=1
			#0 delivered 8ms @100`},
		{"read again after the log was cut is none", func(s *story) {
			s.send(2)
			s.read(0, 100)
			s.read(1, 101)
			s.Truncated(100)
			s.read(1, 100) // the producer tried again, on the new leader
			s.read(0, 101)
			s.ack(1, 100)
			s.ack(0, 101)
		}, `due=2 delivered=2 rewind=1
			#0 delivered 8ms @100
			#1 delivered 8ms @101`},
		{"read again from an earlier offset is none", func(s *story) {
			s.send(3)
			s.read(0, 100)
			s.read(1, 101)
			s.Reading(100)
			s.read(0, 100)
			s.read(1, 101)
			s.read(2, 102)
			s.read(2, 103)
		}, `due=3 delivered=3
			#0 delivered 8ms @100
			#1 delivered 8ms @101
			#2 delivered 8ms @102`},
		{"of a record that was due after the log was cut", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.Truncated(100)
			s.send(1)
			s.read(1, 100)
			s.read(1, 101)
		}, `due=2 delivered=2 duplicate=1 rewind=1
			#0 delivered 8ms @100
			#1 delivered 8ms @100`},
	})
}

func TestReordered(t *testing.T) {
	const want = `due=2 delivered=2 reordered=1
		#0 delivered 8ms @101
		#1 delivered 8ms @100`
	const inOrder = `due=2 delivered=2
		#0 delivered 8ms @101
		#1 delivered 8ms @100`
	acks := func(s *story, order ...uint64) {
		for _, seq := range order {
			s.ack(seq, 101-int64(seq))
		}
	}
	tell(t, []chapter{
		{"acknowledged before they are read", func(s *story) {
			s.send(2)
			acks(s, 1, 0)
			s.Read(1, 100, producer, s.at(1, 8*ms))
			s.Read(0, 101, producer, s.at(0, 8*ms))
		}, want},
		{"acknowledged in order afterwards", func(s *story) {
			s.send(2)
			s.read(1, 100)
			s.read(0, 101)
			acks(s, 0, 1)
		}, want},
		{"acknowledged out of order afterwards", func(s *story) {
			s.send(2)
			s.read(1, 100)
			s.read(0, 101)
			acks(s, 1, 0)
		}, want},
		{"the later one acknowledged in between", func(s *story) {
			s.send(2)
			s.read(1, 100)
			acks(s, 1)
			s.read(0, 101)
			acks(s, 0)
		}, want},
		{"the later one acknowledged after the earlier one is forgotten", func(s *story) {
			s.send(2)
			s.read(1, 100)
			s.read(0, 101)
			acks(s, 0)
			s.judge(1, 9*ms)
			acks(s, 1)
		}, want},
		{"acknowledged after another producer epoch began", func(s *story) {
			s.send(3)
			s.read(1, 100)
			s.read(0, 101)
			s.Read(2, 102, ledger.Producer{ID: 7, Epoch: 2}, s.at(2, 8*ms))
			acks(s, 0, 1)
		}, `due=3 delivered=3 reordered=1
			#0 delivered 8ms @101
			#1 delivered 8ms @100
			#2 delivered 8ms @102`},
		{"not of two producer epochs", func(s *story) {
			s.send(2)
			s.Read(1, 100, ledger.Producer{ID: 7, Epoch: 2}, s.at(1, 8*ms))
			s.Read(0, 101, producer, s.at(0, 8*ms))
			acks(s, 0, 1)
		}, inOrder},
		{"not if the earlier one is not acknowledged", func(s *story) {
			s.send(2)
			s.read(1, 100)
			s.read(0, 101)
			acks(s, 1)
			s.refuse(0, false, "REQUEST_TIMED_OUT")
			s.judge(1, fate)
		}, inOrder},
		{"not if the later one is not acknowledged, when that is forgotten", func(s *story) {
			s.send(2)
			s.read(1, 100)
			s.read(0, 101)
			s.refuse(1, false, "REQUEST_TIMED_OUT")
			s.judge(1, 9*ms) // nothing leaves: the earlier one has no answer
			s.judge(1, fate)
			acks(s, 0)
		}, inOrder},
		{"not on both sides of a cut", func(s *story) {
			s.send(2)
			s.read(1, 101)
			s.Truncated(100)
			s.read(0, 100) // what the old leader had there was not this
			acks(s, 0, 1)
		}, `due=2 delivered=2 rewind=1
			#0 delivered 8ms @100
			#1 delivered 8ms @101`},
		{"once for each record that was overtaken", func(s *story) {
			s.send(4)
			s.read(3, 100)
			s.read(1, 101)
			s.read(0, 102)
			s.read(2, 103)
			for seq := range uint64(4) {
				s.ack(seq, 100)
			}
		}, `due=4 delivered=4 reordered=3
			#0 delivered 8ms @102
			#1 delivered 8ms @101
			#2 delivered 8ms @103
			#3 delivered 8ms @100`},
	})
}

// Sequences that a real cluster can produce, and that tempt to a wrong conclusion.
func TestTemptations(t *testing.T) {
	tell(t, []chapter{
		{"unclean election: acknowledged and read, then cut; written anew before the reader knows", func(s *story) {
			s.send(2)
			for seq := range uint64(2) {
				s.ack(seq, 100+int64(seq))
				s.read(seq, 100+int64(seq))
			}
			s.send(1)
			s.ack(2, 100) // by the new leader, whose log ended at 100
			s.Truncated(100)
			s.read(2, 100)
			s.judge(2, timeout)
		}, `due=3 delivered=3 acknowledged_lost=1 rewind=1
			#0 delivered 8ms @100
			#1 delivered 8ms @101
			#2 delivered 8ms @100`},
		{"unclean election: acknowledged and not yet read, then gone, and others in their place", func(s *story) {
			s.send(4)
			s.ack(0, 100)
			s.read(0, 100)
			s.ack(1, 101)
			s.ack(2, 102)
			s.Truncated(100)
			s.read(3, 100)
			s.ack(3, 100)
			s.Passed(102)
			s.Passed(200)
		}, `due=4 delivered=2 lost=2 acknowledged_lost=3 rewind=1
			#0 delivered 8ms @100
			#1 lost 10s @101
			#2 lost 10s @102
			#3 delivered 8ms @100`},
		{"said to be cut, and read again where it was", func(s *story) {
			s.send(3)
			for seq := range uint64(3) {
				s.ack(seq, 100+int64(seq))
				s.read(seq, 100+int64(seq))
			}
			s.judge(2, timeout)
			s.Truncated(100)
			s.read(0, 100)
			s.read(1, 101)
			s.Passed(200)
			s.Truncated(101) // this time without
			s.Passed(200)
		}, `due=3 delivered=3 acknowledged_lost=2 rewind=2
			#0 delivered 8ms @100
			#1 delivered 8ms @101
			#2 delivered 8ms @102`},
		{"cut off and then beyond what retention has kept", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.read(0, 100)
			s.Truncated(100)
			s.Expired(300)
			s.Passed(400)
		}, `due=1 delivered=1 rewind=1
			#0 delivered 8ms @100`},
		{"the old leader's acknowledgement arrives after the rewind", func(s *story) {
			s.send(2)
			s.read(1, 105)
			s.Truncated(100)
			s.ack(0, 103)
			s.Passed(103)
			s.flush()
			if n := s.sink[1].tally.Outcomes[ledger.Lost]; n != 0 {
				s.t.Errorf("%d lost before the reader came to its offset, want 0", n)
			}
			s.Passed(104)
		}, `due=2 delivered=1 lost=1 acknowledged_lost=1 rewind=1
			#0 lost 10s @103
			#1 delivered 8ms @105`},
		{"a rewind below where reading began", func(s *story) {
			s.send(2)
			s.read(0, 100)
			s.Truncated(60)
			s.ack(1, 70)
			s.Passed(71)
		}, `due=2 delivered=1 lost=1 acknowledged_lost=1 rewind=1
			#0 delivered 8ms @100
			#1 lost 10s @70`},
		{"a broker lost its disk after retention had taken what was below", func(s *story) {
			s.Expired(5000)
			s.Truncated(0)
			s.send(2)
			s.ack(0, 0)
			s.ack(1, 1)
			s.read(0, 0)
			s.Passed(2)
		}, `due=2 delivered=1 lost=1 acknowledged_lost=1 rewind=1
			#0 delivered 8ms @0
			#1 lost 10s @1`},
		{"read first at a place where the reader has been", func(s *story) {
			s.send(2)
			s.read(0, 110) // the client went back before it said so
			s.read(1, 101)
			s.Truncated(101)
			s.read(1, 101)
		}, `due=2 delivered=2 rewind=1
			#0 delivered 8ms @110
			#1 delivered 8ms @101`},
		{"the reader starts again where it was", func(s *story) {
			s.send(2)
			s.ack(0, 100)
			s.ack(1, 101)
			s.read(0, 100)
			s.Reading(101)
			s.read(1, 101)
		}, `due=2 delivered=2
			#0 delivered 8ms @100
			#1 delivered 8ms @101`},
		{"the reader starts again further on: nobody looked for what lies between", func(s *story) {
			s.send(3)
			for seq := range uint64(3) {
				s.ack(seq, 100+int64(seq))
			}
			s.Reading(102)
			s.read(2, 102)
			s.Passed(200)
			s.judge(2, timeout)
		}, `due=3 delivered=1 timeout=2
			#0 timeout 10s @100 NOT_READ_BACK
			#1 timeout 10s @101 NOT_READ_BACK
			#2 delivered 8ms @102`},
		{"and what is behind the gap is missed as ever", func(s *story) {
			s.send(2)
			s.Reading(150)
			s.ack(0, 150)
			s.ack(1, 151)
			s.read(1, 151)
		}, `due=2 delivered=1 lost=1 acknowledged_lost=1
			#0 lost 10s @150
			#1 delivered 8ms @151`},
		{"the producer knows first that the topic is another one", func(s *story) {
			s.send(3)
			s.read(0, 100)
			s.ack(0, 100)
			s.Passed(5000)
			s.ack(1, 0) // in the new topic
			s.ack(2, 5000)
			s.Recreated()
			s.Reading(0)
			s.read(1, 0)
			s.Passed(6000)
		}, `due=3 delivered=1 topic_recreated=2
			#0 delivered 8ms @100
			#1 topic_recreated 10s @0
			#2 topic_recreated 10s @5000`},
		{"handed over before the topic was another one, acknowledged after, read", func(s *story) {
			s.send(2)
			s.Recreated()
			s.Reading(0)
			s.ack(0, 0)
			s.read(0, 0)
			s.read(1, 1)
			s.ack(1, 1)
			s.judge(1, timeout)
		}, `due=2 delivered=2
			#0 delivered 8ms @0
			#1 delivered 8ms @1`},
		{"handed over before, acknowledged after, never read", func(s *story) {
			s.send(2)
			s.Recreated()
			s.Reading(0)
			s.ack(0, 7000)
			s.ack(1, 3)
			s.Passed(10_000)
			s.judge(1, timeout)
		}, `due=2 topic_recreated=2
			#0 topic_recreated 10s
			#1 topic_recreated 10s`},
		{"handed over before, refused or unanswered after", func(s *story) {
			s.send(2)
			s.Recreated()
			s.refuse(0, true, "UNKNOWN_TOPIC_ID")
			s.judge(1, timeout)
		}, `due=2 failed=1 timeout=1
			#0 failed 10s UNKNOWN_TOPIC_ID
			#1 timeout 10s NO_RESPONSE`},
		{"not sent while the new topic had no reader", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.Recreated()
			s.take(1)
			s.Withhold(1, ledger.NoReader)
			s.Reading(0)
			s.send(1)
			s.read(2, 0)
		}, `due=3 delivered=2 topic_recreated=1
			#0 delivered 8ms @100
			#1 topic_recreated 10s
			#2 delivered 8ms @0`},
		{"given back by the client before the topic was another one, or after", func(s *story) {
			s.send(2)
			s.refuse(0, false, "CONNECTION_CLOSED")
			s.Recreated()
			s.refuse(1, false, "UNKNOWN")
			s.Reading(0)
			s.judge(1, timeout)
		}, `due=2 topic_recreated=2
			#0 topic_recreated 10s
			#1 topic_recreated 10s`},
		{"a fetch of the old topic arrives after its end", func(s *story) {
			s.send(1)
			s.Recreated()
			s.Passed(9000)
			s.Expired(9000)
			if s.Readable() {
				s.t.Error("readable, although nobody said where reading begins")
			}
			s.Reading(0)
			s.send(1)
			s.ack(1, 0)
			s.read(1, 0)
			s.judge(0, timeout)
		}, `due=2 delivered=1 timeout=1
			#0 timeout 10s NO_RESPONSE
			#1 delivered 8ms @0`},
		{"retention while acknowledgements are under way, on both sides of it", func(s *story) {
			s.send(3)
			s.Expired(150)
			s.ack(0, 149)
			s.ack(1, 150)
			s.ack(2, 151)
			s.read(2, 151)
		}, `due=3 delivered=1 lost=1 expired=1 acknowledged_lost=1
			#0 expired 10s @149
			#1 lost 10s @150
			#2 delivered 8ms @151`},
		{"retention below the reader's position took nothing from it", func(s *story) {
			s.send(2)
			s.read(1, 160)
			s.Expired(150)
			s.ack(0, 140)
			s.Passed(161)
			s.Passed(162)
		}, `due=2 delivered=1 lost=1 acknowledged_lost=1
			#0 lost 10s @140
			#1 delivered 8ms @160`},
		{"acknowledged out of order by a producer that is not idempotent", func(s *story) {
			s.send(4)
			s.ack(1, 100)
			s.ack(0, 103)
			s.ack(3, 101)
			s.ack(2, 102)
			s.Passed(102)
			s.flush()
			if got := s.sink[1].String(); got != "due=4 lost=2 in_flight=2 acknowledged_lost=2" {
				s.t.Errorf("at 102: %s", got)
			}
			s.Passed(104)
		}, `due=4 lost=4 acknowledged_lost=4
			#0 lost 10s @103
			#1 lost 10s @100
			#2 lost 10s @102
			#3 lost 10s @101`},
		{"answered twice", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.ack(0, 100)
			s.refuse(0, true, "INVALID_RECORD")
			s.read(0, 100)
			s.Passed(200)
		}, `due=1 delivered=1
			#0 delivered 8ms @100`},
		{"everything after it was given up", func(s *story) {
			s.take(1)
			s.judge(0, fate)
			s.send(1) // keeps the ring in use
			s.hand(0)
			s.Withhold(0, ledger.BufferFull)
			s.ack(0, 100)
			s.refuse(0, true, "INVALID_RECORD")
			s.read(1, 101)
		}, `due=2 delivered=1 timeout=1
			#0 timeout 10s NO_READER
			#1 delivered 8ms @101`},
	})
}
