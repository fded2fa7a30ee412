package fidelity

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

// Load is what a run sends and for how long.
type Load struct {
	Servers    []string      // bootstrap servers
	Topic      string        // exists, with at least so many partitions
	Partitions int           // the first so many are used
	Interval   time.Duration // between two records of a partition
	Size       int           // of a record's value, in bytes
	WarmUp     time.Duration // sent, but not measured
	Length     time.Duration // of what is measured
}

// ParseLoad reads the flags that Args writes. The error says what is wrong with them.
func ParseLoad(name string, args []string) (Load, error) {
	var l Load
	var servers string
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.StringVar(&servers, "servers", "", "bootstrap servers, separated by commas")
	f.StringVar(&l.Topic, "topic", "", "topic to send to")
	f.IntVar(&l.Partitions, "partitions", 3, "partitions to send to, from 0 on")
	f.DurationVar(&l.Interval, "interval", 100*time.Millisecond, "time between two records of a partition")
	f.IntVar(&l.Size, "size", 128, "bytes of a record's value")
	f.DurationVar(&l.WarmUp, "warm-up", 3*time.Second, "time before measuring")
	f.DurationVar(&l.Length, "length", 10*time.Second, "time to measure")
	if err := f.Parse(args); err != nil {
		return Load{}, err
	}
	if servers == "" || l.Topic == "" {
		return Load{}, errors.New("-servers and -topic are needed")
	}
	if l.Interval <= 0 || l.Partitions < 1 || l.Size < MinSize {
		return Load{}, fmt.Errorf("-interval %v, -partitions %d, -size %d: want above 0, at least 1, at least %d",
			l.Interval, l.Partitions, l.Size, MinSize)
	}
	l.Servers = strings.Split(servers, ",")
	return l, nil
}

// MinSize is the size of the prober's header: what is smaller could not be compared.
const MinSize = 72

// Args returns the flags that make ParseLoad return l.
func (l Load) Args() []string {
	return []string{
		"-servers=" + strings.Join(l.Servers, ","),
		"-topic=" + l.Topic,
		fmt.Sprintf("-partitions=%d", l.Partitions),
		fmt.Sprintf("-interval=%v", l.Interval),
		fmt.Sprintf("-size=%d", l.Size),
		fmt.Sprintf("-warm-up=%v", l.WarmUp),
		fmt.Sprintf("-length=%v", l.Length),
	}
}

// End returns when a run has sent everything, from its start.
func (l Load) End() time.Duration { return l.WarmUp + l.Length }
