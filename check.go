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

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/prober"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

const (
	// checkTimeout bounds what check asks of one cluster.
	checkTimeout = 20 * time.Second
	// answerTimeout is how long one request may take: no answer by then is an answer.
	answerTimeout = 3 * time.Second
)

// runCheck says what the daemon would do with the configuration, what it lacks and what it can't reach.
// It writes nothing to the clusters. Its error means that the daemon could not do its whole job.
func runCheck(o *options, log *slog.Logger, out io.Writer) error {
	cfg, err := o.loadConfig()
	if err != nil {
		return err
	}
	log = aside(log)
	ctx, stop := interrupted()
	defer stop()
	if o.printTopics != "" {
		return printTopics(ctx, cfg, o, log, out)
	}
	if o.properties != "" {
		if err := tellProperties(o, out); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, "configuration: every key is understood, %s\n", clusterCount(len(cfg.Clusters)))
	}
	if o.configOnly {
		return nil
	}
	var bad []string
	for _, c := range cfg.Clusters {
		for _, c := range c.Ways() {
			if !checkCluster(ctx, c, log, out) {
				bad = append(bad, title(c))
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: the report is not complete")
	case len(bad) > 0:
		fmt.Fprintln(out)
		return fmt.Errorf("the daemon could not do its whole job on %s: see each PROBLEM above", strings.Join(bad, ", "))
	}
	fmt.Fprintln(out, "\nall is well: the daemon can do its job")
	return nil
}

// tellProperties says what of a Java client's properties leads into the cluster and what does nothing
// here. It shows no value.
func tellProperties(o *options, out io.Writer) error {
	client, err := o.loadProperties()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "properties: %s says how to reach the cluster\n", o.properties)
	r := &report{out: out}
	for _, e := range client.Unused {
		r.warn("%s:%d: %s changes nothing with this security.protocol, or here", e.Source, e.Line, e.Key)
	}
	var others []string
	for _, e := range client.Rest {
		others = append(others, e.Key)
	}
	if len(others) > 0 {
		r.hint("not looked at, as not about the way in: %s", strings.Join(others, ", "))
	}
	return nil
}

// title names a cluster, and its listener if that is not its first.
func title(c config.Cluster) string {
	if c.Listener == config.DefaultListener {
		return c.Name
	}
	return c.Name + ", listener " + c.Listener
}

func clusterCount(n int) string {
	if n == 1 {
		return "1 cluster"
	}
	return fmt.Sprintf("%d clusters", n)
}

// aside returns a log for the clients of a command that reports by itself: what they say about each
// attempt would bury the report, and is of use at debug level only.
func aside(log *slog.Logger) *slog.Logger {
	if log.Enabled(context.Background(), slog.LevelDebug) {
		return log
	}
	return slog.New(slog.DiscardHandler)
}

// askingClient returns a client that gives up soon. retries is how often it repeats a failed request;
// with a time limit on the whole instead, the error would be the limit's and not the first one's.
func askingClient(c config.Cluster, role string, retries int, log *slog.Logger) (*kgo.Client, error) {
	return newFactory(c, log, kafka.NewTraffic()).Client(role,
		kgo.RequestTimeoutOverhead(answerTimeout), kgo.RequestRetries(retries))
}

// checkCluster reports on one cluster and returns whether the daemon can do its whole job there.
func checkCluster(ctx context.Context, c config.Cluster, log *slog.Logger, out io.Writer) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	fmt.Fprintf(out, "\ncluster %s\n", title(c))
	r := &report{out: out}
	mode, err := topics.ParseMode(c.TopicManagement)
	if err != nil {
		r.problem("%v", err)
		return false
	}
	if !checkBootstrap(ctx, c, log, r) {
		return false
	}
	client, err := askingClient(c, "check", 2, log)
	if err != nil {
		r.problem("%v", err)
		return false
	}
	defer client.Close()
	checkBrokers(ctx, client, c, r)
	if len(c.Probes) == 0 {
		r.warn("no probe is configured: nothing is measured on this cluster")
	}
	for _, instance := range c.Probes {
		settings, isProbe := instance.Settings.(prober.Settings)
		if !isProbe {
			continue
		}
		fmt.Fprintf(out, "  probe %s (%s)\n", instance.Name, instance.Kind.Name)
		for _, spec := range settings.Topics() {
			checkTopic(ctx, client, spec, mode, r)
		}
		checkRights(ctx, client, c, settings.Rights(mode), r)
	}
	if len(c.Collectors) > 0 {
		fmt.Fprintln(out, "  collectors")
		checkRights(ctx, client, c, collectorRights(c), r)
	}
	return !r.bad
}

// collectorRights returns what a cluster's collectors need, each right once. Each of them does without:
// what it can't ask for is absent, the rest goes on.
func collectorRights(c config.Cluster) []kind.Right {
	var rights []kind.Right
	for _, instance := range c.Collectors {
		settings, needs := instance.Settings.(collector.WithRights)
		if !needs {
			continue
		}
		for _, right := range settings.Rights() {
			right.Optional = true
			if !slices.ContainsFunc(rights, func(r kind.Right) bool { return r.String() == right.String() }) {
				rights = append(rights, right)
			}
		}
	}
	return rights
}

// checkTopic reports what would be done about a topic and what is wrong with it. What would be done is
// put to the cluster's own validation, so that a missing right or a policy shows before the first start.
func checkTopic(ctx context.Context, client *kgo.Client, spec topics.Spec, mode topics.Mode, r *report) {
	seen, err := topics.Observe(ctx, client, spec.Topic)
	if err != nil {
		r.problem("topic %s can't be looked at: %s (%v)", spec.Topic, advice(err), err)
		return
	}
	if seen.Exists {
		r.ok("topic %s exists with %d partition(s)", spec.Topic, len(seen.Partitions))
	}
	plan := topics.NewPlan(spec, seen, mode, topics.Circumstances{})
	var refused []topics.Refusal
	for _, a := range plan.Actions {
		lacked, err := topics.Validate(ctx, client, a)
		for _, l := range lacked {
			r.warn("the cluster does not let the prober choose %s of topic %s (%s): it would go without", l.Lacked, spec.Topic, l.Reason)
		}
		if refusal, ok := errors.AsType[*topics.Refusal](err); ok {
			refused = append(refused, *refusal)
		} else if err != nil {
			r.problem("the cluster does not say whether it lets the prober %s: %s (%v)", a, advice(err), err)
		}
	}
	if len(refused) > 0 {
		plan = topics.NewPlan(spec, seen, mode, topics.Circumstances{Refused: refused})
	}
	for _, a := range plan.Actions {
		r.would("%s", a)
	}
	for _, d := range plan.Deferred {
		r.later("%s (%s)", d.Action, d.Why)
	}
	for _, p := range plan.Problems {
		// A broker that is not covered is one that nothing is measured of, which is the daemon's job.
		if p.Fatal || p.Kind == topics.ProblemUncovered {
			r.problem("%s", p.Text)
		} else {
			r.warn("%s", p.Text)
		}
	}
}
