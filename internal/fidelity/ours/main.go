// Command ours runs the prober's engine with the options of the daemon, but without the daemon: no
// exporter, no collectors, no topic care. It takes the flags of floor and prints what that prints, and
// what is measured of the prober's own doing.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/fidelity/probe"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ours:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	load, err := fidelity.ParseLoad("ours", args)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	factory := kafka.NewFactory(kafka.Settings{Cluster: "bench", BootstrapServers: load.Servers}, log, kafka.NewTraffic())
	report, err := probe.Run(context.Background(), load, factory.Client, log)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}
