//go:build bench

package fidelity_test

import (
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
)

// TestCost compares the CPU time and memory of the daemon, scraped as Prometheus does, with the floor's at
// the same rate on the same cluster. What all collectors add is printed, and not compared with a loop that
// has none.
func TestCost(t *testing.T) {
	const topic = "bench-cost"
	c := warmCluster(t, topic, 3)
	floorPath, daemonPath := build(t, toolsPackage+"floor"), build(t, daemonPackage)
	for _, rate := range []struct {
		name     string
		interval time.Duration
	}{
		{"30 records/s", 100 * time.Millisecond},
		{"3000 records/s", time.Millisecond},
	} {
		t.Run(rate.name, func(t *testing.T) {
			compareCost(t, floorPath, daemonPath, *costPairs, fidelity.Load{
				Servers: c.Bootstrap(), Topic: topic, Partitions: 3, Interval: rate.interval, Size: recordSize,
			})
		})
	}
	load := fidelity.Load{Servers: c.Bootstrap(), Topic: topic, Partitions: 3, Interval: 100 * time.Millisecond, Size: recordSize}
	all := meterDaemon(t, daemonPath, load, "", *costLength)
	printf(t, "with all collectors, 30 records/s: %.2f %% of a core, %.1f MiB\n", all.share(), mebibytes(all.rss))
}

// maxRSS is the memory that the daemon may take on a small cluster, in MiB.
const maxRSS = 40

func compareCost(t *testing.T, floorPath, daemonPath string, pairs int, load fidelity.Load) {
	rate := float64(load.Partitions) / load.Interval.Seconds()
	var floor, ours []float64
	var rss int64
	printf(t, "%4s  %-32s %-32s\n", "pair", "floor CPU s/1000  % of a core  MiB", "daemon CPU s/1000  % of a core  MiB")
	for i := range pairs {
		var f, o usage
		runs := []func(){
			func() { f = meterFloor(t, floorPath, load, *costLength) },
			func() { o = meterDaemon(t, daemonPath, load, brokersOnly(), *costLength) },
		}
		for n := range runs {
			runs[(n+i)%2]()
		}
		floor, ours = append(floor, f.perThousand(rate)), append(ours, o.perThousand(rate))
		rss = max(rss, o.rss)
		printf(t, "%4d  %8.4f  %8.2f  %8.1f        %8.4f  %8.2f  %8.1f\n", i+1,
			f.perThousand(rate), f.share(), mebibytes(f.rss), o.perThousand(rate), o.share(), mebibytes(o.rss))
	}
	ratio := fidelity.MedianRatio(ours, floor)
	printf(t, "ratio to the floor: CPU %v\n", ratio)
	gate(t, "CPU, daemon / floor", ratio.Median, 1.25, "x")
	gate(t, "RSS of the daemon", mebibytes(rss), maxRSS, "MiB")
}

// share returns CPU time in percent of a core.
func (u usage) share() float64 { return 100 * u.cpu.Seconds() / u.took.Seconds() }

// meterFloor runs the floor for the warm-up and then measures it.
func meterFloor(t *testing.T, path string, load fidelity.Load, length time.Duration) usage {
	t.Helper()
	load.Length = time.Hour // it is stopped before
	c := start(t, new(syncBuffer), path, load.Args()...)
	defer c.stop()
	pause(t.Context(), t, *warmUp)
	return meter(t, c, length, func() {})
}

// meterDaemon does the same with the daemon, and scrapes it.
func meterDaemon(t *testing.T, path string, load fidelity.Load, collectors string, length time.Duration) usage {
	t.Helper()
	d := startDaemon(t, path, load, collectors)
	defer d.stop()
	pause(t.Context(), t, *warmUp)
	return meterServing(t, d, load, length)
}

// meterServing measures a daemon that is warm. All of the load must come through meanwhile.
func meterServing(t *testing.T, d *daemon, load fidelity.Load, length time.Duration) usage {
	t.Helper()
	before, _ := d.delivered(t)
	u := meter(t, d.child, length, func() { d.scrape(t, acceptProto) })
	after, bad := d.delivered(t)
	expected := float64(load.Partitions) * u.took.Seconds() / load.Interval.Seconds()
	if n := after - before; bad > 0 || n < .95*expected || n > 1.05*expected {
		t.Errorf("the daemon delivered %.0f records, want about %.0f; %.0f had another outcome", n, expected, bad)
	}
	return u
}
