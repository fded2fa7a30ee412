package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/prober/ledger"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares text with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is written now; go test -update writes it\n%s", file, got)
	}
}

// played returns a run with n records at latencies around ms, the last few of them not delivered.
func played(c *Case, n, bad int, ms float64) Run {
	m := newMeter()
	for i := range n {
		s := m.Series("t", int32(i%2+1))
		s.Count(&ledger.Tally{Due: 1})
		latency := time.Duration((ms + float64(i%100)/10) * float64(time.Millisecond))
		result := ledger.Result{Outcome: ledger.Delivered, Latency: latency}
		if i >= n-bad {
			result = ledger.Result{Outcome: ledger.Timeout, Latency: c.Timeout, Reason: "NOT_ENOUGH_REPLICAS"}
		}
		var t ledger.Tally
		t.Outcomes[result.Outcome]++
		s.Count(&t)
		s.Observe(&ledger.Batch{Results: []ledger.Result{result}, Samples: []ledger.Sample{
			{Leg: ledger.Acknowledge, Value: latency / 2}, {Leg: ledger.ScheduleLag, Value: 50 * time.Microsecond},
		}})
	}
	began := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	m.each(func(_ int32, b *brokerMeter) { b.last = began.Add(2 * time.Second) })
	s := &stretch{c: c, meter: m}
	run := Run{Started: began, Topic: "kafka-prober-bench-0123456789abcdef-1", Sending: 1.99}
	s.note(&run, began, began, began.Add(2*time.Second), uint64(n), true)
	s.collect(&run, began, use{}, use{cpu: 500 * time.Millisecond, maxRSS: 64 << 20})
	judge(&run, c)
	return run
}

// sample is a report with a good run, an invalid one, and assertions.
func sample(t *testing.T) *Report {
	t.Helper()
	p, err := planOf("size=100,1KiB", "rate=1000", "duration=2s", "assert=p99<=20ms", "assert=records_per_second>=900")
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{
		Schema: Schema, ID: "0123456789abcdef", Started: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Profile: "throughput",
		Environment: Environment{Version: "1.0.0", Revision: "abc", Go: "go1.26.0", Client: "franz-go v1.22.2", OS: "linux/amd64",
			CPUs: 2, Host: "here", Kafka: "v4.3", ClusterID: "Mk3OEYBSD34fcwNTJENDM2Qk", Brokers: 2},
	}
	for i, c := range p.Cases {
		r.Cases = append(r.Cases, CaseResult{PlannedCase: c, Runs: []Run{played(&c.Case, 2000, i*20, 3+4*float64(i))}})
	}
	r.finish(p, false)
	return r
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := sample(t).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", b.Bytes())
}

// The JSON is read by others: what is in it stays, under the same name.
func TestJSON(t *testing.T) {
	b, err := json.MarshalIndent(sample(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(b, '\n'))
}

func TestOMB(t *testing.T) {
	r := sample(t)
	r.Cases = r.Cases[:1]
	var b bytes.Buffer
	if err := r.WriteOMB(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "omb.json", b.Bytes())
}

// The page needs no network: nothing in it names another host but in a comment.
func TestHTML(t *testing.T) {
	r := sample(t)
	r.Cases[0].Name = "</script><script>alert(1)</script>"
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte("<script>alert")) {
		t.Error("a case's name gets into the page as it is")
	}
	if !bytes.Contains(b.Bytes(), []byte(`"end_to_end":[`)) || !bytes.Contains(b.Bytes(), []byte("uPlot=function")) {
		t.Error("no data or no charts in the page")
	}
	hosts := regexp.MustCompile(`(src|href|url)\s*[=(]\s*["']?(https?:)?//`)
	if found := hosts.Find(b.Bytes()); found != nil {
		t.Errorf("the page loads %s", found)
	}
	// All but the library, which is not ours.
	page := strings.ReplaceAll(b.String(), uplotScript, "")
	golden(t, "report.html", []byte(strings.ReplaceAll(page, uplotStyle, "")))
}

