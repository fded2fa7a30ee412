package collector

import "time"

// takeEnds counts the records that a broker's led partitions gained since their
// log ends were last known. An end that fell was truncated: it counts nothing.
func (t *traffic) takeEnds(id int32, logs *brokerLogs) {
	broker := t.broker(id)
	broker.messages.complete = true
	for ti, l := range logs.leads {
		topic := t.topics[l.topic]
		for i, number := range l.partitions {
			end := logs.ends[ti][i]
			if end == noOffset {
				broker.messages.complete = false
				continue
			}
			p := &topic.partitions[number]
			if p.has {
				delta := float64(max(0, end-p.end))
				topic.messages += delta
				broker.messages.add(delta)
			}
			p.end, p.has = end, true
			if logs.starts != nil && logs.starts[ti][i] != noOffset {
				p.start, p.fresh = logs.starts[ti][i], true
			}
		}
	}
}

// takeSizes measures what the records cost, where a log's size can tell.
func (t *traffic) takeSizes(id int32, logs *brokerLogs, measurable func(topic string) bool) {
	broker := t.broker(id)
	if logs.sizes == nil {
		return
	}
	broker.bytes.complete = true
	for ti, l := range logs.leads {
		if !measurable(l.topic) {
			continue
		}
		topic := t.topics[l.topic]
		for i, number := range l.partitions {
			r, ok := logs.reading(id, ti, i, t.epoch)
			if !ok {
				continue
			}
			broker.sized = true
			gained := topic.partitions[number].growth.take(r)
			bytes := gained.bytes
			if gained.measured {
				topic.priced = true
			} else { // the last known price is the best guess; 0 where there is none
				bytes = gained.records * topic.mean
			}
			if gained.measured && !gained.vague {
				topic.records += gained.records
				topic.size += gained.bytes
			}
			topic.bytes += bytes
			broker.bytes.add(bytes)
		}
	}
}

// reading puts together what is known of one log, if that is enough. The log
// end at the instant of the size is on the line between the two around it.
func (logs *brokerLogs) reading(id int32, ti, i int, epoch time.Time) (logReading, bool) {
	before, after := logs.before.values[ti][i], logs.after.values[ti][i]
	size, start := logs.sizes[ti][i], logs.startsAfter[ti][i]
	if before == noOffset || after < before || size == noOffset || start == noOffset {
		return logReading{}, false
	}
	from, to := logs.before.middle(), logs.after.middle()
	share := 0.5
	if span := to.Sub(from); span > 0 {
		share = min(max(float64(logs.sized.Sub(from))/float64(span), 0), 1)
	}
	r := logReading{
		leader: id, at: logs.sized.Sub(epoch), start: start, local: start, size: size,
		end:   float64(before) + share*float64(after-before),
		slack: float64(after - before),
	}
	if logs.local != nil && logs.local[ti][i] != noOffset {
		r.local = logs.local[ti][i]
	}
	return r, true
}

// price sets the mean that stands in for windows that could not be measured.
func (t *topicTraffic) price() {
	if t.records > 0 {
		t.mean = t.size / t.records
	}
}

func (t *traffic) broker(id int32) *brokerTraffic {
	b := t.brokers[id]
	if b == nil { // leads partitions but is not listed: it is just going
		b = new(brokerTraffic)
		t.brokers[id] = b
	}
	return b
}
