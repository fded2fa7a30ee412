package kind

import "fmt"

// Right is one Kafka ACL that a probe or a collector needs, in Kafka's own
// words, so that it can be pasted after `kafka-acls --add`.
type Right struct {
	Operation    string // Read, Write, Create, Alter, Describe, DescribeConfigs, ClusterAction...
	ResourceType string // Topic, Group, Cluster, TransactionalId
	ResourceName string // for example kafka-prober-steady-internal; kafka-cluster for the cluster
	Purpose      string // what does not work without it, in a few words
	Optional     bool   // whether the kind still does its main job without it
}

// String returns the right as "Write on Topic kafka-prober-steady-internal".
func (r Right) String() string {
	return fmt.Sprintf("%s on %s %s", r.Operation, r.ResourceType, r.ResourceName)
}
