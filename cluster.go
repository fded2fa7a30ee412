package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
	"github.com/kafka-prober/kafka_prober/prober/topics"
)

// cluster is what runs on one cluster by one of its listeners. It belongs to the daemon, which calls one method at a time.
type cluster struct {
	name        string
	listener    string
	fingerprint string       // of what all probes and collectors share
	log         *slog.Logger // names the cluster
	base        *slog.Logger // for those who name it themselves
	gatherer    *collector.Gatherer
	recorder    *recorder.Recorder
	factory     *kafka.Factory
	unwatch     context.CancelFunc // ends the watching of the credentials' files
	unwatched   chan struct{}      // closed when it has ended

	probes     map[string]*probe
	everProbed []string // names of probes whose series exist

	collectors            *collector.Set // nil if there are none
	collectorsFingerprint string
}

// probe is a running probe.
type probe struct {
	fingerprint string
	end         context.CancelFunc
	ended       chan struct{}
}

func (d *daemon) newCluster(c config.Cluster) *cluster {
	log := d.limited()
	watching, unwatch := background()
	r := &cluster{
		name: c.Name, listener: c.Listener, fingerprint: c.Fingerprint(), base: log,
		log:      log.With("kafka_cluster", c.Name, "listener", c.Listener),
		gatherer: d.gatherer, recorder: d.recorder, factory: newFactory(c, log, d.traffic),
		unwatch: unwatch, unwatched: make(chan struct{}), probes: map[string]*probe{},
	}
	go func() {
		defer close(r.unwatched)
		r.factory.Watch(watching)
	}()
	return r
}

// newFactory returns what makes the clients of a cluster.
func newFactory(c config.Cluster, log *slog.Logger, traffic *kafka.Traffic) *kafka.Factory {
	return kafka.NewFactory(kafka.Settings{
		Cluster: c.Name, Listener: c.Listener, BootstrapServers: c.BootstrapServers, AddressMap: c.AddressMap, ClientID: c.ClientID,
		TLS: c.TLS, SASL: c.SASL,
	}, log, traffic)
}

// apply lets run what c says: what is new starts, what is gone ends, what has changed does both, and the
// rest goes on undisturbed.
func (r *cluster) apply(c config.Cluster) error {
	mode, err := topics.ParseMode(c.TopicManagement)
	if err != nil {
		return err
	}
	var kept []string
	for _, instance := range c.Probes {
		kept = append(kept, instance.Name)
	}
	for name, running := range r.probes {
		i := slices.IndexFunc(c.Probes, func(p config.Instance) bool { return p.Name == name })
		if i < 0 || c.Probes[i].Fingerprint() != running.fingerprint {
			running.stop()
			delete(r.probes, name)
		}
	}
	for _, name := range r.everProbed {
		if !slices.Contains(kept, name) {
			r.recorder.Remove(r.name, r.listener, name)
		}
	}
	r.everProbed = kept
	var failures []error
	for _, instance := range c.Probes {
		if r.probes[instance.Name] == nil {
			if err := r.startProbe(instance, mode, c.MaxTopicRate); err != nil {
				failures = append(failures, fmt.Errorf("probe %q: %w", instance.Name, err))
			}
		}
	}
	failures = append(failures, r.applyCollectors(c))
	return errors.Join(failures...)
}

func (r *cluster) startProbe(instance config.Instance, mode topics.Mode, maxTopicRate float64) error {
	settings, ok := instance.Settings.(prober.Settings)
	if !ok {
		return fmt.Errorf("settings of type %T are not a probe's", instance.Settings)
	}
	ctx, end := background()
	p := &probe{fingerprint: instance.Fingerprint(), end: end, ended: make(chan struct{})}
	log := r.log.With("probe", instance.Name)
	env := prober.Env{Factory: r.factory, Mode: mode, MaxTopicRate: maxTopicRate, Log: log}
	promise := settings.Promise()
	promised := r.promised(instance.Name, promise)
	switch {
	case promise.Appends:
		env.Flush = r.recorder.Flush(promised)
	case promise.Topic != "":
		env.Sink = r.recorder.Probe(promised)
	default:
		env.Reach = r.recorder.Reach(promised)
	}
	go func() {
		defer close(p.ended)
		if err := settings.Run(ctx, env); err != nil {
			log.Error("probe ended", "err", err)
		}
	}()
	r.probes[instance.Name] = p
	return nil
}

// promised is a probe's promise in the recorder's words.
func (r *cluster) promised(name string, p prober.Promise) recorder.Probe {
	out := recorder.Probe{
		Cluster: r.name, Listener: r.listener, Name: name, Topic: p.Topic,
		Timeout: p.Timeout, Interval: p.Interval, RecordSize: p.RecordSize,
		Objective: p.Objective, SLOLatency: p.SLOLatency, Lean: p.Lean,
	}
	for _, t := range p.Thresholds {
		out.Thresholds = append(out.Thresholds, recorder.Threshold(t))
	}
	return out
}

func (r *cluster) applyCollectors(c config.Cluster) error {
	var prints []string
	var members []collector.Member
	for _, i := range c.Collectors {
		prints = append(prints, i.Fingerprint())
		members = append(members, collector.Member{Name: i.Name, Settings: i.Settings})
	}
	fingerprint := strings.Join(prints, " ")
	if fingerprint == r.collectorsFingerprint {
		return nil
	}
	r.closeCollectors()
	r.collectorsFingerprint = fingerprint
	if len(members) == 0 {
		return nil
	}
	env := collector.Env{Cluster: r.name, Listener: r.listener, Factory: r.factory, Log: r.base, ExpectedBrokers: c.ExpectedBrokers}
	set, err := collector.NewSet(env, members)
	if err != nil {
		return err
	}
	r.gatherer.Add(set)
	set.Start(context.Background())
	r.collectors = set
	return nil
}

func (r *cluster) closeCollectors() {
	if r.collectors == nil {
		return
	}
	r.collectors.Close()
	r.gatherer.Remove(r.collectors)
	r.collectors = nil
}

// close ends everything, side by side, and waits.
func (r *cluster) close() {
	for _, p := range r.probes {
		p.end()
	}
	r.closeCollectors()
	for _, p := range r.probes {
		<-p.ended
	}
	r.unwatch()
	<-r.unwatched
}

func (p *probe) stop() {
	p.end()
	<-p.ended
}
