package kafkatest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
)

// String is "controller" or "broker 2".
func (n *Node) String() string {
	if n.ID == ControllerID {
		return "controller"
	}
	return fmt.Sprintf("broker %d", n.ID)
}

// Addr is where a broker listens for plaintext clients, host:port.
func (n *Node) Addr() string { return n.ListenerAddr(PlaintextListener) }

// ListenerAddr is where a broker listens for a Listener, host:port; "" if there is no such listener.
func (n *Node) ListenerAddr(listener string) string {
	for _, e := range n.endpoints {
		if e.Listener == listener {
			return e.Addr
		}
	}
	return ""
}

// AdvertisedAddr is what clients are told for a listener, host:port: the same as ListenerAddr unless
// Advertise said otherwise.
func (n *Node) AdvertisedAddr(listener string) string { return n.advertised[listener] }

// JMXURL is the node's JMX exporter page; "" without JMXPages.
func (n *Node) JMXURL() string {
	if n.jmxAddr == "" {
		return ""
	}
	return fmt.Sprintf("http://%s/metrics", n.jmxAddr)
}

// JolokiaURL is the node's Jolokia agent; "" without Jolokia.
func (n *Node) JolokiaURL() string {
	if n.jolokia == "" {
		return ""
	}
	return fmt.Sprintf("http://%s/jolokia", n.jolokia)
}

// DataDir is the node's log.dirs: one folder that holds a folder per partition.
func (n *Node) DataDir() string { return filepath.Join(n.dir, "data") }

// LogFile is where the node's log goes, over all its starts.
func (n *Node) LogFile() string { return filepath.Join(n.dir, "log") }

func (n *Node) configPath() string { return filepath.Join(n.dir, "server.properties") }

// prepare writes the configuration, and for a broker the identity of its data folder. StorageTool would do
// no more for a broker, and take a second of CPU time.
func (n *Node) prepare(props map[string]string, clusterID string) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(n.configPath(), []byte(propertiesText(props)), 0o644); err != nil {
		return err
	}
	if n.slow() {
		if err := os.WriteFile(n.slowDiskFile(), make([]byte, slowDiskSize), 0o644); err != nil {
			return err
		}
	}
	if n.ID == ControllerID {
		return nil // formatted by StorageTool, which knows the default features of its version
	}
	if err := os.MkdirAll(n.DataDir(), 0o755); err != nil {
		return err
	}
	meta := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", clusterID, n.ID, uuid())
	return os.WriteFile(filepath.Join(n.DataDir(), "meta.properties"), []byte(meta), 0o644)
}

// uuid returns a random id in Kafka's notation: 16 bytes in URL-safe base64. It never starts with a dash,
// which a command line would take for a flag.
func uuid() string {
	var b [16]byte
	for {
		rand.Read(b[:]) // never fails
		if s := base64.RawURLEncoding.EncodeToString(b[:]); s[0] != '-' {
			return s
		}
	}
}
