package systemd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// manager is the service manager's end of the socket.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return l
}

// heard returns what one datagram says.
func heard(t *testing.T, l *net.UnixConn) string {
	t.Helper()
	if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var b [1024]byte
	n, err := l.Read(b[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestStates(t *testing.T) {
	l := manager(t)
	n := New(slog.New(slog.DiscardHandler))
	n.Ready()
	n.Ready() // a second address
	n.Stopping()
	broken := errors.New("broken")
	if err := n.Reload(func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("Reload returned %v", err)
	}
	if err := n.Reload(func() error { return nil }); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"READY=1\nSTATUS=Probing",
		"STOPPING=1\nSTATUS=Stopping: the probes drain",
		"RELOADING=1",
		"READY=1\nSTATUS=Probing; the configuration was not reloaded, the old one is in force: see the log",
		"RELOADING=1",
		"READY=1\nSTATUS=Probing",
	} {
		if got := heard(t, l); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

func TestWithoutManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	var b strings.Builder
	n := New(slog.New(slog.NewTextHandler(&b, nil)))
	n.Ready()
	n.Watch(t.Context(), func() string { t.Error("asked though there is no watchdog"); return "" })
	n.Stopping()
	if b.Len() > 0 {
		t.Errorf("logged %s", &b)
	}
}

func TestWatchFeeds(t *testing.T) {
	l := manager(t)
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", "")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		New(slog.New(slog.DiscardHandler)).Watch(ctx, func() string { return "" })
	}()
	if got := heard(t, l); got != "WATCHDOG=1" {
		t.Errorf("told %q", got)
	}
	stop()
	<-ended
}

func TestWatchSettingUnreadable(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "soon")
	var b strings.Builder
	New(slog.New(slog.NewTextHandler(&b, nil))).Watch(t.Context(), nil)
	if !strings.Contains(b.String(), "watchdog not fed: systemd's setting can't be read") {
		t.Errorf("logged %q", &b)
	}
}

// TestWatchStops lets a loop hang for a while: fed before and after, never meanwhile.
func TestWatchStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, stop := context.WithTimeout(t.Context(), 59*time.Second)
		defer stop()
		var fed []int
		hung := func() string {
			if s := time.Since(began); s >= 20*time.Second && s < 40*time.Second {
				return "prod/steady/sender"
			}
			return ""
		}
		var b strings.Builder
		watch(ctx, 30*time.Second, hung, func() { fed = append(fed, int(time.Since(began).Seconds())) },
			slog.New(slog.NewTextHandler(&b, nil)))
		if want := []int{0, 5, 10, 15, 40, 45, 50, 55}; !slices.Equal(fed, want) {
			t.Errorf("fed at seconds %v, want %v", fed, want)
		}
		if !strings.Contains(b.String(), "loop=prod/steady/sender watchdog_seconds=30") {
			t.Errorf("logged %q", &b)
		}
	})
}
