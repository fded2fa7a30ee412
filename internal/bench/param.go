package bench

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"

	"github.com/kafka-prober/kafka_prober/prober/record"
)

// Case is one set of parameters that is measured, in the units and words of the report.
type Case struct {
	Records           int64         `json:"records,omitempty"`     // to send; 0: as long as Duration
	Duration          time.Duration `json:"duration_ns,omitempty"` // of the measured stretch; 0: as long as Records take
	Rate              float64       `json:"rate"`                  // records/s; 0: as fast as the cluster takes them
	Size              int           `json:"size"`                  // of a record's value, in bytes
	Acks              string        `json:"acks"`                  // all, 1 or 0
	Compression       string        `json:"compression"`
	Linger            time.Duration `json:"linger_ns"`
	BatchSize         int           `json:"batch_size"` // bytes
	InFlight          int           `json:"in_flight"`  // produce requests per broker; 0: the client's choice
	Idempotent        bool          `json:"idempotent"`
	Partitions        int           `json:"partitions"`         // 0: one per broker
	ReplicationFactor int           `json:"replication_factor"` // 0: 3, or as many as there are brokers
	BufferMemory      int           `json:"buffer_memory"`      // bytes of values that may wait in all clients together
	FetchMinBytes     int           `json:"fetch_min_bytes"`
	Timeout           time.Duration `json:"timeout_ns"`
	Producers         int           `json:"producers"`
	Consumers         int           `json:"consumers"`
	Keys              string        `json:"keys"`    // none, round-robin or random
	Payload           string        `json:"payload"` // random, zero, ratio:R or file:PATH
	Warmup            time.Duration `json:"warmup_ns"`

	contents []byte // of the payload's file
}

// LeastSize is the size of the smallest record: the header that makes it verifiable, in bytes.
const LeastSize = record.HeaderSize

// Param is a parameter: a flag of the command. A list of values makes a case of each.
type Param struct {
	Name string // of the flag
	Form string // of its value, for the help
	Help string
	set  func(c *Case, text string) error
	get  func(c *Case) string
}

// Params returns the parameters in the order of the help.
func Params() []Param { return slices.Clone(params) }

var params = []Param{
	{"records", "N", "Records to send, spread over the partitions; with --duration whichever comes first.",
		func(c *Case, s string) (err error) { c.Records, err = whole(s, 1, math.MaxInt64/2); return err },
		func(c *Case) string { return strconv.FormatInt(c.Records, 10) }},
	{"size", "BYTES", "Size of a record's value, 72 bytes at least (the header that makes it verifiable).",
		func(c *Case, s string) (err error) {
			c.Size, err = size(s, LeastSize, 64<<20)
			return err
		}, func(c *Case) string { return bytesText(c.Size) }},
	{"rate", "R", "Records per second, on an open-loop schedule; 0 is as fast as the cluster takes them.",
		func(c *Case, s string) (err error) { c.Rate, err = real(s, 0, 1e8); return err },
		func(c *Case) string { return strconv.FormatFloat(c.Rate, 'f', -1, 64) }},
	{"duration", "TIME", "Time of the measured stretch. Default 10s if --records is not given.",
		func(c *Case, s string) (err error) {
			c.Duration, err = span(s, 10*time.Millisecond, 240*time.Hour)
			return err
		}, func(c *Case) string { return c.Duration.String() }},
	{"acks", "all|1|0", "Replicas that must have a record before the broker acknowledges it.",
		func(c *Case, s string) (err error) {
			if s == "-1" {
				s = "all"
			}
			c.Acks, err = word(s, "all", "1", "0")
			return err
		}, func(c *Case) string { return c.Acks }},
	{"compression", "CODEC", "none, gzip, snappy, lz4 or zstd.",
		func(c *Case, s string) (err error) {
			c.Compression, err = word(s, "none", "gzip", "snappy", "lz4", "zstd")
			return err
		}, func(c *Case) string { return c.Compression }},
	{"linger", "TIME", "How long a client waits for a batch to fill.",
		func(c *Case, s string) (err error) { c.Linger, err = span(s, 0, time.Minute); return err },
		func(c *Case) string { return c.Linger.String() }},
	{"batch-size", "BYTES", "Largest batch of a partition.",
		func(c *Case, s string) (err error) { c.BatchSize, err = size(s, 1024, 64<<20); return err },
		func(c *Case) string { return bytesText(c.BatchSize) }},
	{"in-flight", "N", "Produce requests on their way per broker; only without --idempotent, 0 is the client's choice.",
		func(c *Case, s string) (err error) { n, err := whole(s, 0, 1000); c.InFlight = int(n); return err },
		func(c *Case) string { return strconv.Itoa(c.InFlight) }},
	{"idempotent", "true|false", "No duplicates and no reordering by retries; needs --acks all. Default: with acks all.",
		func(c *Case, s string) (err error) {
			s, err = word(s, "true", "false")
			c.Idempotent = s == "true"
			return err
		}, func(c *Case) string { return strconv.FormatBool(c.Idempotent) }},
	{"partitions", "N", "Partitions of the topic. Default: one per broker.",
		func(c *Case, s string) (err error) { n, err := whole(s, 1, 100_000); c.Partitions = int(n); return err },
		func(c *Case) string { return strconv.Itoa(c.Partitions) }},
	{"replication-factor", "N", "Replicas of each partition. Default: 3, or as many as there are brokers.",
		func(c *Case, s string) (err error) {
			n, err := whole(s, 1, 1<<15-1)
			c.ReplicationFactor = int(n)
			return err
		}, func(c *Case) string { return strconv.Itoa(c.ReplicationFactor) }},
	{"buffer-memory", "BYTES", "What may wait in the producing clients, all together, in bytes of values.",
		func(c *Case, s string) (err error) { c.BufferMemory, err = size(s, 1024, 64<<30); return err },
		func(c *Case) string { return bytesText(c.BufferMemory) }},
	{"fetch-min-bytes", "BYTES", "What a broker waits for before it answers a fetch, for half a second at most.",
		func(c *Case, s string) (err error) { c.FetchMinBytes, err = size(s, 1, 64<<20); return err },
		func(c *Case) string { return bytesText(c.FetchMinBytes) }},
	{"timeout", "TIME", "Deadline of a record; one that is not delivered by then counts as this late, and makes the run invalid.",
		func(c *Case, s string) (err error) {
			c.Timeout, err = span(s, 100*time.Millisecond, 10*time.Minute)
			return err
		}, func(c *Case) string { return c.Timeout.String() }},
	{"producers", "N", "Senders, each with clients and partitions of its own; 0 sends nothing and reads what is there.",
		func(c *Case, s string) (err error) { n, err := whole(s, 0, 1000); c.Producers = int(n); return err },
		func(c *Case) string { return strconv.Itoa(c.Producers) }},
	{"consumers", "N", "Readers: as many as producers (the default), or 0 to read nothing back: what is acknowledged is delivered then.",
		func(c *Case, s string) (err error) { n, err := whole(s, 0, 1000); c.Consumers = int(n); return err },
		func(c *Case) string { return strconv.Itoa(c.Consumers) }},
	{"keys", "KIND", "none, round-robin or random keys, of 10,000; partitions are chosen by turns all the same.",
		func(c *Case, s string) (err error) {
			c.Keys, err = word(s, "none", "round-robin", "random")
			return err
		},
		func(c *Case) string { return c.Keys }},
	{"payload", "KIND", "What follows the header: random, zero, ratio:R (the share R is random, the rest zero) or file:PATH.",
		setPayload, func(c *Case) string { return c.Payload }},
	{"warmup", "TIME", "Time of sending before the measured stretch, not counted; at most as many records as are measured.",
		func(c *Case, s string) (err error) { c.Warmup, err = span(s, 0, time.Hour); return err },
		func(c *Case) string { return c.Warmup.String() }},
}

