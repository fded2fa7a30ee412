//go:build bench

package fidelity_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

// TestFidelity compares the latency that the prober measures with what the client library alone and what
// Kafka's own tool measure on the same cluster: at ten records a second and partition, 128 bytes, acks
// all, replication factor 3.
func TestFidelity(t *testing.T) {
	const topic = "bench-fidelity"
	c := warmCluster(t, topic, 3)
	floorPath, oursPath := build(t, toolsPackage+"floor"), build(t, toolsPackage+"ours")
	apart(t, c)
	load := fidelity.Load{
		Servers: c.Bootstrap(), Topic: topic, Partitions: 3,
		Interval: 100 * time.Millisecond, Size: recordSize, WarmUp: *warmUp, Length: *pairLength,
	}
	var floor, ours []fidelity.Report
	var java []time.Duration
	printf(t, "%4s  %-23s %-23s %8s   %-20s %-20s\n", "pair", "floor p50  p99  mean ms", "ours p50  p99  mean ms", "java ms",
		"lag p50  p99 us", "stamp p50  p99 us")
	for i := range *pairs {
		runs := []func(){
			func() { floor = append(floor, runBuilt(t, floorPath, load)) },
			func() { ours = append(ours, runBuilt(t, oursPath, load)) },
		}
		for n := range runs {
			runs[(n+i)%2]() // ABBA
		}
		java = append(java, endToEndLatency(t, c, topic))
		f, o := floor[i].EndToEnd, ours[i].EndToEnd
		printf(t, "%4d  %6.2f %6.2f %6.2f    %6.2f %6.2f %6.2f    %8.2f   %7.0f %7.0f      %7.0f %7.0f\n", i+1,
			milliseconds(f.P50), milliseconds(f.P99), milliseconds(f.Mean),
			milliseconds(o.P50), milliseconds(o.P99), milliseconds(o.Mean), milliseconds(java[i]),
			microseconds(ours[i].Own.ScheduleLag.P50), microseconds(ours[i].Own.ScheduleLag.P99),
			microseconds(ours[i].Own.FetchedToStamped.P50), microseconds(ours[i].Own.FetchedToStamped.P99))
	}
	if t.Failed() {
		return
	}

	of := func(reports []fidelity.Report, f func(*fidelity.Report) time.Duration) []float64 {
		all := make([]float64, len(reports))
		for i := range reports {
			all[i] = milliseconds(f(&reports[i]))
		}
		return all
	}
	javaMeans := make([]float64, len(java))
	for i := range java {
		javaMeans[i] = milliseconds(java[i])
	}
	p50 := func(r *fidelity.Report) time.Duration { return r.EndToEnd.P50 }
	p99 := func(r *fidelity.Report) time.Duration { return r.EndToEnd.P99 }
	mean := func(r *fidelity.Report) time.Duration { return r.EndToEnd.Mean }
	beside := fidelity.MedianRatio(of(ours, p50), of(floor, p50))
	tail := fidelity.MedianRatio(of(ours, p99), of(floor, p99))
	tool := fidelity.MedianRatio(of(ours, mean), javaMeans)
	fromDue := fidelity.MedianRatio(of(ours, func(r *fidelity.Report) time.Duration { return r.Own.FromDue.P50 }), of(floor, p50))
	printf(t, "ratio to the floor: p50 %v, p99 %v (not gated), p50 from due %v (not gated)\n", beside, tail, fromDue)
	printf(t, "ratio to EndToEndLatency: mean %v\n", tool)

	gate(t, "p50, ours / floor", beside.Median, 1.05, "x")
	gate(t, "mean, ours / EndToEndLatency", tool.Median, 1, "x")
	for _, own := range []struct {
		what string
		of   func(*fidelity.Own) fidelity.Quantiles
	}{
		{"due to handed over", func(o *fidelity.Own) fidelity.Quantiles { return o.ScheduleLag }},
		{"fetched to stamped", func(o *fidelity.Own) fidelity.Quantiles { return o.FetchedToStamped }},
	} {
		median := func(f func(fidelity.Quantiles) time.Duration) float64 {
			return 1e3 * fidelity.Median(of(ours, func(r *fidelity.Report) time.Duration { return f(own.of(r.Own)) }))
		}
		gate(t, own.what+", p50, median of runs", median(func(q fidelity.Quantiles) time.Duration { return q.P50 }), 100, "us")
		gate(t, own.what+", p99, median of runs", median(func(q fidelity.Quantiles) time.Duration { return q.P99 }), 300, "us")
	}
}

var averageLatency = regexp.MustCompile(`Avg latency: ([0-9.]+) ms`)

// endToEndLatency runs Kafka's own tool, as its users run it, and returns its average.
func endToEndLatency(t *testing.T, c *kafkatest.Cluster, topic string) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := c.ToolWithJVM(ctx, nil, "org.apache.kafka.tools.EndToEndLatency",
		"--bootstrap-server", strings.Join(c.Bootstrap(), ","), "--topic", topic,
		"--num-records", strconv.Itoa(*javaRecords), "--producer-acks", "all", "--record-size", fmt.Sprint(recordSize))
	if err != nil {
		t.Fatal(err)
	}
	m := averageLatency.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no average latency in what EndToEndLatency printed:\n%s", out)
	}
	ms, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ms * float64(time.Millisecond))
}
