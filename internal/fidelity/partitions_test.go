//go:build bench

package fidelity_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// Limits of a scrape with all defaults. What a scrape took is as its client saw it.
const (
	maxScrape      = 100 // milliseconds, p99
	maxBody        = 1   // MB on the wire
	maxManyRSS     = 200 // MiB
	maxRequestPart = .01 // of one ListOffsets for each partition
)

// TestPartitions watches the daemon with all of its defaults on a fake cluster of 1,000 topics of 100
// partitions, three replicas each on ten brokers, to which a million records a second come, and on which
// a hundred groups have 100,000 commits.
func TestPartitions(t *testing.T) {
	const topics, partitions, groups = 1000, 100, 100
	daemonPath := build(t, daemonPackage)
	var out syncBuffer
	requests := freeAddress(t)
	start(t, &out, build(t, brokersPackage), "-brokers=10", "-topic=bench-partitions", "-requests="+requests,
		fmt.Sprintf("-load.topics=%d", topics), fmt.Sprintf("-load.partitions=%d", partitions), fmt.Sprintf("-load.groups=%d", groups))
	await(t, 2*time.Minute, "the brokers", func() bool { return strings.HasSuffix(out.String(), "\n") })

	d := serveDaemon(t, daemonPath, "--kafka.bootstrap-servers="+strings.TrimSpace(out.String()))
	d.awaitCollectors(t, topics)
	before, began := collectorRequests(t, requests), time.Now()
	d.watch(t)
	sent := float64(collectorRequests(t, requests)-before) * trafficInterval.Seconds() / time.Since(began).Seconds()
	gate(t, "requests of all collectors in an interval of 30 s", sent, maxRequestPart*topics*partitions, "")
}

// TestPartitionsOnKafka does so on a real cluster of three brokers with 30 topics of 100 partitions.
func TestPartitionsOnKafka(t *testing.T) {
	const topics, partitions = 30, 100
	daemonPath := build(t, daemonPackage)
	c := warmCluster(t, "bench-partitions", 3)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var names []string
	for i := range topics {
		names = append(names, fmt.Sprintf("bench-partitions-%02d", i))
	}
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopics(t.Context(), partitions, 3, nil, names...); err != nil {
		t.Fatalf("create topics: %v", err)
	}
	d := serveDaemon(t, daemonPath, "--kafka.bootstrap-servers="+strings.Join(c.Bootstrap(), ","))
	d.awaitCollectors(t, topics)
	d.watch(t)
}

// trafficInterval is that of the collectors that ask for offsets.
const trafficInterval = 30 * time.Second

// awaitCollectors waits until all collectors have seen so many topics, and some intervals more, for the
// heap to be what it stays.
func (d *daemon) awaitCollectors(t *testing.T, topics int) {
	t.Helper()
	wanted := 0
	for _, k := range collector.Kinds.All() {
		if k.Default {
			wanted++
		}
	}
	await(t, 2*time.Minute, "the collectors", func() bool {
		families, good := d.read(t), 0
		for _, m := range families["kafka_prober_collector_success"].GetMetric() {
			good += int(m.GetGauge().GetValue())
		}
		return good == wanted && len(families["kafka_prober_topic_messages_total"].GetMetric()) >= topics
	})
	pause(t.Context(), t, trafficInterval)
}

// watch scrapes once a second, which finds each time what nobody has gathered yet, and compares what the
// scrapes and the daemon take with the limits.
func (d *daemon) watch(t *testing.T) {
	t.Helper()
	for _, form := range []struct{ name, accept string }{{"text", acceptText}, {"protobuf", acceptProto}} {
		var took []time.Duration
		var bytes, rss int64
		cpu := promtest.UsageOf(t, d.cmd.Process.Pid).CPU
		for began := time.Now(); time.Since(began) < *partitionsLength/2; {
			pause(t.Context(), t, 1050*time.Millisecond)
			s := d.scrape(t, form.accept)
			took, bytes, rss = append(took, s.took), max(bytes, s.bytes), max(rss, promtest.UsageOf(t, d.cmd.Process.Pid).Resident)
		}
		slices.Sort(took)
		share := (promtest.UsageOf(t, d.cmd.Process.Pid).CPU - cpu).Seconds() / (*partitionsLength / 2).Seconds()
		printf(t, "%s: %d scrapes, p50 %.1f ms, most %.1f ms, %.1f %% of a core\n", form.name, len(took),
			milliseconds(took[len(took)/2]), milliseconds(took[len(took)-1]), 100*share)
		gate(t, form.name+": scrape p99", milliseconds(took[(len(took)-1)*99/100]), maxScrape, "ms")
		gate(t, form.name+": body on the wire", float64(bytes)/1e6, maxBody, "MB")
		gate(t, form.name+": RSS of the daemon", mebibytes(rss), maxManyRSS, "MiB")
	}
	series := 0
	for _, family := range d.read(t) {
		series += len(family.GetMetric())
	}
	printf(t, "%d series\n", series)
}

// collectorRequests returns how many requests the fake brokers got, but for those of the probes and those
// that ask whether a broker is there.
func collectorRequests(t *testing.T, address string) (n int) {
	t.Helper()
	resp, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var counts map[string]int
	if err := json.NewDecoder(resp.Body).Decode(&counts); err != nil {
		t.Fatal(err)
	}
	for name, count := range counts {
		switch name {
		case "Produce", "Fetch", "ApiVersions":
		default:
			n += count
		}
	}
	printf(t, "requests: %v\n", counts)
	return n
}
