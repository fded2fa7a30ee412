package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// checkTimeout bounds what check asks of one cluster: a broker that does not answer is an answer.
const checkTimeout = 10 * time.Second

// runCheck says what the daemon would do with the configuration, what it lacks and what it can't reach.
// It writes nothing to the clusters. Its error means that the daemon could not do its job.
func runCheck(o *options, log *slog.Logger, out io.Writer) error {
	cfg, err := o.loadConfig()
	if err != nil {
		return err
	}
	if o.printTopics != "" && o.checkBrokers > 0 {
		return printTopics(cfg, o, out, func(config.Cluster) (int, error) { return o.checkBrokers, nil })
	}
	fmt.Fprintf(out, "configuration: %d cluster(s), every key understood\n", len(cfg.Clusters))
	if o.configOnly {
		return nil
	}
	ctx, stop := interrupted()
	defer stop()
	if o.printTopics != "" {
		return printTopics(cfg, o, out, func(c config.Cluster) (int, error) { return countBrokers(ctx, c, log) })
	}
	var bad []string
	for _, c := range cfg.Clusters {
		if !checkCluster(ctx, c, log, out) {
			bad = append(bad, c.Name)
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("the daemon could not do its whole job on: %s", strings.Join(bad, ", "))
	}
	fmt.Fprintln(out, "all is well: the daemon can do its job")
	return nil
}

// checkCluster reports on one cluster and returns whether the daemon can do its job there.
func checkCluster(ctx context.Context, c config.Cluster, log *slog.Logger, out io.Writer) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	fmt.Fprintf(out, "\ncluster %s (%s)\n", c.Name, strings.Join(c.BootstrapServers, ", "))
	client, err := newFactory(c, log, kafka.NewTraffic()).Client("check", kgo.RequestTimeoutOverhead(3*time.Second))
	if err != nil {
		fmt.Fprintf(out, "  PROBLEM  %v\n", err)
		return false
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		fmt.Fprintf(out, "  PROBLEM  no broker can be reached: %s (%v)\n", advice(err), err)
		return false
	}
	ok := checkBrokers(ctx, client, out)
	mode, err := topics.ParseMode(c.TopicManagement)
	if err != nil {
		fmt.Fprintf(out, "  PROBLEM  %v\n", err)
		return false
	}
	for _, instance := range c.Probes {
		settings, isProbe := instance.Settings.(prober.Settings)
		if !isProbe {
			continue
		}
		fmt.Fprintf(out, "  probe %s (%s)\n", instance.Name, instance.Kind.Name)
		for _, spec := range settings.Topics() {
			ok = checkTopic(ctx, client, spec, mode, out) && ok
		}
		ok = checkRights(ctx, client, settings.Rights(mode), out) && ok
	}
	return ok
}

// checkBrokers asks every broker something that needs no right.
func checkBrokers(ctx context.Context, client *kgo.Client, out io.Writer) bool {
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		fmt.Fprintf(out, "  PROBLEM  no broker says who else there is: %s (%v)\n", advice(err), err)
		return false
	}
	ok := true
	slices.SortFunc(meta.Brokers, func(a, b kmsg.MetadataResponseBroker) int { return int(a.NodeID) - int(b.NodeID) })
	for _, b := range meta.Brokers {
		if _, err := client.Broker(int(b.NodeID)).Request(ctx, kmsg.NewPtrApiVersionsRequest()); err != nil {
			fmt.Fprintf(out, "  PROBLEM  broker %d at %s:%d can't be reached: %s (%v)\n", b.NodeID, b.Host, b.Port, advice(err), err)
			ok = false
			continue
		}
		fmt.Fprintf(out, "  ok       broker %d at %s:%d answers\n", b.NodeID, b.Host, b.Port)
	}
	return ok
}

// checkTopic reports what would be done about a topic and what is wrong with it.
func checkTopic(ctx context.Context, client *kgo.Client, spec topics.Spec, mode topics.Mode, out io.Writer) bool {
	seen, err := topics.Observe(ctx, client, spec.Topic)
	if err != nil {
		fmt.Fprintf(out, "  PROBLEM  topic %s: %v\n", spec.Topic, err)
		return false
	}
	ok := true
	plan := topics.NewPlan(spec, seen, mode, topics.Circumstances{})
	if seen.Exists {
		fmt.Fprintf(out, "  ok       topic %s exists, %d partition(s); it is used as it is\n", spec.Topic, len(seen.Partitions))
	}
	for _, a := range plan.Actions {
		fmt.Fprintf(out, "  would    %s\n", a)
	}
	for _, d := range plan.Deferred {
		fmt.Fprintf(out, "  later    %s (%s)\n", d.Action, d.Why)
	}
	for _, p := range plan.Problems {
		word := "warning "
		if p.Fatal {
			word, ok = "PROBLEM ", false
		}
		fmt.Fprintf(out, "  %s %s\n", word, p.Text)
	}
	return ok
}

// printTopics prints how to create each cluster's topics by hand.
func printTopics(cfg *config.Config, o *options, out io.Writer, brokers func(config.Cluster) (int, error)) error {
	form := map[string]func(io.Writer, topics.Spec, int) error{
		"kafka-topics": topics.PrintKafkaTopics, "strimzi": topics.PrintStrimzi, "terraform": topics.PrintTerraform,
	}[o.printTopics]
	var failures []error
	for _, c := range cfg.Clusters {
		n, err := brokers(c)
		if err != nil {
			failures = append(failures, fmt.Errorf("cluster %s: count brokers: %w; give --brokers to print without asking", c.Name, err))
			continue
		}
		for _, spec := range specs(c) {
			if err := form(out, spec, n); err != nil {
				return err
			}
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
	client, err := newFactory(c, log, kafka.NewTraffic()).Client("check")
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
