package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/prober"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// topicForms are the forms in which topics can be printed, by the flag's value.
var topicForms = map[string]struct {
	print     func(io.Writer, topics.Spec, int) error
	separator string // begins each topic but the first
}{
	"kafka-topics": {topics.PrintKafkaTopics, "\n"},
	"strimzi":      {topics.PrintStrimzi, "---\n"},
	"terraform":    {topics.PrintTerraform, "\n"},
}

// printTopics prints how to create each cluster's topics by hand, and nothing else, so that it can be
// piped to where it belongs.
func printTopics(ctx context.Context, cfg *config.Config, o *options, log *slog.Logger, out io.Writer) error {
	form := topicForms[o.printTopics]
	separator := ""
	var failures []error
	for _, c := range cfg.Clusters {
		brokers := o.checkBrokers
		if brokers <= 0 {
			var err error
			if brokers, err = countBrokers(ctx, c, log); err != nil {
				failures = append(failures, fmt.Errorf("cluster %s: count its brokers: %s (%w); give --brokers=N to print without asking", c.Name, advice(err), err))
				continue
			}
		}
		for _, spec := range specs(c) {
			fmt.Fprintf(out, "%s# cluster %s (%s)\n", separator, c.Name, strings.Join(c.BootstrapServers, ","))
			if err := form.print(out, spec, brokers); err != nil {
				return err
			}
			separator = form.separator
		}
	}
	return errors.Join(failures...)
}

// specs returns what the probes of a cluster need of their topics.
func specs(c config.Cluster) (all []topics.Spec) {
	for _, instance := range c.Probes {
		if settings, ok := instance.Settings.(prober.Settings); ok {
			all = append(all, settings.Topics()...)
		}
	}
	return all
}

func countBrokers(ctx context.Context, c config.Cluster, log *slog.Logger) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	client, err := askingClient(c, "check", 0, log)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	return len(meta.Brokers), nil
}
