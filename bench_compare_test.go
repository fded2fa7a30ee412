//go:build bench

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-prober/kafka_prober/internal/bench"
	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
)

var (
	comparePairs   = flag.Int("compare.pairs", 9, "runs of each program in TestBenchCompare")
	compareRecords = flag.Int("compare.records", 4_000_000, "records of a run of 100 bytes; larger ones get fewer")
	compareSizes   = flag.String("compare.sizes", "100,1024,10240", "sizes of records")
	compareAcks    = flag.String("compare.acks", "1,all", "acks")
	compareCodecs  = flag.String("compare.compression", "none,lz4", "compressions")
	compareJava    = flag.Bool("compare.java", true, "run Kafka's own tools, too: most of the time")
	compareMore    = flag.String("compare.flags", "", "more flags of bench, separated by spaces")
)

// TestBenchCompare runs bench, a bare franz-go loop and Kafka's own tool by turns on one cluster, each as
// its users start it, and prints the ratios of their records/s and of their processors' seconds. bench
// stamps and checksums every record and accounts for it; the others do not.
func TestBenchCompare(t *testing.T) {
	c := kafkatest.Start(t)
	path, err := binary()
	if err != nil {
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	floor := filepath.Join(t.TempDir(), "floor")
	if out, err := exec.Command("go", "build", "-o", floor, "./internal/bench/floor").CombinedOutput(); err != nil {
		t.Fatalf("build floor: %v\n%s", err, out)
	}
	servers := strings.Join(c.Bootstrap(), ",")
	warm := comparison{c: c, bench: path, servers: servers, size: "100", acks: "all", codec: "none", records: recordsOf(100)}
	for range 2 { // the brokers are slow at first
		warm.onNewTopic(warm.ours)(t)
	}
	for _, size := range strings.Split(*compareSizes, ",") {
		for _, acks := range strings.Split(*compareAcks, ",") {
			for _, codec := range strings.Split(*compareCodecs, ",") {
				t.Run(size+" "+acks+" "+codec, func(t *testing.T) {
					bytes, err := strconv.Atoi(size)
					if err != nil {
						t.Fatal(err)
					}
					comparison{
						c: c, bench: path, floor: floor, servers: servers, size: size, acks: acks, codec: codec, records: recordsOf(bytes),
					}.run(t)
				})
			}
		}
	}
}

// comparison is the three programs with one set of parameters.
type comparison struct {
	c                     *kafkatest.Cluster
	bench, floor, servers string
	size, acks, codec     string
	records               int
}

func (c comparison) run(t *testing.T) {
	programs := []program{{"bench", c.onNewTopic(c.ours)}, {"bare franz-go loop", c.onNewTopic(c.bare)}}
	if *compareJava {
		programs = append(programs, program{"ProducerPerformance", c.onNewTopic(c.java)})
	}
	c.sideBySide(t, programs...)
}

// onNewTopic lets a program run on a topic of its own, which goes before it gets to the disk: that is the same
// for all, and comes in one's way when it was the other who wrote.
func (c comparison) onNewTopic(run func(t *testing.T, topic string) float64) func(*testing.T) float64 {
	return func(t *testing.T) float64 {
		const topic = "compare"
		drop := createTopic(t, c.c, topic, 1)
		defer drop()
		return run(t, topic)
	}
}

// recordsOf returns how many records of a size take one or two seconds at least, so that starting is little of it.
func recordsOf(bytes int) int {
	return max(min(*compareRecords, *compareRecords*300/bytes), *compareRecords/25)
}

// createTopic makes a topic of three partitions and returns what deletes it, at the end of the test at the latest.
func createTopic(t *testing.T, c *kafkatest.Cluster, topic string, replicas int16) (drop func()) {
	t.Helper()
	o := newOperator(t, c)
	_, err := o.admin.CreateTopic(t.Context(), 3, replicas, map[string]*string{"file.delete.delay.ms": kadm.StringPtr("100")}, topic)
	if err != nil {
		t.Fatalf("create topic %s: %v", topic, err)
	}
	drop = sync.OnceFunc(func() {
		if _, err := o.admin.DeleteTopic(context.WithoutCancel(t.Context()), topic); err != nil {
			t.Errorf("delete topic %s: %v", topic, err)
		}
	})
	t.Cleanup(drop)
	return drop
}

// program is one of those that are compared. It runs once and returns its records/s.
type program struct {
	name string
	run  func(*testing.T) float64
}

// sideBySide runs the programs by turns and prints how the first stands to the others.
func (c comparison) sideBySide(t *testing.T, programs ...program) {
	rates, cpus := make([][]float64, len(programs)), make([][]float64, len(programs))
	for pair := range *comparePairs {
		for i := range programs {
			which := (pair + i) % len(programs) // whoever comes first pays for it in turn
			before := childrenCPU(t)
			rate := programs[which].run(t)
			cpu := (childrenCPU(t) - before) / float64(c.records) * 1e6
			rates[which], cpus[which] = append(rates[which], rate), append(cpus[which], cpu)
		}
	}
	for i, p := range programs {
		t.Logf("%-20s %9.0f records/s  %6.2f CPU s per million", p.name, fidelity.Median(slices.Clone(rates[i])), fidelity.Median(slices.Clone(cpus[i])))
	}
	for i, p := range programs[1:] {
		t.Logf("%s / %-20s records/s %v, CPU %v", programs[0].name, p.name, fidelity.MedianRatio(rates[0], rates[i+1]), fidelity.MedianRatio(cpus[0], cpus[i+1]))
	}
}

// childrenCPU returns the seconds of processor that this process's ended children have used; the brokers
// still run.
func childrenCPU(t *testing.T) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		t.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func (c comparison) ours(t *testing.T, topic string) float64 {
	args := []string{"bench", "--kafka.bootstrap-servers=" + c.servers, "--topic=" + topic, "--consumers=0", fmt.Sprint("--records=", c.records),
		"--warmup=0s", "--size=" + c.size, "--acks=" + c.acks, "--compression=" + c.codec, "--output=json", "--quiet"}
	out, err := exec.CommandContext(t.Context(), c.bench, append(args, strings.Fields(*compareMore)...)...).Output()
	var report bench.Report
	if jsonErr := json.Unmarshal(out, &report); jsonErr != nil || report.Cases[0].Runs[0].Counts.Delivered != uint64(c.records) {
		t.Fatalf("bench: %v, %v\n%s", err, jsonErr, out)
	}
	return report.Cases[0].Runs[0].RecordsPerSec
}

func (c comparison) bare(t *testing.T, topic string) float64 {
	out, err := exec.CommandContext(t.Context(), c.floor, "-servers="+c.servers, "-topic="+topic, fmt.Sprint("-records=", c.records),
		"-size="+c.size, "-acks="+c.acks, "-compression="+c.codec).Output()
	if err != nil {
		t.Fatalf("floor: %v", err)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		t.Fatal(err)
	}
	return rate
}

var perfRate = regexp.MustCompile(`, ([\d.]+) records/sec .* 99\.9th`)

func (c comparison) java(t *testing.T, topic string) float64 {
	out, err := c.c.ToolWithJVM(t.Context(), nil, "org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", fmt.Sprint(c.records),
		"--record-size", c.size, "--throughput", "-1", "--producer-props", "bootstrap.servers="+c.servers, "acks="+c.acks, "compression.type="+c.codec)
	found := perfRate.FindStringSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("ProducerPerformance: %v\n%s", err, out)
	}
	rate, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return rate
}

