package web

import "time"

// Page is what the landing page shows: plain data that main fills from the
// same snapshot as /metrics. Order is kept as given.
type Page struct {
	Version  string        // version of the binary
	Uptime   time.Duration // since the process started
	Notices  []string      // what an operator has to know first, such as a reload that failed
	Links    []Link        // beside those to our own routes
	Clusters []ClusterView
}

// Link is one entry of the navigation.
type Link struct{ Text, Href string }

// ClusterView is one configured cluster.
type ClusterView struct {
	Name      string   // label kafka_cluster
	Bootstrap []string // bootstrap servers as configured
	Problem   string   // why the cluster can't be probed now; "" if it can
	Probes    []ProbeView
}

// ProbeView is one probe of a cluster.
type ProbeView struct {
	Name     string // label probe
	Kind     string
	Topic    string
	Interval time.Duration // between two records of one partition
	Timeout  time.Duration // a record's deadline after it was due
	Problem  string        // why this probe does less than it should; "" if it does not
	Brokers  []BrokerView
}

// BrokerView is what one probe sees of one broker. Counts are of records, from
// the start of this process; latencies are end to end.
type BrokerView struct {
	ID                string // label broker: the node id, or "unknown" before the first metadata
	Rack              string // "" if the broker has none
	State             State
	Partitions        []int32 // partitions of the probe's topic that the broker leads and that are probed
	Delivered         uint64
	Failed            uint64
	TimedOut          uint64
	Lost              uint64
	InFlight          uint64
	LastDelivered     time.Duration // ago; negative if no record was delivered yet
	OldestOutstanding time.Duration // age of the oldest record in flight; 0 if there is none
	P50, P99          float64       // seconds; NaN while unknown
}

// State says how a broker looks to a probe. The page colours the known ones.
type State string

// States of a broker.
const (
	StateUp      State = "up"      // records go through
	StateSlow    State = "slow"    // records go through later than they should
	StateDown    State = "down"    // no record goes through
	StateUnknown State = "unknown" // nothing known yet
)
