package collector

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// trafficDescs are the series of the collector "traffic".
type trafficDescs struct {
	messages, bytes, size, start, end *prometheus.Desc // by topic
	ledMessages, ledBytes             *prometheus.Desc // by broker
	messageImbalance, byteImbalance   *prometheus.Desc
}

func newTrafficDescs(env Env) trafficDescs {
	return trafficDescs{
		messages: env.Desc("topic_messages_total", "Records appended to the topic since this process started, by its log end offsets: transaction markers included.", "topic"),
		bytes:    env.Desc("topic_bytes_total", "Bytes that the topic's records took on the leaders' disks since this process started, batch overhead included. Absent for compacted topics; where a log also shrank, estimated by the mean message size.", "topic"),
		size:     env.Desc("message_size_bytes", "Mean bytes per record on the leaders' disks over the last window that ended, batch overhead included, compressed as stored. Absent while nothing is appended and for compacted topics.", "topic"),
		start:    env.Desc("topic_log_start_offset", "Sum of the log start offsets of the topic's partitions; absent while one is unknown.", "topic"),
		end:      env.Desc("topic_log_end_offset", "Sum of the log end offsets of the topic's partitions; absent while one is unknown.", "topic"),

		ledMessages:      env.Desc("leader_messages_total", "Records appended to partitions while the broker led them, since this process started.", "broker"),
		ledBytes:         env.Desc("leader_bytes_total", "Bytes appended to partitions while the broker led them, since this process started, as in topic_bytes_total. Absent until a log's size is known.", "broker"),
		messageImbalance: env.Desc("leader_messages_imbalance_ratio", "Standard deviation over mean of the records that brokers took in as leaders in the last window; absent while one did not answer."),
		byteImbalance:    env.Desc("leader_bytes_imbalance_ratio", "Standard deviation over mean of the bytes that brokers took in as leaders in the last window; absent while one did not answer."),
	}
}

func (d trafficDescs) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.messages, d.bytes, d.size, d.start, d.end, d.ledMessages, d.ledBytes, d.messageImbalance, d.byteImbalance,
	} {
		ch <- desc
	}
}

// snapshot returns the series of what is known.
func (t *traffic) snapshot(l *leadership) *Snapshot {
	s := newSnapshot(t.settings.MaxSeries)
	t.led(s, l)
	for _, name := range slices.Sorted(maps.Keys(t.topics)) {
		cost := trafficSeries
		if t.sampler != nil && t.sampler.match.MatchString(name) {
			cost += samplerSeries
		}
		if s.fits(cost) {
			t.describeTopic(s, l, name)
		}
	}
	return s
}

func (t *traffic) describeTopic(s *Snapshot, l *leadership, name string) {
	topic := t.topics[name]
	s.Counter(t.descs.messages, topic.messages, name)
	if topic.priced {
		s.Counter(t.descs.bytes, math.Round(topic.bytes), name)
	}
	if topic.records > 0 {
		s.Gauge(t.descs.size, topic.mean, name)
	}
	if shape, ok := l.topics[name]; ok && shape.known {
		t.offsets(s, name, topic)
	}
	if t.sampler != nil {
		t.sampler.describeTopic(s, name)
	}
}

// offsets adds the sums over a topic's partitions, if all of them are known.
func (t *traffic) offsets(s *Snapshot, name string, topic *topicTraffic) {
	var start, end int64
	for i := range topic.partitions {
		p := &topic.partitions[i]
		if !p.fresh {
			return
		}
		start, end = start+p.start, end+p.end
	}
	s.Gauge(t.descs.start, float64(start), name)
	s.Gauge(t.descs.end, float64(end), name)
}

// led adds what brokers took in as leaders. A broker that is down keeps its
// counters while replicas are assigned to it: it may be back.
func (t *traffic) led(s *Snapshot, l *leadership) {
	some := false // whether the cluster tells sizes at all
	for _, b := range t.brokers {
		some = some || b.sized
	}
	for id, b := range t.brokers {
		label := strconv.Itoa(int(id))
		s.Counter(t.descs.ledMessages, b.messages.total, label)
		if b.sized || some && len(l.leads[id]) == 0 {
			s.Counter(t.descs.ledBytes, math.Round(b.bytes.total), label)
		}
		b.messages.end()
		b.bytes.end()
	}
	if ratio, ok := t.imbalance(l, func(b *brokerTraffic) ledCount { return b.messages }); ok {
		s.Gauge(t.descs.messageImbalance, ratio)
	}
	if ratio, ok := t.imbalance(l, func(b *brokerTraffic) ledCount { return b.bytes }); ok {
		s.Gauge(t.descs.byteImbalance, ratio)
	}
}

// imbalance compares all listed brokers. Without one of them it would lie.
func (t *traffic) imbalance(l *leadership, count func(*brokerTraffic) ledCount) (float64, bool) {
	var windows []float64
	for _, id := range l.brokers {
		c := count(t.brokers[id])
		if c.windows < 2 { // a window has two ends
			return 0, false
		}
		windows = append(windows, c.window)
	}
	return deviationOverMean(windows)
}

// deviationOverMean returns the standard deviation over the mean, which is not
// defined where there is nothing to share out.
func deviationOverMean(values []float64) (float64, bool) {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	if sum == 0 {
		return 0, false
	}
	mean, squares := sum/float64(len(values)), 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares/float64(len(values))) / mean, true
}
