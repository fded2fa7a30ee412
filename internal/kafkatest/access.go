package kafkatest

import (
	"os"
	"path/filepath"
	"slices"
)

// jmxAgentJar is the exporter's file among the jars, with the version that pom.xml pins.
const jmxAgentJar = "jmx_prometheus_javaagent-1.0.1.jar"

// jolokiaJar is the same for Jolokia.
const jolokiaJar = "jolokia-agent-jvm-2.2.9-javaagent.jar"

// Version is the Apache Kafka version of the nodes.
func (c *Cluster) Version() string { return c.settings.version }

// ClusterID is the id that brokers report in their metadata.
func (c *Cluster) ClusterID() string { return c.id }

// Controller returns the controller's node.
func (c *Cluster) Controller() *Node { return c.nodes[0] }

// Brokers returns all brokers, running or not, by id.
func (c *Cluster) Brokers() []*Node { return slices.Clone(c.nodes[1:]) }

// Broker returns the broker with this node id, 1..N; it panics if there is none.
func (c *Cluster) Broker(id int) *Node { return c.nodes[1:][id-1] }

// Bootstrap returns the advertised plaintext addresses of all brokers, running or not.
func (c *Cluster) Bootstrap() []string { return c.BootstrapFor(PlaintextListener) }

// BootstrapFor returns the advertised addresses of a Listener.
func (c *Cluster) BootstrapFor(listener string) []string {
	var addrs []string
	for _, b := range c.Brokers() {
		addrs = append(addrs, b.AdvertisedAddr(listener))
	}
	return addrs
}

// Classpath is the Java class path of brokers and tools.
func (c *Cluster) Classpath() string { return filepath.Join(c.libs, "*") }

func (c *Cluster) logConfigPath() string { return filepath.Join(c.work.path, "log4j2.properties") }

// SetJMXRules changes the rules of every node's JMX exporter page, from the next request on.
func (c *Cluster) SetJMXRules(rules []byte) error {
	return os.WriteFile(c.jmxRulesPath(), rules, 0o644)
}

func (c *Cluster) jmxRulesPath() string { return filepath.Join(c.work.path, "jmx.yml") }

// logFlag is the JVM flag that selects the log configuration.
func (c *Cluster) logFlag() string { return "-Dlog4j2.configurationFile=" + c.logConfigPath() }
