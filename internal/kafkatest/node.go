package kafkatest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/kafka-prober/kafka_prober/internal/child"
)

// A Node is the controller or a broker of a Cluster: one JVM, which may be started more than once. Its
// methods may be called from any goroutine, in any order: what is so already is no error, except that
// only a running node can be paused.
type Node struct {
	ID int // node id: 1..N for a broker, ControllerID

	cluster    *Cluster
	endpoints  []Endpoint        // listeners of a broker; none for the controller
	advertised map[string]string // host:port by listener name
	jmxAddr    string            // host:port of the JMX exporter page, "" for none
	jolokia    string            // host:port of the Jolokia agent, "" for none
	dir        string            // configuration, data and log
	args       []string          // JVM flags, class path, main class

	mu     sync.Mutex     // guards what follows
	proc   *child.Process // the last one started, nil before the first
	up     bool           // starting it was asked for later than ending it
	paused bool           // stopped by SIGSTOP
}

// Start starts a node that was stopped or killed and waits until every running broker shows it. A broker
// may not be in sync with its leaders yet: see Cluster.Heal. Start does not resume a paused node.
func (n *Node) Start(ctx context.Context) error {
	if err := n.start(); err != nil {
		return err
	}
	if err := n.cluster.waitReady(ctx); err != nil {
		return fmt.Errorf("start %s: %w", n, err)
	}
	return nil
}

// Stop sends SIGTERM and waits for the end of the controlled shutdown, in which leaders move first. A
// paused node is resumed for it. When ctx ends first the node is left to shut down.
func (n *Node) Stop(ctx context.Context) error {
	if err := n.Resume(); err != nil { // a paused process takes no SIGTERM
		return err
	}
	p := n.ending()
	if p == nil {
		return nil
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.Done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", n, context.Cause(ctx))
	}
}

// Restart is Stop and Start.
func (n *Node) Restart(ctx context.Context) error {
	if err := n.Stop(ctx); err != nil {
		return err
	}
	return n.Start(ctx)
}

// Kill sends SIGKILL, paused or not, and waits until the process is gone: clients see its connections
// break, and the cluster learns of it from the end of the broker's session.
func (n *Node) Kill() error {
	p := n.ending()
	if p == nil {
		return nil
	}
	return p.Kill()
}

// Pause sends SIGSTOP: connections stay open and nothing answers.
func (n *Node) Pause() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil || !n.proc.Running() {
		return fmt.Errorf("pause %s: it does not run", n)
	}
	n.paused = true
	return n.proc.Signal(syscall.SIGSTOP)
}

// Resume sends SIGCONT to a paused node.
func (n *Node) Resume() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.paused {
		return nil
	}
	n.paused = false
	return n.proc.Signal(syscall.SIGCONT)
}

// Running says whether the node is up and not paused.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.up && !n.paused && n.proc.Running()
}

// PID is the process id of the node's current or last JVM.
func (n *Node) PID() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc.PID()
}

// start starts the JVM unless it runs; it does not wait until the node serves.
func (n *Node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc != nil && n.proc.Running() {
		n.up = true
		return nil
	}
	out, err := os.OpenFile(n.LogFile(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(n.cluster.java, append(n.args[:len(n.args):len(n.args)], n.configPath())...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, out, out
	cmd.Env = append(os.Environ(), n.cluster.settings.env[n.ID]...)
	if n.slow() {
		cmd.Env = append(cmd.Env, n.slowDiskEnv()...)
	}
	p, err := child.Start(cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", n, err)
	}
	n.proc, n.up, n.paused = p, true, false
	return nil
}

// ending notes that the node is to end and returns its process, nil if it was never started.
func (n *Node) ending() *child.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up = false
	return n.proc
}

// failure is the error of a node that ended by itself, nil for any other.
func (n *Node) failure() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case !n.up || n.proc.Running():
		return nil
	case n.proc.Err() != nil:
		return fmt.Errorf("%s ended by itself: %w", n, n.proc.Err())
	default:
		return fmt.Errorf("%s ended by itself", n)
	}
}
