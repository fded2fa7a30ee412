package collector

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reassignments are the partitions whose replicas are being moved.
type reassignments struct {
	via     int32                        // the broker through which the controller answered
	known   bool                         // whether the cluster tells
	adding  map[string]map[int32][]int32 // by topic and partition: replicas that are new and need not be in sync yet
	ongoing int                          // number of partitions
}

// askReassignments asks the controller, through one of the brokers that next names.
func (r *replication) askReassignments(ctx context.Context, next func() int32) (reassignments, error) {
	limit := time.Duration(r.settings.Timeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type answer struct {
		reassignments
		withheld error
	}
	got, err := hedge(ctx, func(ctx context.Context) (answer, error) {
		via := next()
		resp, err := r.listReassignments(ctx, via, limit)
		switch {
		case withheld(err): // by the others too; that it was refused is the controller's answer as well
			return answer{reassignments{via: via}, err}, nil
		case err != nil:
			return answer{}, err
		}
		return answer{reassignments: newReassignments(via, resp)}, nil
	})
	switch {
	case err != nil:
		return reassignments{}, err
	case got.withheld != nil:
		r.account.Unavailable(signalReassignments, rightReassignments, got.withheld)
	default:
		r.account.Available(signalReassignments)
	}
	return got.reassignments, nil
}

// listReassignments asks a broker, which under KRaft passes the question on. Under ZooKeeper only the
// controller itself answers, and kgo finds it.
func (r *replication) listReassignments(ctx context.Context, via int32, limit time.Duration) (*kmsg.ListPartitionReassignmentsResponse, error) {
	req := kmsg.NewPtrListPartitionReassignmentsRequest()
	req.Topics = nil // all
	req.TimeoutMillis = int32(limit.Milliseconds())
	resp, err := request[*kmsg.ListPartitionReassignmentsResponse](ctx, r.client.Broker(int(via)), req, limit)
	if err != nil {
		return nil, err
	}
	if resp.ErrorCode == kerr.NotController.Code {
		if resp, err = req.RequestWith(ctx, r.client); err != nil {
			return nil, err
		}
	}
	return resp, kerr.ErrorForCode(resp.ErrorCode)
}

func newReassignments(via int32, resp *kmsg.ListPartitionReassignmentsResponse) reassignments {
	m := reassignments{via: via, known: true, adding: make(map[string]map[int32][]int32)}
	for _, t := range resp.Topics {
		adding := make(map[int32][]int32, len(t.Partitions))
		for _, p := range t.Partitions {
			adding[p.Partition] = p.AddingReplicas
			m.ongoing++
		}
		m.adding[t.Topic] = adding
	}
	return m
}
