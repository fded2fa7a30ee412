package prober

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestFlushProbeRecreated deletes one topic, then the other; the probe makes them anew. Appends and flushes go on
// each time.
func TestFlushProbeRecreated(t *testing.T) {
	inFlushBubble(t, true, func(t *testing.T, b *flushBubble) {
		time.Sleep(2 * time.Minute)
		for _, topic := range []string{"kafka-prober-flush-plain-internal", "kafka-prober-flush-internal"} {
			if err := b.DeleteTopic(topic); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute) // until it is there again
			for broker := range int32(3) {
				b.sink.take(broker)
			}
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			for broker := range int32(3) {
				flushes := 0
				pairs, _ := b.sink.take(broker)
				for _, p := range pairs {
					if !p.Plain.Acked() || p.Flushed != nil && !p.Flushed.Acked() {
						t.Errorf("broker %d: appends %+v, %+v after %s was created again", broker, p.Plain, p.Flushed, topic)
						break
					}
					if p.Flushed != nil {
						flushes++
					}
				}
				if len(pairs) < 25 || flushes == 0 {
					t.Errorf("broker %d: %d rounds, %d flushes after %s was created again", broker, len(pairs), flushes, topic)
				}
			}
		}
	})
}
