package kafkatest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// controllerListener is the listener of the controller, over which brokers register and fetch metadata.
const controllerListener = "CONTROLLER"

// properties returns a node's configuration; what the options ask for wins over what is set here.
func properties(s *settings, n *Node, controllerAddr string) map[string]string {
	p := map[string]string{
		"node.id":                          strconv.Itoa(n.ID),
		"process.roles":                    "broker",
		"controller.quorum.voters":         fmt.Sprintf("%d@%s", ControllerID, controllerAddr),
		"controller.listener.names":        controllerListener,
		"log.dirs":                         n.DataDir(),
		"auto.create.topics.enable":        "false",
		"group.initial.rebalance.delay.ms": "0",
		// The cleaner takes 128 MiB of heap by default.
		"log.cleaner.dedupe.buffer.size": "4194304",
	}
	// Kafka's internal topics: as replicated as the cluster allows, and few partitions to create.
	rf, minISR := strconv.Itoa(min(3, s.brokers)), strconv.Itoa(min(2, s.brokers))
	for _, prefix := range []string{"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"} {
		p[prefix+".replication.factor"] = rf
		p[prefix+".num.partitions"] = "3"
	}
	p["transaction.state.log.min.isr"] = minISR
	p["share.coordinator.state.topic.min.isr"] = minISR
	if !s.brokerDefaults {
		p["broker.session.timeout.ms"] = "3000"
		p["broker.heartbeat.interval.ms"] = "500"
		p["log.retention.check.interval.ms"] = "1000"
		p["log.initial.task.delay.ms"] = "1000"
	}
	if n.ID == ControllerID {
		p["process.roles"] = "controller"
		p["listeners"] = controllerListener + "://" + controllerAddr
	} else {
		brokerListeners(p, n)
	}
	protocols := []string{controllerListener + ":PLAINTEXT"}
	for _, l := range s.listeners {
		protocols = append(protocols, l.name+":"+l.protocol)
	}
	p["listener.security.protocol.map"] = strings.Join(protocols, ",")
	maps.Copy(p, s.config)
	maps.Copy(p, s.nodeConfig[n.ID])
	return p
}

func brokerListeners(p map[string]string, n *Node) {
	var listen, advertised []string
	for _, e := range n.endpoints {
		listen = append(listen, e.Listener+"://"+e.Addr)
		advertised = append(advertised, e.Listener+"://"+n.advertised[e.Listener])
	}
	p["broker.rack"] = fmt.Sprintf("rack-%d", n.ID)
	p["listeners"] = strings.Join(listen, ",")
	p["advertised.listeners"] = strings.Join(advertised, ",")
	p["inter.broker.listener.name"] = PlaintextListener
}

// propertiesText writes a Java properties file, sorted by key.
func propertiesText(p map[string]string) string {
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, escape.Replace(p[k]))
	}
	return b.String()
}
