package kafkatest

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed slowdisk/fsync.c
var slowDiskSource []byte

// slowDiskSize is the size of the file that a node shares with us: the delay and the number of calls.
const slowDiskSize = 16

// SlowDisk lets tests delay the fsyncs of each broker, see Node.DelayFsync, and count them. It takes a C
// compiler, and Linux.
func SlowDisk() Option { return func(s *settings) { s.slowDisk = true } }

// slowDiskLib is where the library is built.
func (c *Cluster) slowDiskLib() string { return filepath.Join(c.work.path, "slowdisk.so") }

// buildSlowDisk compiles the library that the brokers' JVMs preload.
func (c *Cluster) buildSlowDisk() error {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return fmt.Errorf("no cc on PATH to build the slow disk with: install a C compiler (Debian: apt-get install gcc libc6-dev)")
	}
	source := filepath.Join(c.work.path, "fsync.c")
	if err := os.WriteFile(source, slowDiskSource, 0o644); err != nil {
		return err
	}
	if out, err := exec.Command(cc, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", c.slowDiskLib(), source).CombinedOutput(); err != nil {
		return fmt.Errorf("build the slow disk: %w\n%s", err, out)
	}
	return nil
}

// slow tells whether the node has a slow disk: the controller has none.
func (n *Node) slow() bool { return n.cluster.settings.slowDisk && n.ID != ControllerID }

// slowDiskFile is what the node's process and we share.
func (n *Node) slowDiskFile() string { return filepath.Join(n.dir, "slowdisk") }

// slowDiskEnv has the node's next process preload the library.
func (n *Node) slowDiskEnv() []string {
	return []string{"LD_PRELOAD=" + n.cluster.slowDiskLib(), "KAFKATEST_SLOW_DISK=" + n.slowDiskFile()}
}

// DelayFsync lets every fsync of a broker from now on take so much longer; those under way are not changed.
// It outlives the process; Heal sets it to 0. Only with SlowDisk.
func (n *Node) DelayFsync(d time.Duration) error {
	f, err := os.OpenFile(n.slowDiskFile(), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("delay fsyncs of %s: %w", n, err)
	}
	defer f.Close()
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(d))
	if _, err := f.WriteAt(b[:], 0); err != nil {
		return fmt.Errorf("delay fsyncs of %s: %w", n, err)
	}
	return nil
}

// Fsyncs is how many fsyncs a broker has called, over all its starts. Only with SlowDisk.
func (n *Node) Fsyncs() (uint64, error) {
	b, err := os.ReadFile(n.slowDiskFile())
	if err != nil || len(b) != slowDiskSize {
		return 0, fmt.Errorf("count fsyncs of %s: %d bytes, want %d: %w", n, len(b), slowDiskSize, err)
	}
	return binary.NativeEndian.Uint64(b[8:]), nil
}
