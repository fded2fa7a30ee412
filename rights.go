package main

import (
	"context"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// operationBits are the bits of an authorized-operations field, by the operation's name in kafka-acls.
var operationBits = map[string]int{
	"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8,
	"ClusterAction": 9, "DescribeConfigs": 10, "AlterConfigs": 11, "IdempotentWrite": 12,
}

// unasked is what a broker sends that was not asked for authorized operations, or does not know them.
const unasked = math.MinInt32

// checkRights reports which of the rights are missing, as far as the cluster says. A topic that does not
// exist has no rights to report; whether it may be created is for checkTopic.
func checkRights(ctx context.Context, client *kgo.Client, rights []kind.Right, r *report) {
	granted := map[string]int32{}
	for _, right := range rights {
		resource := right.ResourceType + " " + right.ResourceName
		bits, asked := granted[resource]
		if !asked {
			bits = authorizedOperations(ctx, client, right)
			granted[resource] = bits
		}
		if bits == unasked || bits&(1<<operationBits[right.Operation]) != 0 {
			continue
		}
		if right.Optional {
			r.warn("missing right: %s, needed to %s; the probe does without", right, right.Purpose)
		} else {
			r.problem("missing right: %s, needed to %s", right, right.Purpose)
		}
		r.hint("kafka-acls.sh --bootstrap-server \"$BOOTSTRAP_SERVERS\" --add --allow-principal User:<prober> --operation %s %s",
			right.Operation, aclResource(right))
	}
}

// aclResource writes a right's resource as kafka-acls takes it.
func aclResource(r kind.Right) string {
	switch r.ResourceType {
	case "Cluster":
		return "--cluster"
	case "Group":
		return "--group " + r.ResourceName
	default:
		return "--topic " + r.ResourceName
	}
}

// authorizedOperations asks what this client may do with a right's resource, or returns unasked.
func authorizedOperations(ctx context.Context, client *kgo.Client, r kind.Right) int32 {
	if r.ResourceType == "Cluster" {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.IncludeClusterAuthorizedOperations = true
		resp, err := req.RequestWith(ctx, client)
		if err != nil || resp.ErrorCode != 0 {
			return unasked
		}
		return resp.ClusterAuthorizedOperations
	}
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(r.ResourceName)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, client)
	if err != nil || len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != 0 {
		return unasked
	}
	return resp.Topics[0].AuthorizedOperations
}
