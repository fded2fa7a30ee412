package main

import (
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/seriesdoc"
)

// descText is how client_golang prints a description, which is all that it tells of one.
var descText = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: ("(?:[^"\\]|\\.)*"), unit: "[^"]*", constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}\}$`)

// collectorSeries describes the series of all collectors with all that is off by default: those too that
// are there only in trouble, or on a cluster of another kind than the demo's.
func collectorSeries(t *testing.T) (all []seriesdoc.Series) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	var members []collector.Member
	for _, k := range collector.Kinds.All() {
		settings := k.New()
		switch s := settings.(type) {
		case *collector.TrafficSettings:
			s.RecordSizes.Topics = ".*"
		case *collector.GroupsSettings:
			s.Partitions, s.ExactLag.Groups = true, ".*"
		}
		members = append(members, collector.Member{Name: k.Name, Settings: settings})
	}
	set, err := collector.NewSet(collector.Env{
		Cluster: "demo", Listener: "default", Log: log, ExpectedBrokers: 3,
		Factory: kafka.NewFactory(kafka.Settings{Cluster: "demo", BootstrapServers: []string{"127.0.0.1:9092"}}, log, nil),
	}, members)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	descs := make(chan *prometheus.Desc)
	go func() {
		set.Describe(descs)
		close(descs)
	}()
	for desc := range descs {
		all = append(all, describe(t, desc))
	}
	return all
}

// describe reads a description. Its type is in its name.
func describe(t *testing.T, desc *prometheus.Desc) seriesdoc.Series {
	t.Helper()
	parts := descText.FindStringSubmatch(desc.String())
	if parts == nil {
		t.Fatalf("can't read the description %s", desc)
	}
	help, err := strconv.Unquote(parts[2])
	if err != nil {
		t.Fatalf("can't read the help of %s: %v", desc, err)
	}
	s := seriesdoc.Series{Name: parts[1], Type: "gauge", Help: help}
	switch {
	case strings.HasSuffix(s.Name, "_total"):
		s.Type = "counter"
	case strings.HasPrefix(s.Name, "kafka_prober_sampled_"):
		s.Type = "histogram"
	}
	for _, label := range strings.Split(parts[3], ",") {
		name, _, _ := strings.Cut(label, "=")
		s.Labels = append(s.Labels, name)
	}
	if parts[4] != "" {
		s.Labels = append(s.Labels, strings.Split(parts[4], ",")...)
	}
	slices.Sort(s.Labels)
	return s
}
