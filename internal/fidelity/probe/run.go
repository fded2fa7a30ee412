// Package probe runs the prober's engine on a load and measures it: by the engine's own figures, and by
// what hooks of the client library see of the same records.
package probe

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/engine"
)

// Roles of the engine's clients, as it asks for them.
const (
	Producer = "producer"
	Consumer = "consumer"
)

// NewClient makes a client for a role.
type NewClient func(role string, opts ...kgo.Opt) (*kgo.Client, error)

// drain is how long the last records may take to come back.
const drain = 3 * time.Second

// Run sends load with the engine, set up as the steady probe sets it up, through clients that client
// makes. It returns when the load is over, or with an error before.
func Run(ctx context.Context, load fidelity.Load, client NewClient, log *slog.Logger) (fidelity.Report, error) {
	layout, err := lookUp(ctx, load, client)
	if err != nil {
		return fidelity.Report{}, err
	}
	watch := newWitness(load)
	e, err := engine.New(engine.Config{
		Topic: load.Topic, Interval: load.Interval, Timeout: 30 * time.Second, Size: load.Size,
		RandomShare: 1, Acks: engine.AcksAll,
		Client: func(role string, opts ...kgo.Opt) (*kgo.Client, error) {
			switch role {
			case Producer:
				opts = append(opts, kgo.WithHooks((*handing)(watch)))
			case Consumer:
				opts = append(opts, kgo.WithHooks((*fetching)(watch)))
			}
			return client(role, opts...)
		},
		Reason: kafka.Reason, Sink: watch, Log: log,
	})
	if err != nil {
		return fidelity.Report{}, err
	}
	meter := fidelity.MeterCost(load)
	ctx, cancel := context.WithTimeout(ctx, load.End())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, drain) }()
	if err := e.SetLayout(layout); err != nil {
		return fidelity.Report{}, fmt.Errorf("lay out topic %s: %w", load.Topic, err)
	}
	if err := <-ended; err != nil {
		return fidelity.Report{}, err
	}
	report := watch.report()
	report.Cost = meter.Cost()
	return report, nil
}

// lookUp returns the layout of the load's topic. Its partitions must have a leader each.
func lookUp(ctx context.Context, load fidelity.Load, client NewClient) (engine.Layout, error) {
	c, err := client("admin")
	if err != nil {
		return engine.Layout{}, err
	}
	defer c.Close()
	metadata, err := kadm.NewClient(c).Metadata(ctx, load.Topic)
	if err != nil {
		return engine.Layout{}, fmt.Errorf("look up topic %s: %w", load.Topic, err)
	}
	topic := metadata.Topics[load.Topic]
	layout := engine.Layout{TopicID: topic.ID, Brokers: metadata.Brokers.NodeIDs()}
	for id := range int32(load.Partitions) {
		p, ok := topic.Partitions[id]
		if !ok || p.Leader < 0 || len(p.Replicas) == 0 {
			return engine.Layout{}, fmt.Errorf("partition %d of topic %s is not there or has no leader", id, load.Topic)
		}
		layout.Partitions = append(layout.Partitions, engine.Assignment{Partition: id, Leader: p.Leader, Preferred: p.Replicas[0]})
	}
	return layout, nil
}
