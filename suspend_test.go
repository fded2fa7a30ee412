package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestSuspended stops the daemon by SIGSTOP for a while. What was due meanwhile, and what was in flight
// when it began, is skipped: the prober's own absence is in no histogram, and nothing is caught up with.
func TestSuspended(t *testing.T) { testSuspended(t, 10*time.Second) }

func testSuspended(t *testing.T, absence time.Duration) {
	const partitions, rate = 3, 10
	c := fakeKafka(t, 3, kfake.SeedTopics(partitions, steadyTopic))
	for p := range int32(partitions) { // or the topic's keeper may add to what is probed meanwhile
		if err := c.MoveTopicPartition(steadyTopic, p, p); err != nil {
			t.Fatal(err)
		}
	}
	d := startDaemon(t, servers(c))
	await(t, 20*time.Second, "records", func() bool {
		return sum(d.scrape(t), "kafka_prober_records_total", map[string]string{"outcome": "delivered"}) > 60
	})
	before := logEnds(t, c)

	send(t, d.process, syscall.SIGSTOP)
	stopped := time.Now()
	wait := time.NewTimer(absence)
	defer wait.Stop()
	<-wait.C
	gone := time.Since(stopped)
	send(t, d.process, syscall.SIGCONT)
	const after = 3 * time.Second
	resumed := time.NewTimer(after)
	defer resumed.Stop()
	<-resumed.C
	grown, ran := logEnds(t, c)-before, time.Since(stopped)-gone

	series := d.scrape(t)
	checkScrape(t, series)
	skipped := sum(series, "kafka_prober_records_skipped_total", map[string]string{"probe": "steady", "reason": "suspended"})
	if want := gone.Seconds() * partitions * rate; skipped < 0.95*want-partitions || skipped > 1.05*want+rate*partitions {
		t.Errorf("skipped for a suspension of %v: %v records, want about %.0f", gone, skipped, want)
	}
	checkClean(t, "the daemon", series)
	var slow uint64
	for _, m := range series["kafka_prober_end_to_end_latency_seconds"].GetMetric() {
		for _, b := range m.GetHistogram().GetBucket() {
			if b.GetUpperBound() == 1 {
				slow += m.GetHistogram().GetSampleCount() - b.GetCumulativeCount()
			}
		}
	}
	if slow > 0 {
		t.Errorf("%d records of over 1 s in the histogram, want none", slow)
	}
	// It ran for a moment before and for three seconds after: more than these hold would be a burst.
	if want := ran.Seconds() * partitions * rate; float64(grown) > 1.1*want+partitions*2 {
		t.Errorf("%d records were sent around the suspension, want at most about %.0f", grown, want)
	}
	t.Logf("suspended for %v: %v records skipped, %d sent in the %v around it, none above 1 s", gone.Round(time.Millisecond), skipped, grown, ran.Round(time.Millisecond))
	d.terminate(t)
}
