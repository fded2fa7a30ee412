package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPerfTools is what scripts around Kafka's tools do: call them as ever and read their lines.
func TestPerfTools(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 3)
	bootstrap := strings.Join(c.ListenAddrs(), ",")
	lines := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(lines, []byte(strings.Repeat("a", 100)+"\n"+strings.Repeat("b", 300)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, args, want string
	}{
		{"before KIP-1147", "producer-perf-test --topic t --num-records 1000 --throughput -1 --record-size 100 --producer-props acks=1 linger.ms=5 bootstrap.servers=" + bootstrap,
			`^1000 records sent, \d+\.\d{6} records/sec \(\d+\.\d\d MB/sec\), \d+\.\d\d ms avg latency, \d+\.\d\d ms max latency, \d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99\.9th\.\n$`},
		{"after it", "producer-perf-test --bootstrap-server " + bootstrap + " --topic t --num-records 500 --record-size 100 --command-property acks=all batch.size=16384 compression.type=lz4",
			`^500 records sent, `},
		{"warm-up and lines as it has them now", "producer-perf-test --bootstrap-server " + bootstrap + " --topic t2 --num-records 30 --throughput 10 --record-size 100 --warmup-records 0 --reporting-interval 1000",
			`^(\d+ records sent, \d+\.\d records/sec \(0\.00 MB/sec\), \d+\.\d ms avg latency, \d+\.\d ms max latency\.\n){2,3}30 records sent, `},
		{"lines of a file", "producer-perf-test --bootstrap-server " + bootstrap + " --topic t3 --num-records 10 --payload-file " + lines, `^10 records sent, `},
		{"lines of a file, read again", "consumer-perf-test --bootstrap-server " + bootstrap + " --topic t3 --messages 10 --hide-header", `, 0\.0019, .*, 10, `}, // 200 B each
		{"fewer than asked for", "consumer-perf-test --bootstrap-server " + bootstrap + " --topic t3 --messages 20 --timeout 200 --fetch-size 1048576 --hide-header", `, 10, `},
		{"read again", "consumer-perf-test --bootstrap-server " + bootstrap + " --topic t --messages 1500 --timeout 10000 --group g",
			`^start\.time, end\.time, .*, fetch\.nMsg\.sec\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, .*, 0\.1431, \d+\.\d{4}, 1500, \d+\.\d{4}, 0, \d+, \d+\.\d{4}, \d+\.\d{4}\n$`},
		{"without a header", "consumer-perf-test --broker-list " + bootstrap + " --topic t --num-records 10 --hide-header", `^\d{4}-.*, 10, .*\n$`},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(tt.args), strings.NewReader(""), &stdout, &stderr); code != 0 && code != exitInvalid { // a busy host is late
			t.Errorf("%s: exit code %d\n%s", tt.name, code, &stderr)
		}
		if !regexp.MustCompile(tt.want).MatchString(stdout.String()) {
			t.Errorf("%s: printed\n%swant %s", tt.name, &stdout, tt.want)
		}
	}
}

func TestPerfToolsRefuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want string }{
		{"producer-perf-test --topic t --num-records 10", "no cluster: give --bootstrap-server, or bootstrap.servers among the properties"},
		{"producer-perf-test --topic t --num-records 10 --record-size 10 --bootstrap-server a:1", `--record-size "10": must be from 72B to 64MiB`},
		{"producer-perf-test --topic t --num-records 10 --producer-props delivery.timeout.ms=900000 bootstrap.servers=a:1", `delivery.timeout.ms "900000ms": must be a time from 100ms to 10m0s`},
		{"producer-perf-test --topic t --num-records 10 --producer-props acks=1 enable.idempotence=true bootstrap.servers=a:1", "enable.idempotence true with acks 1: "},
		{"producer-perf-test --topic t --num-records 10 --payload-file no-such-file --bootstrap-server a:1", "--payload-file read the payload: open no-such-file"},
		{"producer-perf-test --topic t --num-records 10 --payload-monotonic --bootstrap-server a:1", "--payload-monotonic: "},
		{"producer-perf-test --topic t --num-records 10 --reporting-interval 5s --bootstrap-server a:1", `--reporting-interval "5s": must be milliseconds`},
		{"producer-perf-test -1", "unknown"},
		{"--topic -1", "unknown"},
		{"consumer-perf-test --topic t --messages 10 --timeout 5s --bootstrap-server a:1", `--timeout "5s": must be milliseconds`},
		{"consumer-perf-test --from-latest --topic t --messages 10 --bootstrap-server a:1", "--from-latest: a topic is read from its start"},
		{"consumer-perf-test --topic t --include x --bootstrap-server a:1", "--include: one topic is read"},
		{"producer-perf-test --topic t --num-records 10 --transactional-id x --bootstrap-server a:1", "--transactional-id: transactions are not measured"},
		{"producer-perf-test --topic t --num-records 10 --warmup-records 5 --bootstrap-server a:1", "--warmup-records: kafka_prober bench --warmup takes a time"},
		{"producer-perf-test --topic t --num-records 10 --producer.config a --command-config b", "--command-config a and b: only one file of properties can be read"},
		{"producer-perf-test --topic t --num-records 10 --producer.config no-such-file", "read properties: open no-such-file"},
		{"producer-perf-test --topic t --num-records 10 --producer-props security.protocol=X bootstrap.servers=a:1", "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"},
		{"producer-perf-test --num-records 10", "required flag(s) '--topic' not provided"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(tt.args), strings.NewReader(""), &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: exit code %d\n%s\nwant 2, %s", tt.args, code, &stderr, tt.want)
		}
	}
}

// Several values behind one flag are one of each; what comes after them is as it was.
func TestSpread(t *testing.T) {
	t.Parallel()
	in := strings.Fields("producer-perf-test --producer-props acks=1 linger.ms=5 --topic t --command-property a=b rest x=y --throughput -1")
	want := strings.Fields("producer-perf-test --producer-props=acks=1 --producer-props=linger.ms=5 --topic t --command-property=a=b rest x=y --throughput=-1")
	if got := spread(in); !slices.Equal(got, want) {
		t.Errorf("spread %q to %q, want %q", in, got, want)
	}
}
