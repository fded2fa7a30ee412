//go:build bench

package fidelity_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
)

// maxGrowth in MiB is what the garbage collector may keep more one minute than the one before.
const maxGrowth = 5

// TestScale runs the daemon and the floor on a cluster of many fake brokers, one record a second each,
// and looks at whether the daemon's third minute needs more than its second.
func TestScale(t *testing.T) {
	const topic = "kafka-prober-steady-internal"
	floorPath, daemonPath := build(t, toolsPackage+"floor"), build(t, daemonPackage)
	var servers syncBuffer
	start(t, &servers, build(t, brokersPackage), "-brokers="+strconv.Itoa(*scaleBrokers), "-topic="+topic)
	await(t, 20*time.Second, "the brokers", func() bool { return strings.HasSuffix(servers.String(), "\n") })
	all := strings.Split(strings.TrimSpace(servers.String()), ",")
	load := fidelity.Load{
		Servers: all[:3], Topic: topic, Partitions: *scaleBrokers, Interval: time.Second, Size: recordSize,
	}
	rate := float64(*scaleBrokers)

	floor := []usage{meterFloor(t, floorPath, load, *scaleLength/2)}
	d := startDaemon(t, daemonPath, load, brokersOnly())
	pause(t.Context(), t, *scaleLength) // each native histogram gets the buckets that its latencies fall into
	var minutes []usage
	var goroutines []float64
	for range 2 {
		minutes = append(minutes, meterServing(t, d, load, *scaleLength))
		goroutines = append(goroutines, d.goroutines(t))
	}
	d.stop()
	floor = append(floor, meterFloor(t, floorPath, load, *scaleLength/2))

	for i := range 2 {
		printf(t, "floor, run %d:    %.4f CPU s/1000, %.2f %% of a core, %.1f MiB\n", i+1,
			floor[i].perThousand(rate), floor[i].share(), mebibytes(floor[i].rss))
		printf(t, "daemon, part %d:  %.4f CPU s/1000, %.2f %% of a core, %.1f MiB at most, %.1f mostly, %.0f goroutines\n", i+1,
			minutes[i].perThousand(rate), minutes[i].share(), mebibytes(minutes[i].rss), mebibytes(minutes[i].held), goroutines[i])
	}
	cpu := func(u []usage) float64 { return (u[0].perThousand(rate) + u[1].perThousand(rate)) / 2 }
	gate(t, "CPU, daemon / floor", cpu(minutes)/cpu(floor), 1.25, "x")
	gate(t, "RSS of the daemon", mebibytes(max(minutes[0].rss, minutes[1].rss)), 100, "MiB")
	gate(t, "RSS, growth from part to part", mebibytes(minutes[1].held-minutes[0].held), maxGrowth, "MiB")
	gate(t, "goroutines, growth from part to part", goroutines[1]-goroutines[0], 2, "")
}
