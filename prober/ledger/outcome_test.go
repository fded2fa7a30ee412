package ledger_test

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

func TestOutcomes(t *testing.T) {
	tell(t, []chapter{
		{"not yet judged", func(s *story) { s.send(1) }, `due=1 in_flight=1`},
		{"delivered", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.read(0, 100)
			s.judge(0, fate)
		}, `due=1 delivered=1
			#0 delivered 8ms @100`},
		{"delivered, read before it was acknowledged", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.ackAt(0, 100, 9*ms)
		}, `due=1 delivered=1
			#0 delivered 8ms @100`},
		{"delivered with acks=0, which names no offset", func(s *story) {
			s.send(1)
			s.ack(0, -1)
			s.read(0, 100)
		}, `due=1 delivered=1
			#0 delivered 8ms @100`},
		{"delivered just before the deadline", func(s *story) {
			s.send(1)
			s.judge(0, timeout-1)
			s.readAt(0, 100, timeout-1)
			s.judge(0, timeout)
		}, `due=1 delivered=1
			#0 delivered 9.999999999s @100`},
		{"timeout, judged on its own", func(s *story) {
			s.send(2)
			s.judge(0, timeout)
		}, `due=2 timeout=1 in_flight=1
			#0 timeout 10s NO_RESPONSE`},
		{"timeout is exactly the timeout, however late it is judged", func(s *story) {
			s.send(1)
			s.judge(0, timeout+3*time.Second)
		}, `due=1 timeout=1
			#0 timeout 10s NO_RESPONSE`},
		{"read at exactly the timeout is late", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.readAt(0, 100, timeout)
			s.judge(0, timeout)
		}, `due=1 timeout=1 late=1
			#0 timeout 10s @100 NOT_READ_BACK`},
		{"late, once", func(s *story) {
			s.send(1)
			s.judge(0, timeout)
			s.readAt(0, 100, timeout+ms)
			s.ackAt(0, 100, timeout+2*ms)
			s.judge(0, fate)
		}, `due=1 timeout=1 late=1
			#0 timeout 10s NO_RESPONSE`},
		{"late, after its fate was given up", func(s *story) {
			s.send(1)
			s.judge(0, fate)
			s.readAt(0, 100, fate+ms)
			s.ackAt(0, 100, fate+2*ms)
		}, `due=1 timeout=1 late=1
			#0 timeout 10s NO_RESPONSE`},
		{"failed at once, observed at the timeout", func(s *story) {
			s.send(1)
			s.refuse(0, true, "MESSAGE_TOO_LARGE")
			s.judge(0, timeout)
		}, `due=1 failed=1
			#0 failed 10s MESSAGE_TOO_LARGE`},
		{"an error that says nothing about the log waits for the deadline", func(s *story) {
			s.send(1)
			s.refuse(0, false, "REQUEST_TIMED_OUT")
			s.judge(0, timeout-1)
			s.flush()
			if n := s.sink[1].tally.InFlight; n != 1 {
				s.t.Errorf("%d in flight, want 1", n)
			}
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s REQUEST_TIMED_OUT`},
		{"refused without certainty, and there after all", func(s *story) {
			s.send(1)
			s.refuse(0, false, "REQUEST_TIMED_OUT")
			s.read(0, 100)
		}, `due=1 delivered=1
			#0 delivered 8ms @100`},
		{"ghost: refused, then read", func(s *story) {
			s.send(1)
			s.refuse(0, true, "INVALID_RECORD")
			s.readAt(0, 100, timeout+ms)
		}, `due=1 failed=1 ghost=1
			#0 failed 10s INVALID_RECORD`},
		{"ghost: read, then refused", func(s *story) {
			s.send(1)
			s.read(0, 100)
			s.refuse(0, true, "INVALID_RECORD")
		}, `due=1 delivered=1 ghost=1
			#0 delivered 8ms @100`},
		{"lost: acknowledged, then passed", func(s *story) {
			s.send(2)
			s.ack(0, 100)
			s.ack(1, 101)
			s.read(1, 101)
		}, `due=2 delivered=1 lost=1 acknowledged_lost=1
			#0 lost 10s @100
			#1 delivered 8ms @101`},
		{"lost: passed, then acknowledged, and known when the reader gets further", func(s *story) {
			s.send(3)
			s.read(1, 101)
			s.ack(0, 100)
			s.flush()
			if n := s.sink[1].tally.Outcomes[ledger.Lost]; n != 0 {
				s.t.Errorf("%d lost before the reader got further, want 0: the log may have been cut", n)
			}
			s.read(2, 102)
		}, `due=3 delivered=2 lost=1 acknowledged_lost=1
			#0 lost 10s @100
			#1 delivered 8ms @101
			#2 delivered 8ms @102`},
		{"not lost before the reader is past it", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.Passed(100)
		}, `due=1 in_flight=1`},
		{"acknowledged loss does not hide behind a timeout", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.judge(0, timeout)
			s.Passed(101)
		}, `due=1 timeout=1 acknowledged_lost=1
			#0 timeout 10s @100 NOT_READ_BACK`},
		{"nor behind a skip", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.Skip(s.at(0, ms), ledger.Suspended)
			s.Passed(101)
		}, `due=1 skipped=1 skipped{suspended}=1 acknowledged_lost=1`},
		{"acknowledged after its deadline, and lost", func(s *story) {
			s.send(1)
			s.judge(0, timeout)
			s.ackAt(0, 100, timeout+time.Second)
			s.judge(0, fate-1)
			s.Passed(101)
		}, `due=1 timeout=1 acknowledged_lost=1
			#0 timeout 10s NO_RESPONSE`},
		{"a fate is followed for so long and no longer", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.judge(0, fate)
			s.Passed(101)
		}, `due=1 timeout=1
			#0 timeout 10s @100 NOT_READ_BACK`},
		{"a record below the reader's start is never lost", func(s *story) {
			s.send(1)
			s.ack(0, began-1)
			s.Passed(began + 50)
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s @99 NOT_READ_BACK`},
		{"expired: acknowledged, then retention", func(s *story) {
			s.send(2)
			s.ack(0, 100)
			s.ack(1, 150)
			s.Expired(150)
			s.read(1, 150)
		}, `due=2 delivered=1 expired=1
			#0 expired 10s @100
			#1 delivered 8ms @150`},
		{"expired: retention, then acknowledged", func(s *story) {
			s.send(1)
			s.Expired(150)
			s.ack(0, 100)
			s.Passed(160)
		}, `due=1 expired=1
			#0 expired 10s @100`},
		{"topic created again", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.Recreated()
		}, `due=1 topic_recreated=1
			#0 topic_recreated 10s @100`},
		{"skipped: in flight and due meanwhile; not late when read", func(s *story) {
			s.send(1)
			s.Skip(s.at(0, 4*time.Second), ledger.Suspended)
			s.read(0, 100)
			s.ack(0, 100)
		}, `due=5 skipped=5 skipped{suspended}=5`},
		{"skipped and given up, then read", func(s *story) {
			s.send(1)
			s.Drop(s.at(0, ms), ledger.ShuttingDown)
			s.judge(0, fate)
			s.read(0, 100)
		}, `due=1 skipped=1 skipped{shutting_down}=1`},
		{"what is judged is not skipped", func(s *story) {
			s.send(3)
			s.read(1, 101)
			s.Drop(s.at(1, ms), ledger.ShuttingDown)
			s.judge(2, timeout)
		}, `due=3 delivered=1 skipped=2 skipped{shutting_down}=2
			#1 delivered 8ms @101`},
	})
}

