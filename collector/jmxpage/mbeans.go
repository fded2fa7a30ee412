package jmxpage

import "strings"

// Metric is a quantity that a broker knows of itself, whatever its page calls it.
type Metric string

// The metrics. Labels in brackets are Key.Label and Key.Second.
const (
	LogFlush             Metric = "log_flush"              // timer
	UnderReplicated      Metric = "under_replicated"       // partitions, gauge
	UnderMinISR          Metric = "under_min_isr"          // partitions, gauge
	OfflineReplicas      Metric = "offline_replicas"       // gauge
	OfflineLogDirs       Metric = "offline_log_dirs"       // gauge
	ISRShrinks           Metric = "isr_shrinks"            // counter
	ISRExpands           Metric = "isr_expands"            // counter
	ActiveController     Metric = "active_controller"      // 0 or 1, gauge
	OfflinePartitions    Metric = "offline_partitions"     // as a controller sees them, gauge
	UncleanElections     Metric = "unclean_elections"      // counter
	RequestTime          Metric = "request_time"           // timer [request]
	RequestPhase         Metric = "request_phase"          // timer [request, phase]
	RequestErrors        Metric = "request_errors"         // counter [request, error]
	BytesIn              Metric = "bytes_in"               // of all topics, counter
	BytesOut             Metric = "bytes_out"              // counter
	MessagesIn           Metric = "messages_in"            // counter
	ReplicationBytesIn   Metric = "replication_bytes_in"   // counter
	ReplicationBytesOut  Metric = "replication_bytes_out"  // counter
	ReassignmentBytesIn  Metric = "reassignment_bytes_in"  // counter
	ReassignmentBytesOut Metric = "reassignment_bytes_out" // counter
	RequestQueue         Metric = "request_queue"          // requests waiting, gauge
	HandlerIdle          Metric = "handler_idle"           // OneMinuteRate is a ratio, Count seconds of one handler's time
	NetworkIdle          Metric = "network_idle"           // ratio, gauge
	Purgatory            Metric = "purgatory"              // delayed operations [operation], gauge
	ProcessCPU           Metric = "process_cpu"            // seconds, counter
	HeapUsed             Metric = "heap_used"              // bytes, gauge
	HeapMax              Metric = "heap_max"               // bytes, gauge
	GCTime               Metric = "gc_time"                // seconds [collector], counter
	GCCount              Metric = "gc_count"               // [collector], counter
	OpenFiles            Metric = "open_files"             // gauge
	MaxOpenFiles         Metric = "max_open_files"         // gauge
)

// Attr is which number of a metric: a gauge has Value, a counter Count, a timer Count, Mean or Sum, and
// the quantiles.
type Attr uint8

// The attributes. Times are in seconds.
const (
	none          Attr = iota // one that nobody should use: MeanRate, Max, the rates of 5 and 15 minutes
	Value                     // of a gauge, at this moment
	Count                     // since the broker started
	Sum                       // of what was timed, since the broker started
	Mean                      // of what was timed, since the broker started
	P50                       // of a reservoir that favours the last 5 minutes
	P95                       //
	P99                       //
	OneMinuteRate             // per second, exponentially weighted
)

// shape is how the numbers of an MBean are to be taken.
type shape uint8

const (
	gauge shape = iota // Value as it is
	meter              // Count as it is
	timer              // Count as it is, the others in milliseconds
	idle               // a meter of nanoseconds: OneMinuteRate as it is, Count in nanoseconds
)

// mbean is a row of the table.
type mbean struct {
	metric            Metric
	domain, typ, name string
	shape             shape
	phase             string // Key.Second, for a timer of a request's phase
	property          string // key property that becomes Key.Label, "" for none
	second            string // key property that becomes Key.Second, "" for none
}

