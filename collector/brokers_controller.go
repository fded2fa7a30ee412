package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// signalController is the label of signal_available for the active controller.
const signalController = "controller"

// describeCluster is the right that most of what a cluster says of itself takes.
func describeCluster(purpose string) kind.Right {
	return kind.Right{Operation: "Describe", ResourceType: "Cluster", ResourceName: "kafka-cluster", Purpose: purpose, Optional: true}
}

var rightController = describeCluster("know the active controller")

// controllerWatch follows which node is the active controller, and the cluster's id. It belongs to
// brokers.Refresh.
//
// The client is its own: a broker that can't reach a controller keeps the connection busy until the
// request times out, and what else is asked on it would wait for that.
type controllerWatch struct {
	client  *kgo.Client
	account *Account
	log     *slog.Logger

	active, info, changes     *prometheus.Desc
	clusterInfo, clusterMoved *prometheus.Desc

	answered  bool    // whether the cluster has ever named its controller
	last      int32   // the controller named last, -1 before the first
	changed   float64 // since the start of this process
	clusterID string  // named last, "" before the first
	moved     float64 // changes of the cluster's id
}

func newControllerWatch(env Env, client *kgo.Client) *controllerWatch {
	return &controllerWatch{
		client: client, account: env.Account, log: env.Log, last: -1,
		active:       env.Desc("active_controllers", "Active controllers: 1, or 0 when brokers answer and none of those asked finds one; absent where the cluster does not say."),
		info:         env.Desc("controller_info", "Which node is the active controller.", "broker"),
		changes:      env.Desc("controller_changes_total", "Changes of the active controller from one node to another, as far as the prober saw them."),
		clusterInfo:  env.Desc("cluster_info", "The id that the cluster has given itself.", "cluster_id"),
		clusterMoved: env.Desc("cluster_id_changes_total", "Times that the bootstrap servers answered for another cluster than before."),
	}
}

func (w *controllerWatch) describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.active, w.info, w.changes, w.clusterInfo, w.clusterMoved} {
		ch <- d
	}
}

// controllerAnswer is what the cluster said of its controller.
type controllerAnswer struct {
	id  int32 // -1 if it has none
	err error // refused, unsupported, or nobody could say
}

// ask asks, within the limit, brokers that next names.
func (w *controllerWatch) ask(ctx context.Context, view clusterView, next func() int32, limit time.Duration) controllerAnswer {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := hedge(ctx, func(ctx context.Context) (controllerAnswer, error) {
		broker := w.client.Broker(int(next()))
		quorum, err := describeQuorum(ctx, broker, limit)
		switch {
		case unsupported(err):
			return controllerOfZooKeeper(ctx, view, w.client, broker, err)
		case refused(err): // by the others too
			return controllerAnswer{err: err}, nil
		case err != nil:
			return controllerAnswer{}, err
		}
		return controllerAnswer{id: quorum.LeaderID}, nil
	})
	if err != nil {
		return controllerAnswer{err: err}
	}
	return answer
}

// controllerOfZooKeeper takes the controller from metadata, where that names it: under KRaft metadata
// names any broker. What tells them apart is that a broker under ZooKeeper takes requests of controllers.
func controllerOfZooKeeper(ctx context.Context, view clusterView, client *kgo.Client, broker *kgo.Broker, unsupported error) (controllerAnswer, error) {
	resp, err := askVersions(ctx, client, broker)
	if err != nil {
		return controllerAnswer{}, err
	}
	for _, key := range resp.ApiKeys {
		if key.ApiKey == int16(kmsg.LeaderAndISR) {
			return controllerAnswer{id: view.controller}, nil
		}
	}
	return controllerAnswer{err: unsupported}, nil
}

// learn takes the answer over and adds its series. reachable is the number of brokers that answer at all.
func (w *controllerWatch) learn(s *Snapshot, view clusterView, answer controllerAnswer, reachable int) {
	switch {
	case answer.err == nil:
		w.answered = true
		w.account.Available(signalController)
		w.found(answer.id)
		s.Gauge(w.active, boolFloat(answer.id >= 0))
		if answer.id >= 0 {
			s.Gauge(w.info, 1, strconv.Itoa(int(answer.id)))
		}
	case withheld(answer.err):
		w.account.Unavailable(signalController, rightController, answer.err)
	case w.answered && reachable > 0:
		s.Gauge(w.active, 0)
		w.account.Failed(-1, fmt.Errorf("ask for the controller: %w", answer.err))
	}
	s.Counter(w.changes, w.changed)

	if view.id != "" {
		if w.clusterID != "" && w.clusterID != view.id {
			w.moved++
			w.log.Warn("bootstrap servers answer for another cluster", "cluster_id", view.id, "before", w.clusterID)
		}
		w.clusterID = view.id
		s.Gauge(w.clusterInfo, 1, view.id)
	}
	s.Counter(w.clusterMoved, w.moved)
}

// found notes the active controller.
func (w *controllerWatch) found(id int32) {
	if id < 0 || id == w.last {
		return
	}
	if w.last >= 0 {
		w.changed++
		w.log.Info("controller changed", "broker", id, "before", w.last)
	}
	w.last = id
}

// errNoAnswer stands for a question that was not asked.
var errNoAnswer = errors.New("no broker could be asked")
