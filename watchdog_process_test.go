package main

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServiceManager starts the binary as systemd does, with no Kafka to be found: it says when it serves,
// reloads and stops, and feeds the watchdog all along.
func TestServiceManager(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	yaml := strings.ReplaceAll(soon, "%ADDRESS%", freeAddress(t))
	config := writeConfig(t, nil, yaml)
	p := startWith(t, []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=2000000"},
		"--config.file="+config, "--web.listen-address=127.0.0.1:0")
	awaitWord(t, l, "READY=1", "WATCHDOG=1", "WATCHDOG=1")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitWord(t, l, "RELOADING=1", "READY=1\nSTATUS=Probing")
	rewriteConfig(t, config, nil, "clusters: [")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitWord(t, l, "RELOADING=1", "READY=1\nSTATUS=Probing; the configuration was not reloaded", "WATCHDOG=1")
	p.signalTerm(t)
	awaitWord(t, l, "STOPPING=1")
	if code := p.wait(t, 10*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// awaitWord reads datagrams until each text has begun one of them, in that order.
func awaitWord(t *testing.T, l *net.UnixConn, texts ...string) {
	t.Helper()
	if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var b [1024]byte
	for _, text := range texts {
		for {
			n, err := l.Read(b[:])
			if err != nil {
				t.Fatalf("waiting for %q: %v", text, err)
			}
			if strings.HasPrefix(string(b[:n]), text) {
				break
			}
		}
	}
}
