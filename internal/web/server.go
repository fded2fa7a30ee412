package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// Limits of the server. A client that opens connections and says nothing is
// cut off after the header timeout and costs a goroutine until then; a cap on
// connections would only let it lock out the scraper that behaves.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
)

// Server listens where exporter-toolkit's flags say (addresses, systemd
// sockets, TLS and users of --web.config.file) and serves one handler.
type Server struct {
	handler     http.Handler
	log         *slog.Logger
	onListening func(net.Addr)

	mu      sync.Mutex
	servers []*http.Server // one per listen address
	closed  bool
}

// NewServer returns a server that does not listen yet. onListening, which may
// be nil, is called for each address once it accepts connections.
func NewServer(handler http.Handler, onListening func(net.Addr), log *slog.Logger) *Server {
	return &Server{handler: handler, log: log, onListening: onListening}
}

// ListenAndServe serves until Shutdown, then returns nil, or until one address
// can't be served, then ends the others too and returns why.
//
// Each address has an http.Server of its own: the toolkit wraps the handler of
// the server that it is given once per listener, unsynchronised.
func (s *Server) ListenAndServe(flags *toolkit.FlagConfig) error {
	var each []toolkit.FlagConfig
	if flags.WebSystemdSocket != nil && *flags.WebSystemdSocket || flags.WebListenAddresses == nil {
		each = append(each, *flags)
	} else {
		for _, address := range *flags.WebListenAddresses {
			one := *flags
			one.WebListenAddresses = &[]string{address}
			each = append(each, one)
		}
	}
	if len(each) == 0 {
		return errors.New("no address to serve HTTP on: give --web.listen-address, or --web.systemd-socket")
	}
	ended := make(chan error, len(each))
	for _, flags := range each {
		server := s.add()
		if server == nil {
			return nil
		}
		go func() {
			err := toolkit.ListenAndServe(server, &flags, s.log)
			if err != nil && !errors.Is(err, http.ErrServerClosed) {
				err = fmt.Errorf("serve HTTP: %w", err)
				s.close()
			}
			ended <- err
		}()
	}
	var first error
	for range each {
		if err := <-ended; first == nil && !errors.Is(err, http.ErrServerClosed) {
			first = err
		}
	}
	return first
}

// Serve is ListenAndServe on a listener that is open already, without TLS.
func (s *Server) Serve(l net.Listener) error {
	server := s.add()
	if server == nil {
		return l.Close()
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// add returns a new http.Server, or nil after Shutdown.
func (s *Server) add() *http.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		// net/http asks for this when it begins to serve a listener: the one
		// place that knows an address the toolkit has opened.
		BaseContext: func(l net.Listener) context.Context {
			if s.onListening != nil {
				s.onListening(l.Addr())
			}
			return context.Background()
		},
	}
	s.servers = append(s.servers, server)
	return server
}

// Shutdown ends listening, waits until the requests being served have been
// answered or ctx is done, and then cuts off what is left. ListenAndServe and
// Serve return when listening ends; wait for Shutdown, not for them.
func (s *Server) Shutdown(ctx context.Context) error {
	var errs []error
	for _, server := range s.end() {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("wait for HTTP requests to end: %w", err), server.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *Server) close() {
	for _, server := range s.end() {
		_ = server.Close() // it is given up because of another error, which is returned
	}
}

// end lets no further server be added and returns those there are.
func (s *Server) end() []*http.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.servers
}
