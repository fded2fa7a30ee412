package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/live"
	"github.com/kafka-prober/kafka_prober/internal/web"
)

// liveFlags are bench's flags for who looks on while it runs.
type liveFlags struct {
	listen bool // --web.listen-address was given, which has a default for the daemon
	writer live.WriterOptions
	labels []string
}

func (f *liveFlags) add(app *kingpin.Application, cmd *kingpin.CmdClause) {
	app.GetFlag("web.listen-address").IsSetByUser(&f.listen)
	cmd.Flag("remote-write.url", "Send the run's series to this remote write receiver every 5 s and at the end, for example http://prometheus:9090/api/v1/write.").
		PlaceHolder("URL").StringVar(&f.writer.URL)
	cmd.Flag("remote-write.label", "Label of all series sent, as name=value, for example environment=staging; repeat it for more.").
		PlaceHolder("NAME=VALUE").StringsVar(&f.labels)
	cmd.Flag("remote-write.bearer-token-file", "File that holds the receiver's bearer token.").PlaceHolder("FILE").StringVar(&f.writer.BearerTokenFile)
	cmd.Flag("remote-write.username", "User of the receiver's basic authentication.").PlaceHolder("USER").StringVar(&f.writer.Username)
	cmd.Flag("remote-write.password-file", "File that holds its password.").PlaceHolder("FILE").StringVar(&f.writer.PasswordFile)
	cmd.Flag("remote-write.ca-file", "PEM file of the authorities that may have signed the receiver's certificate; the system's if left out.").
		PlaceHolder("FILE").StringVar(&f.writer.CAFile)
}

// liveView shows a bench while it runs to whom its flags say.
type liveView struct {
	series *live.Series
	server *web.Server  // nil: nobody scrapes
	writer *live.Writer // nil: nothing is sent

	served  chan error
	stop    context.CancelFunc // ends the writer
	written chan struct{}
}

// newLiveView checks the flags and connects to nothing.
func (o *options) newLiveView(f *liveFlags, c config.Cluster, log *slog.Logger) (*liveView, error) {
	v := &liveView{series: live.NewSeries(c.Name, c.Listener)}
	registry := prometheus.NewRegistry()
	registry.MustRegister(v.series, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if f.listen {
		metrics, err := web.NewMetrics(registry, registry, log)
		if err != nil {
			return nil, err
		}
		handler, err := web.BareHandler(o.metricsPath, metrics)
		if err != nil {
			return nil, err
		}
		v.server = web.NewServer(handler, func(a net.Addr) { log.Info("serving the run's series", "address", a.String()) }, log)
	}
	if f.writer.URL == "" {
		if len(f.labels) > 0 || f.writer.BearerTokenFile != "" || f.writer.Username != "" || f.writer.PasswordFile != "" || f.writer.CAFile != "" {
			return nil, errors.New("--remote-write.* without --remote-write.url: say where to send the series")
		}
		return v, nil
	}
	options := f.writer
	options.Labels = map[string]string{}
	for _, pair := range f.labels {
		name, value, found := strings.Cut(pair, "=")
		if !found {
			return nil, fmt.Errorf("--remote-write.label %q: write it as name=value, for example environment=staging", pair)
		}
		options.Labels[name] = value
	}
	writer, err := live.NewWriter(options, registry, log)
	if err != nil {
		return nil, fmt.Errorf("--remote-write: %w", err)
	}
	v.writer = writer
	return v, nil
}

// watched reports whether anybody looks on.
func (v *liveView) watched() bool { return v.server != nil || v.writer != nil }

// start lets the view begin. An address that can't be listened on shows now or, if that takes long, at the end.
func (v *liveView) start(flags *toolkit.FlagConfig) error {
	if v.server != nil {
		v.served = make(chan error, 1)
		go func() { v.served <- v.server.ListenAndServe(flags) }()
		timer := time.NewTimer(100 * time.Millisecond)
		defer timer.Stop()
		select {
		case err := <-v.served:
			return err
		case <-timer.C:
		}
	}
	if v.writer != nil {
		ctx, stop := context.WithCancel(context.Background())
		v.stop, v.written = stop, make(chan struct{})
		go func() {
			defer close(v.written)
			v.writer.Run(ctx)
		}()
	}
	return nil
}

// end sends what there is at the end and ends the view. Its error says who has not seen all of it.
func (v *liveView) end() error {
	var errs []error
	if v.writer != nil {
		v.stop()
		<-v.written
		errs = append(errs, v.writer.Err())
	}
	if v.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		_ = v.server.Shutdown(ctx) // who reads longer than that is cut off
		errs = append(errs, <-v.served)
	}
	return errors.Join(errs...)
}
