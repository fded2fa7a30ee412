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
	agreed := func(question string) (bool, error) { return true, nil }
	if !o.yes {
		lines := bufio.NewReader(in)
		agreed = func(question string) (bool, error) {
			fmt.Fprint(out, question+" [y/N] ")
			return agreement(ctx, lines)
		}
	}
	var failures []error
	for _, c := range cfg.Clusters {
		if err := cleanUp(ctx, c, aside(log), agreed, out); err != nil {
			failures = append(failures, fmt.Errorf("cluster %s: %w", c.Name, err))
		}
	}
	return errors.Join(failures...)
}

// cleanUp deletes the probes' topics of one cluster if agreed.
func cleanUp(ctx context.Context, c config.Cluster, log *slog.Logger, agreed func(string) (bool, error), out io.Writer) error {
	client, err := askingClient(c, "cleanup", 2, log)
	if err != nil {
		return err
	}
	defer client.Close()
	looking, cancel := context.WithTimeout(ctx, checkTimeout)
	ours, kept, err := topics.FindOurs(looking, client, specs(c))
	cancel() // a person may take longer
	if err != nil {
		return fmt.Errorf("nothing deleted: %s (%w)", advice(err), err)
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		fmt.Fprintf(out, "%s: topic %s is kept: %s\n", c.Name, name, kept[name])
	}
	if len(ours) == 0 {
		fmt.Fprintf(out, "%s: the probes have no topic here that could be deleted\n", c.Name)
		return nil
	}
	for _, topic := range ours {
		fmt.Fprintf(out, "%s: topic %s, %d partition(s), would be deleted\n", c.Name, topic.Topic, topic.Partitions)
	}
	yes, err := agreed("Delete? A prober that still runs creates them again.")
	if err != nil {
		return err
	}
	if !yes {
		fmt.Fprintf(out, "%s: nothing deleted\n", c.Name)
		return nil
	}
	deleting, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var failures []error
	for _, topic := range ours {
		if err := topics.Delete(deleting, client, topic); err != nil {
			failures = append(failures, err)
			continue
		}
		fmt.Fprintf(out, "%s: topic %s deleted\n", c.Name, topic.Topic)
	}
	return errors.Join(failures...)
}

// agreement reads a line and returns whether it says yes. Without a line nobody was asked, which is an
// error: a script must not take it for success.
func agreement(ctx context.Context, lines *bufio.Reader) (bool, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // a read from a terminal can't be interrupted
		text, err := lines.ReadString('\n')
		answers <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return false, errors.New("interrupted: nothing deleted")
	case a := <-answers:
		text := strings.ToLower(strings.TrimSpace(a.text))
		if text == "" && a.err != nil {
			return false, errors.New("nothing deleted: nobody answers; --yes deletes without asking")
		}
		return text == "y" || text == "yes", nil
	}
}
