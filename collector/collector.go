package collector

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// Kinds holds every collector of this package. It is complete once the program
// runs and is not changed after.
var Kinds kind.Registry

// Settings are the settings of one collector: what the configuration fills in,
// and how to make the collector of it.
type Settings interface {
	kind.Settings
	// Schedule says when to refresh.
	Schedule() Schedule
	// New returns the collector. It does no I/O; an error is a fault of the
	// settings that Validate could not see.
	New(Env) (Source, error)
}

// WithRights is implemented by Settings whose collector needs rights, so that
// `check` can list them. The name "*" stands for every topic or group.
type WithRights interface {
	Rights() []kind.Right
}

// Schedule says how often a collector asks and how much time it has.
type Schedule struct {
	Interval time.Duration // from the start of one refresh to the start of the next
	Budget   time.Duration // after which a refresh's context ends; the interval if 0
}

// Source is one collector at work on one cluster. Set calls Refresh from one
// goroutine and Close after the last Refresh has returned.
type Source interface {
	// Describe sends every Desc that a snapshot may hold.
	Describe(chan<- *prometheus.Desc)
	// Refresh asks Kafka and returns what it learnt, as finished metrics. A
	// broker that does not answer must not keep the others waiting: ask them
	// side by side, each with a time limit of its own. With an error, a snapshot
	// holds what could be learnt all the same; nil means nothing could.
	Refresh(context.Context) (*Snapshot, error)
	// Close releases what New made.
	Close()
}

// Env is what a collector is handed.
type Env struct {
	Cluster  string         // value of the label kafka_cluster
	Listener string         // value of the label listener
	Factory  *kafka.Factory // for a collector that needs connections of its own
	Log      *slog.Logger   // NewSet adds cluster, listener and the collector's name
	Client   *kgo.Client    // shared by the collectors of a Set, patient (10 s); made by NewSet, not to be closed
	Account  *Account       // of this collector; made by NewSet

	ExpectedBrokers int // as the configuration says, 0 if it does not

	assigned *assignedBrokers   // made by NewSet
	departed func(broker int32) // ends what the accounts say of a broker that has left for good; made by NewSet
}

// Desc describes a series kafka_prober_<name> of this cluster and listener. Give
// a series of state no value, rather than 0, where its value is not known.
func (e Env) Desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("kafka_prober_"+name, help, labels,
		prometheus.Labels{"kafka_cluster": e.Cluster, "listener": e.Listener})
}
