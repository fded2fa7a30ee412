package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// pipes is a listener whose connections are net.Pipes, so that a server runs
// on the fake clock of synctest.
type pipes struct {
	accepted chan net.Conn
	once     sync.Once
	done     chan struct{}
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10092} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.accepted <- server
	return client
}

func get(c net.Conn) (*http.Response, error) {
	if _, err := io.WriteString(c, "GET /-/healthy HTTP/1.1\r\nHost: prober\r\nConnection: close\r\n\r\n"); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(c), nil)
}

func TestServerIsNotStarvedByHalfOpenConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, err := Handler(testOptions())
		if err != nil {
			t.Fatal(err)
		}
		listener := newPipes()
		server := NewServer(handler, nil, slog.New(slog.DiscardHandler))
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()

		begun := time.Now()
		var wg sync.WaitGroup
		for range 200 {
			half := listener.dial()
			if _, err := io.WriteString(half, "GET /metrics HTTP/1.1\r\nHost: prober\r\nX-Slow: "); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				_, _ = io.Copy(io.Discard, half) // until the server hangs up
				if lasted := time.Since(begun); lasted != readHeaderTimeout {
					t.Errorf("a half-open connection was kept for %s, want %s", lasted, readHeaderTimeout)
				}
			})
		}
		good := listener.dial()
		response, err := get(good)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("got %v, error %v, want 200", response, err)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("the good client waited %s for the 200 others", took)
		}
		_ = good.Close()
		wg.Wait()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestServerRefusesLongHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := NewServer(http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler))
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		c := listener.dial()
		go func() {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nX-Long: "+strings.Repeat("x", 2*maxHeaderBytes)+"\r\n\r\n")
		}()
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("got %v, error %v, want status 431", response, err)
		}
		_ = c.Close()
		_ = server.Shutdown(t.Context())
		<-served
	})
}

func TestServerShutdownDrains(t *testing.T) {
	for _, test := range []struct {
		name  string
		takes time.Duration
		want  error
	}{
		{"request ends", time.Second, nil},
		{"request does not end", time.Hour, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := newPipes()
				server := NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					select {
					case <-time.After(test.takes):
					case <-r.Context().Done():
					}
				}), nil, slog.New(slog.DiscardHandler))
				served := make(chan error, 1)
				go func() { served <- server.Serve(listener) }()
				c := listener.dial()
				answered := make(chan error, 1)
				go func() { _, err := get(c); answered <- err }()
				synctest.Wait() // the handler runs

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if err := server.Shutdown(ctx); !errors.Is(err, test.want) {
					t.Errorf("got error %v, want %v", err, test.want)
				}
				if err := <-answered; (err == nil) != (test.want == nil) {
					t.Errorf("the client got error %v", err)
				}
				if err := <-served; err != nil {
					t.Error(err)
				}
				_ = c.Close()
			})
		})
	}
}

func flags(addresses ...string) *toolkit.FlagConfig {
	systemd, file := false, ""
	return &toolkit.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &systemd, WebConfigFile: &file}
}

func TestServerListensOnEachAddress(t *testing.T) {
	listening := make(chan net.Addr, 2)
	server := NewServer(http.NotFoundHandler(), func(a net.Addr) { listening <- a }, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe(flags("127.0.0.1:0", "127.0.0.1:0")) }()
	for range 2 {
		response, err := http.Get("http://" + (<-listening).String() + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Errorf("got error %v after Shutdown, want none", err)
	}
	if err := server.ListenAndServe(flags("127.0.0.1:0")); err != nil {
		t.Errorf("got error %v for a server that was shut down, want none", err)
	}
}

func TestServerCannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		name string
		give *toolkit.FlagConfig
		want string
	}{
		{"address taken, the other is given up", flags("127.0.0.1:0", taken.Addr().String()),
			"serve HTTP: listen tcp " + taken.Addr().String() + ": bind: address already in use"},
		{"no address", flags(), "no address to serve HTTP on: give --web.listen-address, or --web.systemd-socket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := NewServer(http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler)).ListenAndServe(test.give)
			if err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}
