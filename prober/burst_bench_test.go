//go:build bench

package prober

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/bench"
	"github.com/kafka-prober/kafka_prober/internal/fidelity"
	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/prober/engine"
	"github.com/kafka-prober/kafka_prober/prober/schedule"
)

// endless is the burst probe with its defaults, but each burst begins where the one before ends, whichever of the
// three brokers that was to.
type endless struct{ *BurstSettings }

// Run implements Settings.
func (s endless) Run(ctx context.Context, env Env) error {
	burst := schedule.Burst{Slots: uint64(s.Records), Spacing: s.spacing()}
	return runEngine(ctx, env, s.Topics()[0], engine.Config{
		Interval: 3 * burst.Length(), Timeout: time.Duration(s.Timeout), Burst: burst,
		Size: int(s.Size), Acks: acks[s.Acks], MaxTopicRate: s.Rate, Options: s.options,
	}, nil)
}

// TestBurstOnOff asks by how much a burst moves what the steady probe measures meanwhile: its p50 and p95 with
// bursts back to back for five minutes in all, and without them, in turns.
func TestBurstOnOff(t *testing.T) {
	const (
		rounds = 10 // of off, on, on, off
		block  = 15 * time.Second
		most   = 1.2
	)
	d := startDisks(t)
	burst, _ := Kinds.Get("burst")
	bursts := endless{burst.New().(*BurstSettings)}
	end := d.run(t, bursts) // makes the topic, and lets the JVMs' compilers see it
	pause(t.Context(), 2*block)
	end()
	figures := onOff{}
	d.byTurns(t, bursts, rounds, 2*time.Second, block, func(on bool, r row) {
		for broker, of := range r.bursts {
			if least := int(0.9 * bursts.Rate / 3 * block.Seconds()); on && len(of) < least {
				t.Fatalf("broker %d: %d records of bursts in %v, want at least %d", broker, len(of), block, least)
			}
		}
		figures.add(on, r)
	})
	figures.each(func(figure string, broker int32, ratio fidelity.Ratio, off float64) {
		t.Logf("broker %d, steady %s inside bursts / without: %v, of %.2f ms", broker, figure, ratio, off)
		if ratio.Median > most {
			t.Errorf("bursts move the steady %s of broker %d by %v, want at most %v", figure, broker, ratio, most)
		}
	})
}

// TestBenchAgrees lets the command bench and the steady probe measure the same brokers at the same time, with
// the same records at the same rate: they have to say the same.
func TestBenchAgrees(t *testing.T) {
	const (
		rounds = 5
		length = 20 * time.Second
		differ = 0.05
	)
	d := startDisks(t)
	pause(t.Context(), length)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	factory := kafka.NewFactory(kafka.Settings{Cluster: "test", BootstrapServers: d.Bootstrap()}, log, nil)
	steady := steadyDefaults()
	plan, err := bench.NewPlan(bench.Options{Profile: "latency", Repeat: 1, Values: map[string]string{
		"size": fmt.Sprint(int(steady.Size)), "rate": fmt.Sprint(3 / time.Duration(steady.Interval).Seconds()), "duration": length.String(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var ours, daemons []float64
	for range rounds {
		d.take()
		report, err := bench.Execute(t.Context(), plan, bench.Env{Client: factory.Client, Reason: kafka.Reason, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		var all []time.Duration
		for _, of := range d.take().steady {
			all = append(all, of...)
		}
		run := report.Cases[0].Runs[0]
		ours, daemons = append(ours, run.EndToEnd.P50), append(daemons, summarize(all).p50.Seconds()*1000)
		t.Logf("p50 of bench %.3f ms of %d records, of the steady probe %.3f ms of %d", run.EndToEnd.P50, run.EndToEnd.Count, daemons[len(daemons)-1], len(all))
	}
	ratio := fidelity.MedianRatio(ours, daemons)
	t.Logf("end to end p50, bench / steady probe: %v", ratio)
	if ratio.Median < 1-differ || ratio.Median > 1+differ {
		t.Errorf("they differ by more than %v", differ)
	}
}
