package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"github.com/kafka-prober/kafka_prober/collector"
	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/logging"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

// daemon is everything that runs: the clusters of the configuration in force, and what gathers their series. Apply and Close exclude each other; the rest may be called at any time.
type daemon struct {
	log      *slog.Logger
	registry *prometheus.Registry // of all series but the collectors'
	gatherer *collector.Gatherer  // of all series
	recorder *recorder.Recorder
	traffic  *kafka.Traffic
	reloads  reloads
	started  time.Time

	mu       sync.Mutex
	config   *config.Config
	clusters map[way]*cluster
	classic  string
	closed   bool
}

// way is a cluster as one of its listeners leads to it: by their names.
type way struct{ cluster, listener string }

// reloads are the series that say how the last reading of the configuration went.
type reloads struct {
	ok prometheus.Gauge
	at prometheus.Gauge
}

// newDaemon returns a daemon that runs nothing yet. Its histograms have the form that cfg asks for, for
// good: buckets that come and go would break every rule over them.
func newDaemon(cfg *config.Config, log *slog.Logger) *daemon {
	d := &daemon{
		log:      log,
		registry: prometheus.NewRegistry(),
		recorder: recorder.New(recorder.Options{Classic: cfg.ClassicHistograms}),
		traffic:  kafka.NewTraffic(),
		started:  time.Now(),
		clusters: map[way]*cluster{},
		classic:  cfg.ClassicHistograms,
		reloads: reloads{
			ok: prometheus.NewGauge(prometheus.GaugeOpts{
				Name: "kafka_prober_config_last_reload_successful",
				Help: "Whether the configuration could be read the last time; if not, the one before it is in force.",
			}),
			at: prometheus.NewGauge(prometheus.GaugeOpts{
				Name: "kafka_prober_config_last_reload_success_timestamp_seconds",
				Help: "When the configuration in force was read, in Unix time.",
			}),
		},
	}
	d.gatherer = collector.NewGatherer(d.registry)
	d.registry.MustRegister(
		versioncollector.NewCollector("kafka_prober"),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		d.recorder, d.recorder.Signals(), d.traffic, d.reloads.ok, d.reloads.at,
	)
	return d
}

// apply makes cfg the configuration in force. What is the same in it as in the one before goes on
// undisturbed; what has changed or gone is ended first, side by side.
func (d *daemon) apply(cfg *config.Config) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errors.New("kafka_prober is stopping")
	}
	if cfg.ClassicHistograms != d.classic {
		d.log.Warn("classic_histograms changes at the next start only", "in_force", d.classic, "configured", cfg.ClassicHistograms)
	}
	wanted := make(map[way]config.Cluster, len(cfg.Clusters))
	var ways []config.Cluster
	for _, c := range cfg.Clusters {
		for _, c := range c.Ways() {
			ways = append(ways, c)
			wanted[way{c.Name, c.Listener}] = c
		}
	}
	var ending sync.WaitGroup
	probed := map[way][]string{} // by clusters that begin anew
	for name, running := range d.clusters {
		c, still := wanted[name]
		if still && c.Fingerprint() == running.fingerprint {
			continue
		}
		delete(d.clusters, name)
		probed[name] = running.everProbed
		ending.Go(running.close)
		if !still {
			defer d.forget(running)
		}
	}
	ending.Wait()

	var failures []error
	for _, c := range ways {
		running := d.clusters[way{c.Name, c.Listener}]
		if running == nil {
			running = d.newCluster(c)
			running.everProbed = probed[way{c.Name, c.Listener}]
			d.clusters[way{c.Name, c.Listener}] = running
		}
		if err := running.apply(c); err != nil {
			failures = append(failures, fmt.Errorf("cluster %q, listener %q: %w", c.Name, c.Listener, err))
		}
	}
	d.config = cfg
	d.reloads.ok.Set(1)
	d.reloads.at.SetToCurrentTime()
	return errors.Join(failures...)
}

// forget ends the series of a cluster that is gone.
func (d *daemon) forget(c *cluster) {
	for _, name := range c.everProbed {
		d.recorder.Remove(c.name, c.listener, name)
	}
	d.traffic.Forget(c.name, c.listener)
}

// reload reads the configuration again. If it can't be used the one in force stays.
func (d *daemon) reload(load func() (*config.Config, error)) error {
	cfg, err := load()
	if err == nil {
		err = d.apply(cfg)
	}
	if err != nil {
		d.reloads.ok.Set(0)
		d.log.Error("configuration not reloaded; the old one stays in force", "err", err)
		return err
	}
	d.log.Info("configuration reloaded", "clusters", len(cfg.Clusters))
	return nil
}

// current returns the configuration in force.
func (d *daemon) current() *config.Config {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config
}

// close ends all that runs and waits for it; probes drain. The series stay.
func (d *daemon) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	var ending sync.WaitGroup
	for _, c := range d.clusters {
		ending.Go(c.close)
	}
	ending.Wait()
}

// limited returns a log for what runs on clusters: what repeats is held back, or an outage would fill
// the disk.
func (d *daemon) limited() *slog.Logger {
	const every = 10 * time.Second
	return slog.New(logging.RateLimited(d.log.Handler(), every,
		"probe", "topic", "partition", "collector", "broker", "client", "kind", "kafka_cluster", "listener"))
}

// background returns a context for what a cluster runs; it ends with the cluster.
func background() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}
