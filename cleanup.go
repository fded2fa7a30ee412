package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// runCleanup deletes the topics that the probes made, one cluster after the other, after asking.
func runCleanup(o *options, log *slog.Logger, in io.Reader, out io.Writer) error {
	cfg, err := o.loadConfig()
	if err != nil {
		return err
	}
	ctx, stop := interrupted()
	defer stop()
	answers := bufio.NewScanner(in)
	var failures []error
	for _, c := range cfg.Clusters {
		if err := cleanUp(ctx, c, o.yes, log, answers, out); err != nil {
			failures = append(failures, fmt.Errorf("cluster %s: %w", c.Name, err))
		}
	}
	return errors.Join(failures...)
}

func cleanUp(ctx context.Context, c config.Cluster, yes bool, log *slog.Logger, answers *bufio.Scanner, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	client, err := newFactory(c, log, kafka.NewTraffic()).Client("cleanup")
	if err != nil {
		cancel()
		return err
	}
	defer client.Close()
	ours, kept, err := topics.FindOurs(ctx, client, specs(c))
	cancel() // a person may take longer
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		fmt.Fprintf(out, "%s: %s is kept: %s\n", c.Name, name, kept[name])
	}
	if len(ours) == 0 {
		fmt.Fprintf(out, "%s: no topic of the probes' to delete\n", c.Name)
		return nil
	}
	for _, topic := range ours {
		fmt.Fprintf(out, "%s: topic %s, %d partition(s), would be deleted\n", c.Name, topic.Topic, topic.Partitions)
	}
	if !yes {
		fmt.Fprint(out, "Delete? A running prober creates them again. [y/N] ")
		if !answers.Scan() || !strings.EqualFold(strings.TrimSpace(answers.Text()), "y") {
			fmt.Fprintln(out, "nothing deleted")
			return nil
		}
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	for _, topic := range ours {
		if err := topics.Delete(ctx, client, topic); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: topic %s deleted\n", c.Name, topic.Topic)
	}
	return nil
}
