package kafkatest

import (
	"fmt"
	"maps"
	"os"
	"regexp"
)

// DefaultVersion is the Apache Kafka that is started unless Version or KAFKA_VERSION says otherwise.
const DefaultVersion = "4.3.1"

// ControllerID is the node id of the controller, for PerNodeConfig and Env.
const ControllerID = 100

// PlaintextListener is the name of the listener that every broker has, and over which brokers replicate.
const PlaintextListener = "PLAINTEXT"

// quickStart are the JVM flags of a node unless JVMFlags replaces them: they trade peak speed for boot
// time and memory on a machine with few cores. Only the first-level compiler, which needs no warm-up;
// the serial collector, whose pauses are short on a heap of this size.
var quickStart = []string{"-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}

// An Option changes what Start and Run start.
type Option func(*settings)

type settings struct {
	version        string                       // Apache Kafka version, x.y.z
	brokers        int                          // number of brokers, ids 1..brokers
	brokerDefaults bool                         // leave timings as Kafka ships them
	jmxPages       bool                         // one JMX exporter page per node
	jolokia        bool                         // one Jolokia agent per node
	slowDisk       bool                         // SlowDisk
	jvm            []string                     // JVM flags of every node
	listeners      []listener                   // in the order they were asked for, PLAINTEXT first
	config         map[string]string            // properties of every node
	nodeConfig     map[int]map[string]string    // properties by node id; wins over config
	env            map[int][]string             // additional environment by node id, "KEY=value"
	advertise      func(Endpoint) (addr string) // Advertise
}

type listener struct {
	name     string // as in broker configuration, upper case
	protocol string // PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
}

// Endpoint is one listener of one broker.
type Endpoint struct {
	BrokerID int    // node id
	Listener string // listener name
	Addr     string // host:port the broker listens on
}

// Brokers sets the number of brokers, 1 to 9; the default is 3.
func Brokers(n int) Option { return func(s *settings) { s.brokers = n } }

// Version sets the Apache Kafka version, for instance "3.9.1".
func Version(v string) Option { return func(s *settings) { s.version = v } }

// BrokerDefaults leaves broker session timeout, heartbeat, retention check interval and initial task
// delay as Kafka ships them (9 s, 2 s, 5 min, 30 s).
func BrokerDefaults() Option { return func(s *settings) { s.brokerDefaults = true } }

// BrokerConfig sets a property of every node, the controller included: some that sound like a broker's,
// such as broker.session.timeout.ms, are read by the controller.
func BrokerConfig(key, value string) Option {
	return func(s *settings) { s.config[key] = value }
}

// PerNodeConfig sets a property of one node, a broker or ControllerID.
func PerNodeConfig(id int, key, value string) Option {
	return func(s *settings) {
		if s.nodeConfig[id] == nil {
			s.nodeConfig[id] = make(map[string]string)
		}
		s.nodeConfig[id][key] = value
	}
}

// Env adds "KEY=value" to the environment of one node's process, for instance LD_PRELOAD of a slow disk.
func Env(id int, kv ...string) Option {
	return func(s *settings) { s.env[id] = append(s.env[id], kv...) }
}

// JMXPages serves a Prometheus JMX exporter page per node; see Node.JMXURL.
func JMXPages() Option { return func(s *settings) { s.jmxPages = true } }

// Jolokia starts a Jolokia agent per node; see Node.JolokiaURL.
func Jolokia() Option { return func(s *settings) { s.jolokia = true } }

// JVMFlags replaces the flags that make a node start quickly. A benchmark wants the optimising compiler:
// JVMFlags("-Xms512m", "-Xmx512m").
func JVMFlags(flags ...string) Option { return func(s *settings) { s.jvm = flags } }

// Listener adds a listener to every broker, beside PLAINTEXT. The keys and credentials that the security
// protocol needs come from BrokerConfig.
func Listener(name, protocol string) Option {
	return func(s *settings) { s.listeners = append(s.listeners, listener{name, protocol}) }
}

// Advertise lets f say which address a broker advertises for an endpoint: that of a proxy in front of it.
// f runs before any node starts. Brokers replicate over PLAINTEXT, so a proxy for clients alone takes a
// Listener of its own.
func Advertise(f func(Endpoint) (addr string)) Option {
	return func(s *settings) { s.advertise = f }
}

var versionPattern = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

func newSettings(opts []Option) (*settings, error) {
	s := &settings{
		version:    DefaultVersion,
		brokers:    3,
		jvm:        quickStart,
		listeners:  []listener{{PlaintextListener, "PLAINTEXT"}},
		config:     make(map[string]string),
		nodeConfig: make(map[int]map[string]string),
		env:        make(map[int][]string),
		advertise:  func(e Endpoint) string { return e.Addr },
	}
	if v := os.Getenv("KAFKA_VERSION"); v != "" {
		s.version = v
	}
	for _, o := range opts {
		o(s)
	}
	if !versionPattern.MatchString(s.version) {
		return nil, fmt.Errorf("kafka version %q: want x.y.z, for instance %s", s.version, DefaultVersion)
	}
	if s.brokers < 1 || s.brokers > 9 {
		return nil, fmt.Errorf("%d brokers: want 1 to 9", s.brokers)
	}
	seen := make(map[string]bool)
	for _, l := range s.listeners {
		if seen[l.name] || l.name == controllerListener {
			return nil, fmt.Errorf("listener %s is there already: choose another name", l.name)
		}
		seen[l.name] = true
	}
	known := func(id int) bool { return id == ControllerID || id >= 1 && id <= s.brokers }
	for id := range maps.Keys(s.nodeConfig) {
		if !known(id) {
			return nil, fmt.Errorf("configuration for node %d: nodes are 1 to %d and %d", id, s.brokers, ControllerID)
		}
	}
	for id := range maps.Keys(s.env) {
		if !known(id) {
			return nil, fmt.Errorf("environment for node %d: nodes are 1 to %d and %d", id, s.brokers, ControllerID)
		}
	}
	return s, nil
}