// TestBenchCompareConsume reads a topic again with bench, which verifies every record, and with Kafka's own tool,
// which counts them.
func TestBenchCompareConsume(t *testing.T) {
	c := kafkatest.Start(t)
	path, err := binary()
	if err != nil {
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	for _, size := range strings.Split(*compareSizes, ",") {
		t.Run(size, func(t *testing.T) {
			bytes, err := strconv.Atoi(size)
			if err != nil {
				t.Fatal(err)
			}
			of := comparison{
				c: c, bench: path, servers: strings.Join(c.Bootstrap(), ","), size: size, acks: "1", codec: "none", records: recordsOf(bytes),
			}
			const topic = "consume"
			createTopic(t, c, topic, 1)
			of.ours(t, topic)
			reads := func(run func(*testing.T, string) float64) func(*testing.T) float64 {
				return func(t *testing.T) float64 { return run(t, topic) }
			}
			of.sideBySide(t, program{"bench", reads(of.oursReads)}, program{"ConsumerPerformance", reads(of.javaReads)})
		})
	}
}

func (c comparison) oursReads(t *testing.T, topic string) float64 {
	out, err := exec.CommandContext(t.Context(), c.bench, "bench", "--kafka.bootstrap-servers="+c.servers, "--topic="+topic, "--producers=0",
		fmt.Sprint("--records=", c.records), "--warmup=0s", "--output=json", "--quiet").Output()
	var report bench.Report
	if jsonErr := json.Unmarshal(out, &report); err != nil || jsonErr != nil || report.Cases[0].Runs[0].Counts.Delivered != uint64(c.records) {
		t.Fatalf("bench: %v, %v\n%s", err, jsonErr, out)
	}
	return report.Cases[0].Runs[0].RecordsPerSec
}

// javaReads returns the rate of the fetches alone: the tool's group takes seconds to form.
func (c comparison) javaReads(t *testing.T, topic string) float64 {
	out, err := c.c.ToolWithJVM(t.Context(), nil, "org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server", c.servers,
		"--topic", topic, "--messages", fmt.Sprint(c.records), "--timeout", "60000", "--hide-header")
	fields := strings.Split(strings.TrimSpace(out), ",")
	if err != nil || len(fields) != 10 {
		t.Fatalf("ConsumerPerformance: %v\n%s", err, out)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(fields[9]), 64) // fetch.nMsg.sec
	if err != nil {
		t.Fatal(err)
	}
	return rate
}
