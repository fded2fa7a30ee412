package collector

import (
	"context"
	"math/rand/v2"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// clusterView is what a broker says of the cluster, without its topics.
type clusterView struct {
	id         string          // cluster id, empty if the broker names none
	controller int32           // under KRaft any broker, under ZooKeeper the controller; -1 if unknown
	brokers    map[int32]place // those that clients are sent to
}

// place is where a broker is.
type place struct{ host, rack string }

// askCluster asks any broker, with a request of our own: kadm would answer from a cache. kgo learns the
// brokers from the same response.
func askCluster(ctx context.Context, client *kgo.Client) (clusterView, error) {
	return hedge(ctx, func(ctx context.Context) (clusterView, error) {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{} // none; nil would be all
		resp, err := req.RequestWith(ctx, client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil {
			return clusterView{}, err
		}
		view := clusterView{id: deref(resp.ClusterID), controller: resp.ControllerID, brokers: make(map[int32]place, len(resp.Brokers))}
		for _, r := range resp.Brokers {
			view.brokers[r.NodeID] = place{r.Host, deref(r.Rack)}
		}
		return view, nil
	})
}

// ids returns the brokers in random order, which spreads the load over them.
func (v clusterView) ids() []int32 {
	ids := make([]int32, 0, len(v.brokers))
	for id := range v.brokers {
		ids = append(ids, id)
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids
}

// awake returns a broker that has just answered, to ask it what takes longer: a frozen one costs
// hedgeAfter and not the time limit of that.
func (v clusterView) awake(ctx context.Context, client *kgo.Client) (*kgo.Broker, error) {
	next := roundRobin(v.ids())
	return hedge(ctx, func(ctx context.Context) (*kgo.Broker, error) {
		broker := client.Broker(int(next()))
		_, err := broker.Request(ctx, kmsg.NewPtrApiVersionsRequest())
		return broker, err
	})
}

// roundRobin returns a function that goes round the ids, and returns -1 if there are none. Safe for
// concurrent use, as hedge needs it.
func roundRobin(ids []int32) func() int32 {
	var turn atomic.Uint32
	return func() int32 {
		if len(ids) == 0 {
			return -1
		}
		return ids[int(turn.Add(1)-1)%len(ids)]
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
