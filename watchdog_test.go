package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/prober/ledger"
	"github.com/kafka-prober/kafka_prober/prober/recorder"
)

func TestHung(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		loops []ledger.Loop
		want  string
	}{
		{"no engine", nil, ""},
		{"all get round", []ledger.Loop{{Name: "sender", Independent: true}, {Name: "reader", Progress: time.Now().Add(-5 * time.Second), Independent: true}}, ""},
		{"one that waits for Kafka", []ledger.Loop{{Name: "topics", Progress: time.Now().Add(-time.Hour)}}, ""},
		{"hung", []ledger.Loop{{Name: "sender", Independent: true}, {Name: "reader", Progress: time.Now().Add(-16 * time.Second), Independent: true}}, "prod/default/steady/reader"},
	} {
		t.Run(tt.name, func(t *testing.T) { // at once: the times above grow old while a parallel test waits
			d := newDaemon(&config.Config{ClassicHistograms: config.ClassicNone}, slog.New(slog.DiscardHandler))
			sink := d.recorder.Probe(recorder.Probe{Cluster: "prod", Listener: config.DefaultListener, Name: "steady", Topic: "t"})
			if tt.loops != nil {
				sink.Watch(func() ledger.State {
					for i := range tt.loops {
						if tt.loops[i].Progress.IsZero() {
							tt.loops[i].Progress = time.Now()
						}
					}
					return ledger.State{Loops: tt.loops}
				})
			}
			if got := d.hung(); got != tt.want {
				t.Errorf("hung: %q, want %q", got, tt.want)
			}
		})
	}
}
