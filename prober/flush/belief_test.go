package flush

import (
	"maps"
	"testing"
)

// kafka returns what Apache Kafka reports of a topic, with changes.
func kafka(changes map[string]string) map[string]string {
	all := map[string]string{
		"cleanup.policy": "delete", "flush.messages": "9223372036854775807", "flush.ms": "9223372036854775807",
		"index.interval.bytes": "4096", "preallocate": "false", "segment.index.bytes": "10485760",
	}
	maps.Copy(all, changes)
	return all
}

func TestForced(t *testing.T) {
	every := map[string]string{"flush.messages": "1"}
	kfake := map[string]string{"cleanup.policy": "delete", "retention.ms": "3600000", "flush.messages": "1"}
	for name, test := range map[string]struct {
		flushed, plain map[string]string
		why            string
	}{
		"Kafka": {kafka(every), kafka(nil), ""},
		"Redpanda": {kafka(map[string]string{"flush.messages": "1", "redpanda.remote.read": "false"}), kafka(nil),
			"this is Redpanda, which takes flush.messages and ignores it"},
		"kfake": {kfake, kfake, "the topic has no setting index.interval.bytes, so its log is not Apache Kafka's, on which flush.messages acts"},
		"a topic made by hand without the setting": {kafka(nil), kafka(nil),
			`flush.messages of the flushed topic reads back as "9223372036854775807", not 1: set it, or let the prober make the topic`},
		"brokers that flush every topic": {kafka(every), kafka(every),
			`flush.messages of the plain topic reads back as "1", so that its appends are flushed too: set it to 9223372036854775807`},
		"a plain topic that does not say": {kafka(every), kafka(map[string]string{"flush.messages": ""}),
			`flush.messages of the plain topic reads back as "", so that its appends are flushed too: set it to 9223372036854775807`},
	} {
		t.Run(name, func(t *testing.T) {
			ok, why := Forced(test.flushed, test.plain)
			if ok != (test.why == "") || why != test.why {
				t.Errorf("believed %v because %q, want %q", ok, why, test.why)
			}
		})
	}
}
