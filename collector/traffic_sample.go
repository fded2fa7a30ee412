package collector

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// RecordSizesSettings choose the topics whose newest records are read.
type RecordSizesSettings struct {
	Topics        string     `yaml:"topics" help:"RE2 pattern that the whole name of a topic matches for its newest records to be read and their sizes shown; none by default"`
	MaxBytes      kind.Bytes `yaml:"max_bytes" help:"most bytes that one request reads; a broker returns one whole batch even if that is larger"`
	MaxRequests   int        `yaml:"max_requests" help:"most requests in one refresh; topics take turns"`
	NewestRecords int64      `yaml:"newest_records" help:"how far from its end a partition is read"`
}

// Bounds of the settings: the sum of a refresh is at most their product.
const (
	maxSampleBytes    = kind.Bytes(16 << 20)
	maxSampleRequests = 1000
)

const signalRecordSizes = "record_sizes"

var rightReadSamples = kind.Right{
	Operation: "Read", ResourceType: "Topic", ResourceName: "*",
	Purpose: "record_sizes of the topics chosen for it", Optional: true,
}

func defaultRecordSizes() RecordSizesSettings {
	return RecordSizesSettings{MaxBytes: 64 << 10, MaxRequests: 20, NewestRecords: 100}
}

func (s *RecordSizesSettings) validate() error {
	_, err := wholePattern("topics", s.Topics)
	if s.MaxBytes < 1 || s.MaxBytes > maxSampleBytes {
		err = errors.Join(err, kind.Errorf("max_bytes", "must be between 1B and %s, is %s", maxSampleBytes, s.MaxBytes))
	}
	if s.MaxRequests < 1 || s.MaxRequests > maxSampleRequests {
		err = errors.Join(err, kind.Errorf("max_requests", "must be between 1 and %d, is %d", maxSampleRequests, s.MaxRequests))
	}
	if s.NewestRecords < 1 {
		err = errors.Join(err, kind.Errorf("newest_records", "must be at least 1, is %d", s.NewestRecords))
	}
	return err
}

// sampler reads a few of the newest records of chosen topics and keeps the
// distribution of their sizes. It belongs to one Refresh.
type sampler struct {
	settings RecordSizesSettings
	match    *regexp.Regexp
	client   *kgo.Client
	account  *Account

	records, batches *prometheus.HistogramVec // by topic
	batchesDesc      *prometheus.Desc
	topics           map[string]*sampled
	turn             int     // partitions sampled so far, to go on from there
	given            *grants // in this refresh
}

// sampled is what was read of one topic.
type sampled struct {
	record  prometheus.Observer
	batch   prometheus.Observer
	batches map[string]float64 // by compression
	read    map[int32]int64    // partition -> offset after the last record read
}

// batchHeader is what Kafka stores around a batch's records, in bytes.
const batchHeader = 61

// sizeBounds is the number of a histogram's bounds: from 64 B to 16 MiB in steps of 4.
const sizeBounds = 10

// sizeHistogram has those bounds, and native ones of 10 %.
func sizeHistogram(env Env, name, help string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "kafka_prober_" + name, Help: help,
		ConstLabels:                    prometheus.Labels{"kafka_cluster": env.Cluster, "listener": env.Listener},
		Buckets:                        prometheus.ExponentialBuckets(64, 4, sizeBounds),
		NativeHistogramBucketFactor:    1.1,
		NativeHistogramMaxBucketNumber: 400, // never reached: no reset, which would lose what is counted
	}, []string{"topic"})
}

// newSampler returns nil if no topic is to be sampled.
func newSampler(env Env, s RecordSizesSettings) (*sampler, error) {
	if s.Topics == "" {
		return nil, nil
	}
	match, err := wholePattern("topics", s.Topics)
	if err != nil {
		return nil, err
	}
	return &sampler{
		settings: s, match: match, client: env.Client, account: env.Account,
		records:     sizeHistogram(env, "sampled_record_size_bytes", "Sizes of sampled records of the topic: key, value and headers, uncompressed."),
		batches:     sizeHistogram(env, "sampled_batch_size_bytes", "Sizes of sampled record batches of the topic, as stored."),
		batchesDesc: env.Desc("sampled_batches_total", "Sampled record batches of the topic, by their compression.", "topic", "compression"),
		topics:      make(map[string]*sampled),
	}, nil
}

func (s *sampler) describe(ch chan<- *prometheus.Desc) {
	s.records.Describe(ch)
	s.batches.Describe(ch)
	ch <- s.batchesDesc
}

// forget ends the series of a topic that is gone.
func (s *sampler) forget(topic string) {
	delete(s.topics, topic)
	s.records.DeleteLabelValues(topic)
	s.batches.DeleteLabelValues(topic)
}

// restart notes that the topic is another one of the same name: its offsets begin again.
func (s *sampler) restart(topic string) {
	if t := s.topics[topic]; t != nil {
		clear(t.read)
	}
}

