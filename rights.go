package main

import (
	"context"
	"math"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

// operationBits are the bits of an authorized-operations field, by the operation's name in kafka-acls.
var operationBits = map[string]int{
	"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8,
	"ClusterAction": 9, "DescribeConfigs": 10, "AlterConfigs": 11, "IdempotentWrite": 12,
}

// unasked is what a broker sends that was not asked for authorized operations, or does not know them.
const unasked = math.MinInt32

// checkRights reports which of the rights are there and which are missing, as far as the cluster says. Of
// a topic that does not exist it says nothing, nor of all topics or groups together.
func checkRights(ctx context.Context, client *kgo.Client, c config.Cluster, rights []kind.Right, r *report) {
	bits := map[string]int32{} // by resource
	var there, unknown operations
	for _, right := range rights {
		resource := right.ResourceType + " " + right.ResourceName
		if _, asked := bits[resource]; !asked {
			bits[resource] = authorizedOperations(ctx, client, right)
		}
		switch granted := bits[resource]; {
		case granted == unasked:
			unknown.add(resource, right.Operation)
		case granted&(1<<operationBits[right.Operation]) != 0:
			there.add(resource, right.Operation)
		default:
			tellMissing(c, right, r)
		}
	}
	there.each(func(resource, operations string) { r.ok("may %s on %s", operations, resource) })
	unknown.each(func(resource, operations string) {
		r.needs("%s on %s; the cluster does not say whether the prober may", operations, resource)
	})
}

// tellMissing reports a right that the cluster says is not granted, and how to grant it.
func tellMissing(c config.Cluster, right kind.Right, r *report) {
	if right.Optional {
		r.warn("missing right: %s, needed to %s; the rest goes on without", right, right.Purpose)
	} else {
		r.problem("missing right: %s, needed to %s", right, right.Purpose)
	}
	r.hint("kafka-acls.sh --bootstrap-server \"$BOOTSTRAP_SERVERS\" --add --allow-principal %s --operation %s %s",
		principal(c), right.Operation, aclResource(right))
}

// operations are operations by resource, in the order in which they were added.
type operations struct {
	resources []string
	of        map[string][]string
}

func (o *operations) add(resource, operation string) {
	if o.of == nil {
		o.of = map[string][]string{}
	}
	if o.of[resource] == nil {
		o.resources = append(o.resources, resource)
	}
	o.of[resource] = append(o.of[resource], operation)
}

func (o *operations) each(fn func(resource, operations string)) {
	for _, resource := range o.resources {
		fn(resource, strings.Join(o.of[resource], ", "))
	}
}

// principal returns who the prober is to the cluster, as far as the configuration says.
func principal(c config.Cluster) string {
	if c.SASL != nil && c.SASL.Username != "" && c.SASL.Mechanism != security.MSKIAM {
		return "User:" + c.SASL.Username
	}
	return "User:<prober>"
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
	if r.ResourceType != "Topic" || r.ResourceName == "*" {
		return unasked
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