func TestVerdict(t *testing.T) {
	p, err := planOf("rate=1000", "duration=2s")
	if err != nil {
		t.Fatal(err)
	}
	c := &p.Cases[0].Case
	lag := func(ms float64) func(*Run) {
		return func(r *Run) { r.EndToEnd, r.ScheduleLag = &Latency{P99: 20}, &Latency{P99: ms} }
	}
	for _, test := range []struct {
		name   string
		change func(*Run)
		want   string
	}{
		{"good", func(*Run) {}, ""},
		{"lost", func(r *Run) { r.Counts.AcknowledgedLost = 2 }, "2 acknowledged records were lost"},
		{"corrupt", func(r *Run) { r.Counts.Corrupt = 1 }, "1 records came back with changed bytes"},
		{"undelivered", func(r *Run) { r.Counts.Delivered, r.Counts.Timeout = 1990, 10 }, "10 of 2000 records were not delivered within 30s"},
		{"skipped", func(r *Run) { r.Counts.Skipped = 5 }, "5 records were skipped: this process was suspended or starved for a while"},
		{"slow", func(r *Run) { r.Sending = 2.5 },
			"1000 records/s were asked for and 800 were sent: this host or its clients' buffers are too slow; lower --rate, or raise --producers or --buffer-memory"},
		{"late", lag(3), "this host handed records over late, 3.0 ms at p99 of an end-to-end p99 of 20.0 ms: it is overloaded, and its lateness is in the figures"},
		{"hardly late", lag(1.9), ""},
		{"interrupted", func(r *Run) { r.Partial, r.Sending = true, 5 }, ""},
	} {
		r := Run{Sending: 2, Counts: Counts{Due: 2000, Delivered: 2000}}
		test.change(&r)
		judge(&r, c)
		got := ""
		if len(r.Invalid) > 0 {
			got = r.Invalid[0]
		}
		if got != test.want || len(r.Invalid) > 1 {
			t.Errorf("%s: invalid for %q, want %q", test.name, r.Invalid, test.want)
		}
	}
}

func TestAssertions(t *testing.T) {
	r := Run{RecordsPerSec: 100, Seconds: 30, Counts: Counts{Due: 10, Delivered: 10}, EndToEnd: &Latency{P99: 20, P999: 25}}
	for text, want := range map[string]bool{
		"p99<=20ms": true, "p99<20ms": false, "p99.9 >= 25ms": true, "p99 == 20ms": true, "records_per_second>100": false,
		"all_within<=60s": true, "all_within<=10s": false, "error_ratio<=0": true, "lost==0": true, "ack_p50<=1s": false, // no such figure here
	} {
		a, err := parseAssertion(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.check(&r); got.Pass != want {
			t.Errorf("%s: %+v, want %v", text, got, want)
		}
	}
}

func TestProgress(t *testing.T) {
	i := &Interval{At: 3, RecordsPerSec: 1234.4, BytesPerSec: 5_000_000, EndToEnd: &Latency{P50: 2, P99: 12.34, Max: 123}}
	var plain, terminal bytes.Buffer
	for _, p := range []*Progress{{W: &plain}, {W: &terminal, Terminal: true}} {
		p.Begin(nil, &PlannedCase{Name: "size=1KiB"}, 2, 4)
		p.Tick(&Tick{Interval: i, Done: 0.25})
		p.End()
	}
	const line = "1234 records/s, 5.00 MB/s, p50 2.00 ms, p99 12.3 ms, max 123 ms"
	if want := "[2/4] size=1KiB: 3s, 25%: " + line + "\n"; plain.String() != want {
		t.Errorf("a file gets %q, want %q", plain.String(), want)
	}
	const erase = "\r\x1b[K"
	if want := erase + "[2/4] size=1KiB: warming up" + erase + "[2/4] size=1KiB [#####...............]  25% " + line + erase; terminal.String() != want {
		t.Errorf("a terminal gets %q, want %q", terminal.String(), want)
	}
}