// samplePoint is a partition to read from.
type samplePoint struct {
	leader    int32
	topic     string
	id        [16]byte
	partition int32
	offset    int64
}

// refresh reads, one partition a request, from those that have records that
// were not read before.
func (s *sampler) refresh(ctx context.Context, l *leadership, topics map[string]*topicTraffic) {
	var points []samplePoint
	for _, leader := range l.leaders() {
		for _, led := range l.leads[leader] {
			if !s.match.MatchString(led.topic) {
				continue
			}
			for _, number := range led.partitions {
				p := &topics[led.topic].partitions[number]
				from := max(p.end-s.settings.NewestRecords, p.start)
				if known := s.topics[led.topic]; known != nil {
					from = max(from, known.read[number])
				}
				if p.has && from < p.end {
					points = append(points, samplePoint{leader, led.topic, led.id, number, from})
				}
			}
		}
	}
	if len(points) == 0 {
		return
	}
	first := s.turn % len(points)
	points = slices.Concat(points[first:], points[:first])
	s.given = new(grants)
	for _, p := range points[:min(len(points), s.settings.MaxRequests)] {
		if ctx.Err() != nil { // the others come next time
			break
		}
		s.turn++
		s.sample(ctx, p)
	}
	s.given.report(s.account, signalRecordSizes, rightReadSamples)
}

func (s *sampler) sample(ctx context.Context, p samplePoint) {
	answer, err := askInTime(ctx, func(ctx context.Context) (*kmsg.FetchResponseTopicPartition, error) {
		return fetchOne(ctx, s.client, p, int32(s.settings.MaxBytes))
	})
	if s.given.take(s.account, p.leader, err) {
		s.take(p, answer)
	}
}

// take adds what one request read: whole batches, and the records from the
// offset that was asked for.
func (s *sampler) take(p samplePoint, answer *kmsg.FetchResponseTopicPartition) {
	t := s.topic(p.topic)
	fetched, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: p.topic, Partition: p.partition, Offset: p.offset},
		answer, kgo.DefaultDecompressor(), func(m kgo.FetchBatchMetrics) {
			t.batch.Observe(float64(batchHeader + m.CompressedBytes))
			t.batches[compressionName(m.CompressionType)]++
		})
	if err := fetched.Err; err != nil {
		s.account.Failed(p.leader, err)
	}
	for _, r := range fetched.Records {
		size := len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			size += len(h.Key) + len(h.Value)
		}
		t.record.Observe(float64(size))
		t.read[p.partition] = r.Offset + 1
	}
}

func (s *sampler) topic(name string) *sampled {
	t := s.topics[name]
	if t == nil {
		t = &sampled{
			record:  s.records.WithLabelValues(name),
			batch:   s.batches.WithLabelValues(name),
			batches: make(map[string]float64),
			read:    make(map[int32]int64),
		}
		s.topics[name] = t
	}
	return t
}

// samplerSeries is how many series a topic has at most: two histograms with a bucket for each bound and one
// more, sum and count, and one for each compression.
const samplerSeries = 2*histogramSeries + 5

const histogramSeries = sizeBounds + 3

// describeTopic adds the series of one topic, if it was sampled.
func (s *sampler) describeTopic(to *Snapshot, name string) {
	t := s.topics[name]
	if t == nil {
		return
	}
	for _, observed := range []prometheus.Observer{t.record, t.batch} {
		to.histogram(observed.(prometheus.Metric), histogramSeries)
	}
	for compression, n := range t.batches {
		to.Counter(s.batchesDesc, n, name, compression)
	}
}

// compressionName is how Kafka's settings name it.
func compressionName(codec uint8) string {
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	if int(codec) < len(names) {
		return names[codec]
	}
	return "unknown"
}

// fetchOne reads from one partition, whose leader has the records at hand.
func fetchOne(ctx context.Context, client *kgo.Client, p samplePoint, maxBytes int32) (*kmsg.FetchResponseTopicPartition, error) {
	req := fetchRequest(maxBytes)
	addFetch(req, p, maxBytes)
	resp, err := req.RequestWith(ctx, client.Broker(int(p.leader)))
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			answer := &resp.Topics[i].Partitions[j]
			return answer, kerr.ErrorForCode(answer.ErrorCode)
		}
	}
	return nil, errors.New("the broker answered for no partition")
}

// fetchRequest is a request without a session that does not wait.
func fetchRequest(maxBytes int32) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 0, 0, maxBytes
	req.SessionID, req.SessionEpoch = 0, -1
	return req
}

// addFetch adds a partition. Points of one topic come in a row.
func addFetch(req *kmsg.FetchRequest, p samplePoint, maxBytes int32) {
	if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != p.topic {
		topic := kmsg.NewFetchRequestTopic()
		topic.Topic, topic.TopicID = p.topic, p.id
		req.Topics = append(req.Topics, topic)
	}
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = p.partition, p.offset, maxBytes
	topic := &req.Topics[len(req.Topics)-1]
	topic.Partitions = append(topic.Partitions, partition)
}
