package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/demo"
)

// runDemo probes an embedded cluster and serves what it finds.
func runDemo(o *options, log *slog.Logger, stdout io.Writer) error {
	ctx, stop := interrupted()
	defer stop()
	if o.demoFor > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, o.demoFor)
		defer end()
	}
	embedded, err := demo.Start(ctx, demo.Options{Log: log, Calm: o.demoCalm})
	if err != nil {
		return err
	}
	defer embedded.Close()
	cfg, err := demoConfig(embedded.Bootstrap())
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, embedded.Describe())
	return serve(ctx, o, cfg, log, func(address net.Addr) {
		base := "http://" + reachable(address)
		fmt.Fprintf(stdout, "Look at %s/ for the state of each broker and at %s%s for the series. Ctrl-C ends it.\n", base, base, o.metricsPath)
	})
}

// demoConfig is the configuration of a demo: all defaults, on a cluster called demo.
func demoConfig(servers []string) (*config.Config, error) {
	cfg, err := config.FromBootstrap(servers, kinds)
	if err != nil {
		return nil, err
	}
	cfg.Clusters[0].Name = "demo"
	return cfg, nil
}

// reachable turns an address that is listened on into one that a browser on this machine can open.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
