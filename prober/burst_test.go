package prober

import (
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

func TestBurstSettings(t *testing.T) {
	k, ok := Kinds.Get("burst")
	if !ok || !k.Default {
		t.Fatal("no kind burst that runs by default")
	}
	if err := k.New().Validate(); err != nil {
		t.Fatalf("the default settings: %v", err)
	}
	for _, test := range []struct {
		change func(*BurstSettings)
		want   string
	}{
		{func(s *BurstSettings) { s.Interval = 1 }, "interval: must be at least 1s, is 1ns"},
		{func(s *BurstSettings) { s.Records = 1 }, "records: must be from 2 to 1000000, is 1"},
		{func(s *BurstSettings) { s.Size = 71 }, "size: must be from 72B (the header) to 64MiB, is 71B"},
		{func(s *BurstSettings) { s.MaxBytesPerSecond = 1 << 30 },
			"max_bytes_per_second: must be from 1 to 100MiB, is 1GiB: to find out what the cluster can take use the command bench"},
		{func(s *BurstSettings) { s.MaxTimeShare = 0.6 }, "max_time_share: must be above 0 and at most 0.5, is 0.6"},
		{func(s *BurstSettings) { s.Rate = -1 }, "rate: must be from 0 (as max_bytes_per_second allows) to 1000000 records per second, is -1"},
		{func(s *BurstSettings) { s.Linger = kind.Duration(2 * time.Second) }, "linger: must be from 0 to 1s, is 2s"},
		{func(s *BurstSettings) { s.Timeout = 0 }, "timeout: must be at least 100ms, is 0s"},
		{func(s *BurstSettings) { s.Topic = "a b" }, "topic: "},
		{func(s *BurstSettings) { s.ReplicationFactor = -1 }, "replication_factor: must be a number of brokers, is -1"},
		{func(s *BurstSettings) { s.Rate = 30_000 },
			"rate: 30000 records of 1KiB are more than max_bytes_per_second, 20MiB: lower the rate, or leave it to the limit with 0"},
		{func(s *BurstSettings) { s.Records = 10_000 },
			"records: a burst would take 10s of each 1m0s, above max_time_share, 0.1: send fewer records, faster or less often"},
		{func(s *BurstSettings) { s.Timeout = kind.Duration(40 * time.Second) },
			"timeout: a burst of 100ms and a timeout of 40s do not end before the next burst may begin, 36s later: shorten the timeout or lengthen the interval"},
	} {
		s := k.New().(*BurstSettings)
		test.change(s)
		err := s.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v:\n%v\nwant\n%s", s, err, test.want)
		}
	}
}

// Whatever the settings are that Validate lets pass, a broker never gets more than it may.
func TestBurstCaps(t *testing.T) {
	k, _ := Kinds.Get("burst")
	s := k.New().(*BurstSettings)
	s.Rate = 0
	s.Records = 1000
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if perSecond := float64(s.Size) / s.spacing().Seconds(); perSecond > float64(s.MaxBytesPerSecond)*1.001 {
		t.Errorf("%.0f bytes/s in a burst, the limit is %d", perSecond, s.MaxBytesPerSecond)
	}
}
