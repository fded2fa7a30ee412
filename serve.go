package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/systemd"
	"github.com/kafka-prober/kafka_prober/internal/web"
)

// shutdownTimeout is how long requests may take that are being served when the process ends. With the
// probes' drain time it is below the five seconds that stopping may take.
const shutdownTimeout = time.Second

// interrupted returns a context that ends with SIGINT or SIGTERM.
func interrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
}

// serve runs the daemon on cfg until ctx is done. HTTP answers before the first broker does, and until
// after the probes have drained. onListening may be nil; it is called for each address that is served.
func serve(ctx context.Context, o *options, cfg *config.Config, log *slog.Logger, onListening func(net.Addr)) error {
	d := newDaemon(cfg, log)
	var stopping atomic.Bool
	metrics, err := web.NewMetrics(d.registry, d.gatherer, log)
	if err != nil {
		return err
	}
	manager := systemd.New(log)
	reload := func(context.Context) error {
		return manager.Reload(func() error { return d.reload(o.loadConfig) })
	}
	if o.configFile == "" {
		reload = func(context.Context) error {
			return errors.New("there is no configuration file to read: kafka_prober was started without --config.file")
		}
	}
	handler, err := web.Handler(web.Options{
		MetricsPath: o.metricsPath,
		Metrics:     metrics,
		Page:        d.page,
		Config:      func() string { return d.current().String() },
		Ready: func() error {
			if stopping.Load() {
				return errors.New("kafka_prober is stopping")
			}
			return nil
		},
		Reload:          reload,
		EnableLifecycle: o.lifecycle,
		EnablePprof:     o.pprof,
		Log:             log,
	})
	if err != nil {
		return err
	}
	if err := d.apply(cfg); err != nil {
		d.close()
		return err
	}
	server := web.NewServer(handler, func(address net.Addr) {
		manager.Ready()
		if onListening != nil {
			onListening(address)
		}
	}, log)
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe(o.web) }()

	go manager.Watch(ctx, d.hung)

	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-hangups:
			_ = reload(ctx) // logged, and shown by config_last_reload_successful
			continue
		case err = <-served:
			d.close()
			return err
		case <-ctx.Done():
		}
		break
	}
	stopping.Store(true)
	manager.Stopping()
	log.Info("stopping: probes drain")
	d.close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("requests were cut off", "err", err)
	}
	if err := <-served; err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	log.Info("stopped")
	return nil
}
