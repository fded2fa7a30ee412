package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// planOf makes a plan of flags written as name=value.
func planOf(flags ...string) (*Plan, error) {
	o := Options{Values: map[string]string{}, Repeat: 1}
	for _, flag := range flags {
		name, value, _ := strings.Cut(flag, "=")
		switch name {
		case "topic":
			o.Topic = value
		case "topic-config":
			o.TopicConfig = append(o.TopicConfig, value)
		case "assert":
			o.Assert = append(o.Assert, value)
		case "profile":
			o.Profile = value
		case "repeat":
			fmt.Sscan(value, &o.Repeat)
		default:
			o.Values[name] = value
		}
	}
	return NewPlan(o)
}

func TestMatrix(t *testing.T) {
	p, err := planOf("size=100,1KiB,100KiB", "acks=1,all", "rate=50000", "profile=latency")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Cases {
		got = append(got, fmt.Sprintf("%s: %d %s %v", c.Name, c.Size, c.Acks, c.Idempotent))
	}
	want := []string{
		"size=100B acks=1: 100 1 false", "size=100B acks=all: 100 all true",
		"size=1KiB acks=1: 1024 1 false", "size=1KiB acks=all: 1024 all true",
		"size=100KiB acks=1: 102400 1 false", "size=100KiB acks=all: 102400 all true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("cases are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n, known := p.Cases[0].slots(); n != 500_000 || !known {
		t.Errorf("10 s at 50,000/s are %d slots, %v", n, known)
	}
}

// Every flag that can't be used says what to do, and all of them are said at once.
func TestBadFlags(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ flags, want string }{
		{"records=0", `--records "0": must be a whole number from 1 to 4611686018427387903`},
		{"size=71", `--size "71": must be from 72B to 64MiB`},
		{"size=1k", `--size "1k": must be bytes, for example 1024, 1KiB or 1MB`},
		{"rate=-1", `--rate "-1": must be a number from 0 to 1e+08`},
		{"duration=10", `--duration "10": must be a time from 10ms to 240h0m0s, with its unit: 500ms, 30s, 5m`},
		{"acks=2", `--acks "2": must be one of all, 1, 0`},
		{"compression=lzo", `--compression "lzo": must be one of none, gzip, snappy, lz4, zstd`},
		{"idempotent=yes", `--idempotent "yes": must be one of true, false`},
		{"keys=zipf", `--keys "zipf": must be one of none, round-robin, random`},
		{"payload=ratio:2", `--payload "ratio:2": write the random share after the colon, from 0 to 1, for example ratio:0.5`},
		{"payload=ones", `--payload "ones": must be random, zero, ratio:R or file:PATH`},
		{"payload=file:/no/such/file", `--payload read the payload: open /no/such/file: no such file or directory`},
		{"payload=file:" + empty, `--payload ` + empty + ` is empty: a payload needs at least one byte`},
		{"profile=speed", `--profile "speed": must be one of throughput, latency, durability, availability`},
		{"repeat=0", `--repeat 0: must be at least 1`},
		{"topic-config=a", `--topic-config "a": write it as name=value, for example retention.ms=60000`},
		{"assert=p99", `--assert "p99": write a figure, a comparison and a limit, for example 'p99<=20ms' or 'records_per_second>=50000'`},
		{"assert=p98<=1ms", `--assert "p98<=1ms": no figure "p98": there are all_within, bytes_per_second, corrupt, cpu_seconds_per_million_records, duplicate, error_ratio, lost, max, mean, p50, p75, p95, p99, p99.9, p99.99, records_per_second, reordered, and latencies with ack_ or lag_ before them`},
		{"assert=p99<=20", `--assert "p99<=20": p99 is a time: write its unit, for example p99<=20ms`},
		{"assert=lost<=1s", `--assert "lost<=1s": "1s" is no limit for lost: write a plain number, for example 50000, or 0.01 for a hundredth`},
		{"assert=error_ratio<=1%", `--assert "error_ratio<=1%": "1%" is no limit for error_ratio: write a plain number, for example 50000, or 0.01 for a hundredth`},
		{"assert=p99<=x", `--assert "p99<=x": "x" is no limit for p99: write a time with its unit, for example 20ms`},
		{"assert=lost==0 consumers=0", `--assert "lost==0" with --consumers 0: nobody reads the records back, so that it could never fail; read them back, or assert on error_ratio`},
		{"idempotent=true acks=1", `--idempotent true with --acks 1: Kafka wants acks all for it; leave one of the two out`},
		{"in-flight=3", `--in-flight with --idempotent: an idempotent client has five requests in flight and no other number; add --idempotent false`},
		{"producers=0 consumers=0", `--producers 0 with --consumers 0: nothing would be measured`},
		{"producers=0", `--producers 0 without --topic: say what to read`},
		{"producers=2 consumers=3", `--consumers 3 with --producers 2: each sender's records are read back by a reader of its own: give the same number, or 0`},
		{"producers=4 partitions=3", `--producers 4 with --partitions 3: each sender needs a partition of its own: raise the partitions`},
		{"acks=0 consumers=0", `--acks 0 with --consumers 0: nobody would know whether a record arrived; read them back or ask for acks`},
		{"size=1MiB buffer-memory=1KiB", `--size 1MiB with --buffer-memory 1KiB: not one record fits: raise the buffer`},
		{"rate=0.01 duration=1s", `--rate 0.01 with --duration 1s: not one record would be due: raise one of them`},
		{"size=1 acks=5", "--size \"1\": must be from 72B to 64MiB\n--acks \"5\": must be one of all, 1, 0"},
		{"size=" + strings.Repeat("100,", 1200) + "100", `--size makes more than 1000 cases: shorten the lists`},
	} {
		_, err := planOf(strings.Fields(test.flags)...)
		if err == nil || err.Error() != test.want {
			t.Errorf("%.60s:\n%v\nwant\n%s", test.flags, err, test.want)
		}
	}
}

// What a profile sets, a flag may change.
func TestProfiles(t *testing.T) {
	for _, profile := range Profiles {
		p, err := planOf("profile=" + profile)
		if err != nil {
			t.Fatal(err)
		}
		c := p.Cases[0]
		if c.Name != profile || c.Duration != 10*time.Second || c.Idempotent != (c.Acks == "all") {
			t.Errorf("%s: %+v", profile, c)
		}
	}
	p, err := planOf("profile=durability", "topic-config=min.insync.replicas=1")
	if err != nil || p.config["min.insync.replicas"] != "1" || p.config["unclean.leader.election.enable"] != "false" {
		t.Errorf("topics would be made with %v, %v", p.config, err)
	}
}
