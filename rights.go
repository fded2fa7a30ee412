package main

import (
	"context"
	"fmt"
	"io"
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

// checkRights reports which of the rights are missing, as far as the cluster says, and returns whether
// those are there that the probe can't do without. A topic that does not exist has no rights to report.
func checkRights(ctx context.Context, client *kgo.Client, rights []kind.Right, out io.Writer) bool {
	ok := true
	granted := map[string]int32{}
	for _, r := range rights {
		resource := r.ResourceType + " " + r.ResourceName
		bits, asked := granted[resource]
		if !asked {
			bits = authorizedOperations(ctx, client, r)
			granted[resource] = bits
		}
		if bits == unasked || bits&(1<<operationBits[r.Operation]) != 0 {
			continue
		}
		word := "PROBLEM "
		if r.Optional {
			word = "warning "
		} else {
			ok = false
		}
		fmt.Fprintf(out, "  %s missing right: %s, needed to %s\n", word, r, r.Purpose)
		fmt.Fprintf(out, "           kafka-acls.sh --bootstrap-server \"$BOOTSTRAP_SERVERS\" --add --allow-principal User:<prober> --operation %s %s\n",
			r.Operation, aclResource(r))
	}
	return ok
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
