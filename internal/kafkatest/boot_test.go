//go:build kafka

package kafkatest

import (
	"syscall"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

// BenchmarkBoot measures what doc.go says of boot time and memory. CPU seconds are those of all nodes and
// of StorageTool: on a loaded machine they tell more than the time that passed.
func BenchmarkBoot(b *testing.B) {
	for name, opts := range map[string][]Option{
		"plain": nil,
		"jmx":   {JMXPages()},
	} {
		b.Run(name, func(b *testing.B) {
			var rss float64
			before := childrenCPU(b)
			for b.Loop() {
				c, err := Run(b.Context(), opts...)
				if err != nil {
					b.Fatal(err)
				}
				for _, n := range c.nodes {
					rss += float64(promtest.UsageOf(b, n.PID()).Resident) / (1 << 20)
				}
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((childrenCPU(b)-before)/float64(b.N), "cpu-s/op")
			b.ReportMetric(rss/float64(b.N), "MiB/op")
		})
	}
}

// childrenCPU is the CPU time in seconds of the children that were waited for.
func childrenCPU(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
