package kafkatest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Ports come in blocks below the range from which the kernel takes the ports of outgoing connections. A
// port from that range could be taken while its broker is down, and a client that keeps dialling it would
// in the end connect to itself.
const (
	firstPort     = 20000
	portsPerBlock = 64
	portBlocks    = 180
)

// ports hands out the ports of one block, which stays reserved for this process until close, also while
// a broker is stopped. Not for concurrent use.
type ports struct {
	lock *os.File
	next int
	end  int
}

// reservePorts takes a block that no other process has.
func reservePorts() (*ports, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("kafkatest-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create folder of port locks: %w", err)
	}
	for i := range portBlocks {
		first := firstPort + i*portsPerBlock
		f, err := tryLock(filepath.Join(dir, strconv.Itoa(first)))
		if errors.Is(err, errLocked) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &ports{lock: f, next: first, end: first + portsPerBlock}, nil
	}
	return nil, fmt.Errorf("all %d blocks of ports are taken: end other tests, or remove %s", portBlocks, dir)
}

// addr returns the next loopback address of the block on which nothing listens.
func (p *ports) addr() (string, error) {
	for ; p.next < p.end; p.next++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.next)))
		if err != nil {
			continue // taken by something that knows nothing of the blocks
		}
		p.next++
		return l.Addr().String(), l.Close()
	}
	return "", fmt.Errorf("no free port left below %d: fewer listeners or brokers", p.end)
}

func (p *ports) close() error { return p.lock.Close() }