// mbeans is what is read of a broker. Request and purgatory rows are one MBean for each value of their
// property; other properties, such as the topic, belong to MBeans that are not in the table.
var mbeans = []mbean{
	{metric: LogFlush, domain: "kafka.log", typ: "LogFlushStats", name: "LogFlushRateAndTimeMs", shape: timer},
	{metric: OfflineLogDirs, domain: "kafka.log", typ: "LogManager", name: "OfflineLogDirectoryCount"},

	{metric: UnderReplicated, domain: "kafka.server", typ: "ReplicaManager", name: "UnderReplicatedPartitions"},
	{metric: UnderMinISR, domain: "kafka.server", typ: "ReplicaManager", name: "UnderMinIsrPartitionCount"},
	{metric: OfflineReplicas, domain: "kafka.server", typ: "ReplicaManager", name: "OfflineReplicaCount"},
	{metric: ISRShrinks, domain: "kafka.server", typ: "ReplicaManager", name: "IsrShrinksPerSec", shape: meter},
	{metric: ISRExpands, domain: "kafka.server", typ: "ReplicaManager", name: "IsrExpandsPerSec", shape: meter},

	{metric: ActiveController, domain: "kafka.controller", typ: "KafkaController", name: "ActiveControllerCount"},
	{metric: OfflinePartitions, domain: "kafka.controller", typ: "KafkaController", name: "OfflinePartitionsCount"},
	{metric: UncleanElections, domain: "kafka.controller", typ: "ControllerStats", name: "UncleanLeaderElectionsPerSec", shape: meter},

	{metric: RequestTime, domain: "kafka.network", typ: "RequestMetrics", name: "TotalTimeMs", shape: timer, property: "request"},
	{metric: RequestPhase, domain: "kafka.network", typ: "RequestMetrics", name: "RequestQueueTimeMs", shape: timer, property: "request", phase: "request_queue"},
	{metric: RequestPhase, domain: "kafka.network", typ: "RequestMetrics", name: "LocalTimeMs", shape: timer, property: "request", phase: "local"},
	{metric: RequestPhase, domain: "kafka.network", typ: "RequestMetrics", name: "RemoteTimeMs", shape: timer, property: "request", phase: "remote"},
	{metric: RequestPhase, domain: "kafka.network", typ: "RequestMetrics", name: "ThrottleTimeMs", shape: timer, property: "request", phase: "throttle"},
	{metric: RequestPhase, domain: "kafka.network", typ: "RequestMetrics", name: "ResponseQueueTimeMs", shape: timer, property: "request", phase: "response_queue"},
	{metric: RequestPhase, domain: "kafka.network", typ: "RequestMetrics", name: "ResponseSendTimeMs", shape: timer, property: "request", phase: "response_send"},
	{metric: RequestErrors, domain: "kafka.network", typ: "RequestMetrics", name: "ErrorsPerSec", shape: meter, property: "request", second: "error"},

	{metric: BytesIn, domain: "kafka.server", typ: "BrokerTopicMetrics", name: "BytesInPerSec", shape: meter},
	{metric: BytesOut, domain: "kafka.server", typ: "BrokerTopicMetrics", name: "BytesOutPerSec", shape: meter},
	{metric: MessagesIn, domain: "kafka.server", typ: "BrokerTopicMetrics", name: "MessagesInPerSec", shape: meter},
	{metric: ReplicationBytesIn, domain: "kafka.server", typ: "BrokerTopicMetrics", name: "ReplicationBytesInPerSec", shape: meter},
	{metric: ReplicationBytesOut, domain: "kafka.server", typ: "BrokerTopicMetrics", name: "ReplicationBytesOutPerSec", shape: meter},
	{metric: ReassignmentBytesIn, domain: "kafka.server", typ: "BrokerTopicMetrics", name: "ReassignmentBytesInPerSec", shape: meter},
	{metric: ReassignmentBytesOut, domain: "kafka.server", typ: "BrokerTopicMetrics", name: "ReassignmentBytesOutPerSec", shape: meter},

	{metric: RequestQueue, domain: "kafka.network", typ: "RequestChannel", name: "RequestQueueSize"},
	{metric: HandlerIdle, domain: "kafka.server", typ: "KafkaRequestHandlerPool", name: "RequestHandlerAvgIdlePercent", shape: idle},
	{metric: NetworkIdle, domain: "kafka.network", typ: "SocketServer", name: "NetworkProcessorAvgIdlePercent"},
	{metric: Purgatory, domain: "kafka.server", typ: "DelayedOperationPurgatory", name: "PurgatorySize", property: "delayedOperation"},
}

// Requests are the requests whose times are read: of clients that write and read, and of the followers.
// Kafka's Fetch is the sum of the last two and is left out.
var Requests = []string{"Produce", "FetchConsumer", "FetchFollower"}

// operations are the delayed operations whose number is read, as their label writes them.
var operations = []string{"produce", "fetch"}

// key returns where a number of the MBean belongs, with its properties by lower-case name; ok is false if
// it is of no interest.
func (b *mbean) key(attr Attr, property func(string) string) (k Key, ok bool) {
	k = Key{Metric: b.metric, Attr: attr, Second: b.phase}
	if b.property != "" {
		k.Label = property(strings.ToLower(b.property))
	}
	if b.second != "" {
		k.Second = property(b.second)
	}
	switch b.metric {
	case RequestTime, RequestPhase:
		return k, oneOf(k.Label, Requests)
	case RequestErrors:
		if request, err, greedy := strings.Cut(k.Label, ", error="); greedy { // Bitnami's pattern takes both for one
			k.Label, k.Second = request, err
		}
		return k, k.Label != "" && k.Second != "" && k.Second != "NONE"
	case Purgatory:
		k.Label = strings.ToLower(k.Label)
		return k, oneOf(k.Label, operations)
	}
	return k, property("topic") == "" && property("partition") == "" // of one topic: not the broker's
}

// scale returns what to multiply a number of the MBean by, for the base unit.
func (b *mbean) scale(attr Attr) float64 {
	switch {
	case b.shape == timer && attr != Count:
		return 1e-3
	case b.shape == idle && attr == Count:
		return 1e-9
	}
	return 1
}

// has returns whether an MBean of this shape has the attribute.
func (b *mbean) has(attr Attr) bool {
	switch b.shape {
	case gauge:
		return attr == Value
	case meter:
		return attr == Count
	case timer:
		return attr == Count || attr == Sum || attr == Mean || attr == P50 || attr == P95 || attr == P99
	default:
		return attr == Count || attr == OneMinuteRate
	}
}

func oneOf(s string, all []string) bool {
	for _, one := range all {
		if s == one {
			return true
		}
	}
	return false
}