func setPayload(c *Case, s string) error {
	c.Payload = s
	kind, rest, _ := strings.Cut(s, ":")
	switch kind {
	case "random", "zero":
		if rest == "" {
			return nil
		}
	case "ratio":
		if r, err := strconv.ParseFloat(rest, 64); err == nil && r >= 0 && r <= 1 {
			return nil
		}
		return fmt.Errorf("%q: write the random share after the colon, from 0 to 1, for example ratio:0.5", s)
	case "file":
		contents, err := os.ReadFile(rest)
		if err != nil {
			return fmt.Errorf("read the payload: %w", err)
		}
		if len(contents) == 0 {
			return fmt.Errorf("%s is empty: a payload needs at least one byte", rest)
		}
		c.contents = contents
		return nil
	}
	return fmt.Errorf("%q: must be random, zero, ratio:R or file:PATH", s)
}

// padding returns what follows the headers of the case's records.
func (c *Case) padding() *record.Pool {
	kind, rest, _ := strings.Cut(c.Payload, ":")
	switch kind {
	case "zero":
		return record.NewPool(c.Size, 0)
	case "ratio":
		r, _ := strconv.ParseFloat(rest, 64) // checked
		return record.NewPool(c.Size, r)
	case "file":
		return record.NewPoolOf(c.Size, c.contents)
	}
	return record.NewPool(c.Size, 1)
}

func whole(s string, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q: must be a whole number from %d to %d", s, least, most)
	}
	return n, nil
}

func real(s string, least, most float64) (float64, error) {
	r, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil || math.IsNaN(r) || r < least || r > most {
		return 0, fmt.Errorf("%q: must be a number from %v to %v", s, least, most)
	}
	return r, nil
}

// size reads bytes: a number, or one with KiB, MiB (1024) or KB, MB (1000).
func size(s string, least, most int) (int, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if n, err = units.ParseStrictBytes(s); err != nil {
			return 0, fmt.Errorf("%q: must be bytes, for example 1024, 1KiB or 1MB", s)
		}
	}
	if n < int64(least) || n > int64(most) {
		return 0, fmt.Errorf("%q: must be from %s to %s", s, bytesText(least), bytesText(most))
	}
	return int(n), nil
}

func span(s string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("%q: must be a time from %v to %v, with its unit: 500ms, 30s, 5m", s, least, most)
	}
	return d, nil
}

func word(s string, words ...string) (string, error) {
	if !slices.Contains(words, s) {
		return "", fmt.Errorf("%q: must be one of %s", s, strings.Join(words, ", "))
	}
	return s, nil
}

// bytesText writes a size as short as it is exact.
func bytesText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + "MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + "KiB"
	}
	return strconv.Itoa(n) + "B"
}
