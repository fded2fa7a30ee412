package flush

import (
	"fmt"
	"strconv"
	"strings"
)

// setting is the topic setting that forces a flush after so many records.
const setting = "flush.messages"

// seldom is from which value on flush.messages of the plain topic does not matter.
const seldom = 10_000

// logSettings are topic settings that only Apache Kafka's own log has, on which flush.messages acts. Who
// keeps records in another way may take that setting and ignore it, as Redpanda does.
var logSettings = []string{"index.interval.bytes", "segment.index.bytes", "preallocate"}

// KafkasLog returns whether a topic's settings, by their names, are those of Apache Kafka's log, and if not,
// why a forced flush is not believed there.
func KafkasLog(settings map[string]string) (ok bool, why string) {
	for name := range settings {
		if strings.HasPrefix(name, "redpanda.") {
			return false, "this is Redpanda, which takes " + setting + " and ignores it"
		}
	}
	for _, name := range logSettings {
		if _, has := settings[name]; !has {
			return false, "the topic has no setting " + name + ", so its log is not Apache Kafka's, on which " + setting + " acts"
		}
	}
	return true, ""
}

// Forced returns whether, by the settings of both topics as the cluster reports them, appends to the one are
// flushed each and those to the plain one are not; if not, why.
func Forced(flushed, plain map[string]string) (ok bool, why string) {
	if ok, why := KafkasLog(flushed); !ok {
		return false, why
	}
	if v := flushed[setting]; v != "1" {
		return false, fmt.Sprintf("%s of the flushed topic reads back as %q, not 1: set it, or let the prober make the topic", setting, v)
	}
	if v, err := strconv.ParseInt(plain[setting], 10, 64); err != nil || v < seldom {
		return false, fmt.Sprintf("%s of the plain topic reads back as %q, so that its appends are flushed too: set it to 9223372036854775807", setting, plain[setting])
	}
	return true, ""
}
