//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/bench"
	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/promtest"
)

var perfAverage = regexp.MustCompile(`, ([\d.]+) ms avg latency.* 99\.9th`)

// TestBenchAckLatency asks bench and Kafka's own tool for the average latency of acknowledgements at the same
// rate, by turns. They have to agree within a millisecond.
func TestBenchAckLatency(t *testing.T) {
	c := kafkatest.Start(t)
	const rate, records, topic = 1000, 15_000, "ack"
	createTopic(t, c, topic, 3)
	servers := strings.Join(c.Bootstrap(), ",")
	java := func() float64 {
		out, err := c.ToolWithJVM(t.Context(), nil, "org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", fmt.Sprint(records),
			"--record-size", "1024", "--throughput", fmt.Sprint(rate), "--producer-props", "bootstrap.servers="+servers, "acks=all", "linger.ms=5",
			"--warmup-records", fmt.Sprint(5*rate)) // the JVM is slow at first
		found := perfAverage.FindAllStringSubmatch(out, -1)
		if err != nil || len(found) == 0 {
			t.Fatalf("ProducerPerformance: %v\n%s", err, out)
		}
		average, err := strconv.ParseFloat(found[len(found)-1][1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return average
	}
	ours := func() float64 {
		run := benchOnce(t, c, "--topic="+topic, "--consumers=0", "--size=1024", fmt.Sprint("--rate=", rate), fmt.Sprint("--records=", records-5*rate), "--warmup=5s")
		return run.Ack.Mean
	}
	java() // the brokers are slow at first, too
	var of [2][]float64
	for range *comparePairs {
		of[0] = append(of[0], ours())
		of[1] = append(of[1], java())
	}
	a, b := fidelity.Median(slices.Clone(of[0])), fidelity.Median(slices.Clone(of[1]))
	t.Logf("average ack latency at %d records/s: bench %.2f ms %.2f, ProducerPerformance %.2f ms %.2f", rate, a, of[0], b, of[1])
	if math.Abs(a-b) > 1 {
		t.Errorf("they differ by %.2f ms, want at most 1", a-b)
	}
}

// benchOnce runs bench and returns its only run, which has to be valid.
func benchOnce(t *testing.T, c *kafkatest.Cluster, args ...string) *bench.Run {
	t.Helper()
	run, err := benchRun(t, c, args...)
	if err != nil {
		t.Errorf("bench %v: %v: %v", args, err, run.Invalid)
	}
	return run
}

// benchRun runs bench and returns its only run; the error says that it is not valid.
func benchRun(t *testing.T, c *kafkatest.Cluster, args ...string) (*bench.Run, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"bench", "--kafka.bootstrap-servers=" + strings.Join(c.Bootstrap(), ","), "--output=json", "--quiet"}, args...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	var report bench.Report
	if jsonErr := json.Unmarshal(out, &report); jsonErr != nil || len(report.Cases) != 1 || len(report.Cases[0].Runs) != 1 {
		t.Fatalf("bench: %v, %v\n%s", err, jsonErr, out)
	}
	return &report.Cases[0].Runs[0], err
}

// TestBenchRates asks for rates from one record a second to two hundred thousand: as many have to be sent as
// slots are due, on time as long as the machine has processors left.
func TestBenchRates(t *testing.T) {
	c := kafkatest.Start(t)
	const length, size = 30 * time.Second, 100
	// The brokers are slow at first, too slow for this to be valid.
	_, _ = benchRun(t, c, "--size=100", "--rate=200000", "--duration=45s", "--replication-factor=1")
	t.Log("   rate/s       due      sent in s   lag p99 ms   end to end p50, p99 ms   processors in use")
	for _, rate := range []int{1, 10, 100, 1_000, 10_000, 50_000, 100_000, 200_000} {
		before := promtest.ProcessorTime(t)
		run := benchOnce(t, c, fmt.Sprint("--size=", size), fmt.Sprint("--rate=", rate), fmt.Sprint("--duration=", length), "--replication-factor=1")
		busy := promtest.ProcessorTime(t).Share(before)
		lag, end := run.ScheduleLag, run.EndToEnd
		t.Logf("%9d %9d %14.2f %12.3f %12.2f %9.2f %18.0f %%", rate, run.Counts.Due, run.Sending, lag.P99, end.P50, end.P99, 100*busy)
		if want := uint64(rate) * uint64(length.Seconds()); run.Counts.Due+1 < want || run.Counts.Due > want+1 {
			t.Errorf("at %d/s: %d records were due, want %d", rate, run.Counts.Due, want)
		}
		if sum := run.Counts.Delivered + run.Counts.Undelivered(); sum != run.Counts.Due {
			t.Errorf("at %d/s: %d records were due and %d judged", rate, run.Counts.Due, sum)
		}
		if busy < .8 && lag.P99 > .1*end.P99 {
			t.Errorf("at %d/s: schedule lag p99 %v ms, want at most a tenth of the end to end p99 of %v ms", rate, lag.P99, end.P99)
		}
	}
}

// TestBenchAccount sends twenty million records with acks of all replicas, and kills and restarts a broker
// meanwhile: each record has to be judged, none lost, none doubled, in memory that does not grow.
func TestBenchAccount(t *testing.T) {
	c := kafkatest.Start(t)
	const records = 20_000_000
	path, err := binary()
	if err != nil {
		t.Fatalf("build kafka_prober: %v\n%s", err, path)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	p := start(t, "bench", "--kafka.bootstrap-servers="+strings.Join(c.Bootstrap(), ","), fmt.Sprint("--records=", records), "--size=100", "--acks=all",
		"--topic-config=min.insync.replicas=2", "--timeout=2m", "--warmup=5s", "--output=json="+file)
	began := time.Now()
	var memory []float64
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	killed, back := false, false
	for running := true; running; {
		select {
		case <-p.exited:
			running = false
		case <-tick.C:
			memory = append(memory, float64(promtest.UsageOf(t, p.cmd.Process.Pid).Resident)/(1<<20))
			done := progress(p.output.String())
			if !killed && done > 40 {
				killed = true
				t.Logf("broker 2 killed at %.0f %%", done)
				if err := c.Broker(2).Kill(); err != nil {
					t.Fatal(err)
				}
			}
			if !back && done > 60 {
				back = true
				if err := c.Broker(2).Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				t.Logf("broker 2 back at %.0f %%", progress(p.output.String()))
			}
		}
		if time.Since(began) > 20*time.Minute {
			t.Fatal("still running")
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report bench.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	run := &report.Cases[0].Runs[0]
	n := run.Counts
	t.Logf("exit code %d; %d due in %.0f s: %d delivered, %d failed, %d timed out, %d lost; %d acknowledged and lost, %d duplicate, %d reordered, %d corrupt",
		p.wait(t, time.Second), n.Due, run.Seconds, n.Delivered, n.Failed, n.Timeout, n.Lost, n.AcknowledgedLost, n.Duplicate, n.Reordered, n.Corrupt)
	first, second := memory[len(memory)/10:len(memory)/2], memory[len(memory)/2:]
	t.Logf("resident: median of the first half %.0f MiB, of the second %.0f, at most %.0f", fidelity.Median(slices.Clone(first)), fidelity.Median(slices.Clone(second)), slices.Max(memory))
	if !killed || !back {
		t.Error("no broker was killed and restarted")
	}
	if n.Due != records || n.Delivered+n.Undelivered()+n.Skipped != records || n.Lost+n.AcknowledgedLost+n.Duplicate+n.Corrupt+n.Reordered != 0 {
		t.Errorf("counts are %+v", n)
	}
}

var percent = regexp.MustCompile(`, (\d+)%: `)

// progress returns the last share of the run that bench showed.
func progress(output string) float64 {
	found := percent.FindAllStringSubmatch(output, -1)
	if len(found) == 0 {
		return 0
	}
	n, _ := strconv.ParseFloat(found[len(found)-1][1], 64) // digits
	return n
}