func TestReasons(t *testing.T) {
	tell(t, []chapter{
		{"no reader", func(s *story) {
			s.take(1)
			s.Withhold(0, ledger.NoReader)
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s NO_READER`},
		{"buffer full", func(s *story) {
			s.take(1)
			s.Withhold(0, ledger.BufferFull)
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s BUFFER_FULL`},
		{"no response", func(s *story) {
			s.send(1)
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s NO_RESPONSE`},
		{"not read back", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s @100 NOT_READ_BACK`},
		{"the last error named", func(s *story) {
			s.send(1)
			s.Trouble("NOT_LEADER_OR_FOLLOWER", s.at(0, time.Second))
			s.Trouble("NOT_ENOUGH_REPLICAS", s.at(0, 2*time.Second))
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s NOT_ENOUGH_REPLICAS`},
		{"the last error by its time, not by when it was told", func(s *story) {
			s.send(1)
			s.Trouble("NOT_ENOUGH_REPLICAS", s.at(0, 2*time.Second))
			s.Trouble("NOT_LEADER_OR_FOLLOWER", s.at(0, time.Second))
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s NOT_ENOUGH_REPLICAS`},
		{"an error from long before explains nothing", func(s *story) {
			s.Trouble("NOT_ENOUGH_REPLICAS", s.Due(0)-2*time.Second-1)
			s.send(1)
			s.judge(0, timeout)
		}, `due=1 timeout=1
			#0 timeout 10s NO_RESPONSE`},
	})
}

// All that is said of a record goes to the broker that led when it was due.
func TestLeaders(t *testing.T) {
	tell(t, []chapter{
		{"a leader moves and comes back", func(s *story) {
			s.send(1)
			s.lead(2)
			s.lead(2) // told twice
			s.send(2)
			s.lead(1)
			s.send(1)
			s.lead(3) // never led a slot
			for seq := range uint64(4) {
				s.ack(seq, 100+int64(seq))
			}
			s.read(3, 103)
			s.judge(3, fate)
		}, `broker 1: due=2 delivered=1 lost=1 acknowledged_lost=1
			#0 lost 10s @100
			#3 delivered 8ms @103
			broker 2: due=2 lost=2 acknowledged_lost=2
			#1 lost 10s @101
			#2 lost 10s @102`},
		{"late and refused long after the move", func(s *story) {
			s.send(2)
			s.lead(2)
			s.send(1)
			s.judge(0, timeout)
			s.flush()
			s.readAt(0, 100, timeout+ms)
			s.refuse(1, true, "INVALID_RECORD")
			s.judge(2, fate)
		}, `broker 1: due=2 failed=1 timeout=1 late=1
			#0 timeout 10s NO_RESPONSE
			#1 failed 10s INVALID_RECORD
			broker 2: due=1 timeout=1
			#2 timeout 10s NO_RESPONSE`},
	})
}

func TestForeign(t *testing.T) {
	tell(t, []chapter{
		{"each kind", func(s *story) {
			for f := range ledger.NumForeign {
				s.Foreign(ledger.Foreign(f))
			}
		}, `foreign{not_a_probe_record}=1 foreign{other_version}=1 foreign{damaged}=1 foreign{other_run}=1 ` +
			`foreign{misplaced}=1 foreign{never_sent}=1 foreign{stale}=1 foreign{diagnostic}=1`},
		{"a slot that is not due yet", func(s *story) {
			s.send(1)
			s.read(1, 100)
			s.read(1<<63, 101)
		}, `due=1 in_flight=1 foreign{never_sent}=2`},
		{"a slot that was due and not sent", func(s *story) {
			s.take(1)
			s.Withhold(0, ledger.NoReader)
			s.read(0, 100)
		}, `due=1 in_flight=1 foreign{never_sent}=1`},
		{"corrupt, and its slot is lost", func(s *story) {
			s.send(1)
			s.ack(0, 100)
			s.Corrupt()
			s.Passed(101)
		}, `due=1 lost=1 acknowledged_lost=1 corrupt=1
			#0 lost 10s @100`},
		{"a stretch that nobody can read", func(s *story) {
			s.send(2)
			s.ack(0, 100)
			s.ack(1, 110)
			s.Unreadable(105)
		}, `due=2 lost=1 in_flight=1 acknowledged_lost=1 unreadable=1
			#0 lost 10s @100`},
	})
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	check := func(kind, name string) {
		if name == "" || seen[kind+name] {
			t.Errorf("%s %q is empty or given twice", kind, name)
		}
		seen[kind+name] = true
	}
	for i := range ledger.NumOutcomes {
		check("outcome", ledger.Outcome(i).String())
	}
	for i := range ledger.NumSkips {
		check("skip", ledger.Skip(i).String())
	}
	for i := range ledger.NumAnomalies {
		check("anomaly", ledger.Anomaly(i).String())
	}
	for i := range ledger.NumForeign {
		check("foreign", ledger.Foreign(i).String())
	}
}
