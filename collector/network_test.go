package collector_test

import (
	"context"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// fault is what is wrong with a broker.
type fault int32

const (
	none   fault = iota
	dead         // the process is gone: connections break, new ones are refused
	frozen       // the process is stopped: connections are accepted, nothing is answered
)

// network is a virtual network between a client and the brokers of a kfake
// cluster, any of which can be given a fault. It knows no time of its own, so it
// works under testing/synctest.
type network struct {
	kfake.VirtualNetwork
	faults [16]atomic.Int32 // by node

	mu    sync.Mutex
	conns map[*conn]int // brokers' ends of open connections, and their node
}

// firstPort is the port of node 0; the others follow.
const firstPort = 9092

// newCluster starts n brokers on a network of their own. Close the cluster
// before the test's bubble ends.
func newCluster(t *testing.T, n int, opts ...kfake.Opt) (*kfake.Cluster, *network) {
	t.Helper()
	nw := &network{conns: make(map[*conn]int)}
	ports := make([]int, n)
	for i := range ports {
		ports[i] = firstPort + i
	}
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(n), kfake.Ports(ports...), kfake.ListenFn(nw.listen),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return cluster, nw
}

// set gives the nodes a fault, or takes it away.
func (n *network) set(f fault, nodes ...int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, node := range nodes {
		n.faults[node].Store(int32(f))
		for conn, of := range n.conns {
			if f == dead && of == node {
				conn.Close()
				delete(n.conns, conn)
			}
		}
	}
}

// restart breaks the node's connections as TCP does: the client learns of it
// only after it has sent a request.
func (n *network) restart(node int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for conn, of := range n.conns {
		if of == node {
			conn.broken.Store(true)
		}
	}
}

// dial is the client's dialer.
func (n *network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	if fault(n.faults[number-firstPort].Load()) == dead {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return n.DialContext(ctx, network, addr)
}

// listen is the brokers' side.
func (n *network) listen(network, addr string) (net.Listener, error) {
	inner, err := n.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	return &listener{inner, n, number - firstPort}, err
}

type listener struct {
	net.Listener
	network *network
	node    int
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, fault: &l.network.faults[l.node]}
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.network.conns[c] = l.node
	return c, nil
}

// conn is the broker's end of a connection.
type conn struct {
	net.Conn
	fault  *atomic.Int32
	broken atomic.Bool // whether the next request ends it
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.broken.Load() {
		c.Close()
		return 0, io.EOF
	}
	return n, err
}

// Write implements net.Conn. What a frozen broker would answer is lost; its
// clients time out and ask again once it has thawed.
func (c *conn) Write(b []byte) (int, error) {
	if fault(c.fault.Load()) == frozen {
		return len(b), nil
	}
	return c.Conn.Write(b)
}
