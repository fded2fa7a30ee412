package kafkatest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

//go:embed log4j2.properties
var log4jConfig []byte

//go:embed jmx.yml
var jmxRules []byte

// bootTimeout bounds the boot of the nodes, without the download of their jars: generous, as a loaded
// machine takes several times what doc.go says.
const bootTimeout = 2 * time.Minute

// A Cluster is a running Kafka: a controller and its brokers. Its methods may be called from any
// goroutine.
type Cluster struct {
	settings *settings
	id       string       // cluster id
	java     string       // path of the executable
	libs     string       // folder of the jars
	work     *workDir     // everything the nodes write
	ports    *ports       // reserved until Close
	nodes    []*Node      // the controller, then the brokers by id; fixed once started
	closed   func() error // Close, once
}

// Run starts a cluster and returns when every broker shows all of them in its metadata. Whoever calls it
// calls Close. Fetching the jars, the first time on a machine, is bounded by ctx alone. The error of a
// node that does not come up holds the end of the nodes' logs.
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, fmt.Errorf("kafkatest: %w", err)
	}
	c := &Cluster{settings: s, id: uuid()}
	c.closed = sync.OnceValue(c.shutDown)
	if err := c.boot(ctx); err != nil {
		err = fmt.Errorf("kafkatest: start Kafka %s: %w%s", s.version, err, c.LogTail())
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) boot(ctx context.Context) (err error) {
	if c.java, err = findJava(); err != nil {
		return err
	}
	if c.libs, err = Fetch(ctx, c.settings.version); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootTimeout, fmt.Errorf("not ready after %v", bootTimeout))
	defer cancel()
	if c.work, err = newWorkDir(); err != nil {
		return err
	}
	if c.ports, err = reservePorts(); err != nil {
		return err
	}
	if err := c.layOut(); err != nil {
		return err
	}
	return c.startNodes(ctx)
}

// layOut gives each node its ports, folder and configuration.
func (c *Cluster) layOut() error {
	for path, content := range map[string][]byte{c.logConfigPath(): log4jConfig, c.jmxRulesPath(): jmxRules} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	if c.settings.slowDisk {
		if err := c.buildSlowDisk(); err != nil {
			return err
		}
	}
	controllerAddr, err := c.ports.addr()
	if err != nil {
		return err
	}
	for id := range c.settings.brokers + 1 {
		if id == 0 {
			id = ControllerID
		}
		n, err := c.newNode(id)
		if err != nil {
			return err
		}
		if err := n.prepare(properties(c.settings, n, controllerAddr), c.id); err != nil {
			return fmt.Errorf("prepare %s: %w", n, err)
		}
		c.nodes = append(c.nodes, n)
	}
	return nil
}

func (c *Cluster) newNode(id int) (*Node, error) {
	s := c.settings
	n := &Node{ID: id, cluster: c, advertised: make(map[string]string), dir: filepath.Join(c.work.path, strconv.Itoa(id))}
	if id != ControllerID {
		for _, l := range s.listeners {
			addr, err := c.ports.addr()
			if err != nil {
				return nil, err
			}
			e := Endpoint{BrokerID: id, Listener: l.name, Addr: addr}
			n.endpoints = append(n.endpoints, e)
			n.advertised[l.name] = s.advertise(e)
		}
	}
	n.args = append(slices.Clone(s.jvm), c.logFlag())
	if s.jmxPages {
		addr, err := c.ports.addr()
		if err != nil {
			return nil, err
		}
		n.jmxAddr = addr
		agent := filepath.Join(c.libs, jmxAgentJar)
		n.args = append(n.args, fmt.Sprintf("-javaagent:%s=%s:%s", agent, addr, c.jmxRulesPath()))
	}
	if s.jolokia {
		addr, err := c.ports.addr()
		if err != nil {
			return nil, err
		}
		n.jolokia = addr
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, fmt.Sprintf("-javaagent:%s=host=%s,port=%s", filepath.Join(c.libs, jolokiaJar), host, port))
	}
	n.args = append(n.args, "-cp", c.Classpath(), "kafka.Kafka")
	return n, nil
}

// startNodes starts the controller first: a broker without one spins, 2 s of CPU time each.
func (c *Cluster) startNodes(ctx context.Context) error {
	controller := c.Controller()
	_, err := c.Tool(ctx, "kafka.tools.StorageTool", "format", "-t", c.id, "-c", controller.configPath())
	if err != nil {
		return fmt.Errorf("format the controller's data folder: %w", err)
	}
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	return c.waitReady(ctx)
}

// Close kills all nodes, paused ones too, and removes their data. It may be called more than once.
func (c *Cluster) Close() error { return c.closed() }

func (c *Cluster) shutDown() error {
	var errs []error
	for _, n := range c.nodes {
		errs = append(errs, n.Kill())
	}
	if c.ports != nil {
		errs = append(errs, c.ports.close())
	}
	if c.work != nil {
		errs = append(errs, c.work.remove())
	}
	return errors.Join(errs...)
}
