//go:build faults

package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/promtest"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

const (
	// maxScrape is how long a client that behaves may wait while others do not.
	maxScrape = time.Second
	// maxGrowth is how much memory those others may cost.
	maxGrowth = 50 << 20
)

// TestHTTPUnderAttack lets clients do to the daemon what they should not, while one scrapes as it should: it
// is answered within a second throughout, and memory stays within 50 MiB of what it was.
func TestHTTPUnderAttack(t *testing.T) {
	kafka := fakeKafka(t, 3)
	authority, err := testpki.New("web")
	if err != nil {
		t.Fatal(err)
	}
	plain := &target{daemonProcess: startDaemon(t, servers(kafka)), client: new(http.Client)}
	secure := startSecureDaemon(t, authority, servers(kafka))
	for _, tt := range []struct {
		name   string
		on     *target
		attack func(*testing.T, *target)
	}{
		{"500 scrapes at a time", plain, manyScrapes},
		{"1,000 connections that say a byte a second", plain, slowHeaders},
		{"1,000 connections that do not read the answer", plain, slowReaders},
		{"a header of 1 GB, on 20 connections", plain, endlessHeaders},
		{"1,000 TLS handshakes that are not finished", secure, halfOpen},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.on.withstands(t, tt.attack) })
	}
	plain.terminate(t)
	secure.terminate(t)
}

// target is a daemon and a client that behaves.
type target struct {
	*daemonProcess
	client *http.Client
}

// startSecureDaemon starts a daemon that speaks TLS.
func startSecureDaemon(t *testing.T, authority *testpki.Authority, args ...string) *target {
	t.Helper()
	pair, err := authority.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"cert.pem": string(pair.Cert), "key.pem": string(pair.Key),
		"web.yml": "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM)
	config := &tls.Config{RootCAs: roots}
	address := freeAddress(t)
	args = append(args, "--web.listen-address="+address, "--web.config.file="+filepath.Join(dir, "web.yml"))
	s := &target{
		daemonProcess: &daemonProcess{process: start(t, args...), base: "https://" + address},
		client:        &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}},
	}
	await(t, 10*time.Second, "the daemon to serve", func() bool { _, err := s.fetch("", ""); return err == nil })
	return s
}

func (s *target) address() string { return s.base[strings.LastIndexByte(s.base, '/')+1:] }

// fetch scrapes once, in the form that the headers ask for.
func (s *target) fetch(accept, encoding string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, s.base+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if encoding != "" {
		req.Header.Set("Accept-Encoding", encoding)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return body, err
}

// withstands runs the attack beside a client that scrapes anew, on a new connection, ten times a second.
func (s *target) withstands(t *testing.T, attack func(*testing.T, *target)) {
	for range 5 { // what the daemon allocates once, it has now
		if _, err := s.fetch("", ""); err != nil {
			t.Fatal(err)
		}
	}
	s.forgetPeak(t)
	before := promtest.UsageOf(t, s.cmd.Process.Pid).Resident
	over, ended := make(chan struct{}), make(chan struct{})
	var scrapes int
	var longest time.Duration
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			s.client.CloseIdleConnections()
			began := time.Now()
			if _, err := s.fetch("", ""); err != nil {
				t.Errorf("a client that behaves gets %v", err)
			}
			scrapes++
			longest = max(longest, time.Since(began))
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	}()
	attack(t, s)
	close(over)
	<-ended
	growth := promtest.UsageOf(t, s.cmd.Process.Pid).Peak - before
	t.Logf("%d scrapes, the longest %v; %d MiB of %d more", scrapes, longest.Round(time.Millisecond), growth>>20, before>>20)
	if longest > maxScrape {
		t.Errorf("a client that behaves waited %v", longest)
	}
	if growth > maxGrowth {
		t.Errorf("memory grew by %d MiB", growth>>20)
	}
	if scrapes < 5 {
		t.Errorf("the attack was over after %d scrapes", scrapes)
	}
}

// forgetPeak lets the most memory that the daemon had begin anew.
func (s *target) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.cmd.Process.Pid), []byte("5"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// manyScrapes scrapes on 500 connections, in all formats: whatever the number, the series are gathered once
// a second and each format is rendered once a gather.
func manyScrapes(t *testing.T, s *target) {
	gathers := func() float64 {
		return sum(s.scrape(t), "kafka_prober_scrape_gathers_total", nil)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 500, DisableCompression: true}
	defer transport.CloseIdleConnections()
	crowd := &target{daemonProcess: s.daemonProcess, client: &http.Client{Transport: transport}}
	variants := []struct{ accept, encoding string }{
		{"text/plain", "identity"}, {"text/plain", "gzip"}, {"application/openmetrics-text", "gzip"},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "gzip"}, {"text/plain", "zstd"},
	}
	var mu sync.Mutex
	bodies := make([]map[[sha256.Size]byte]bool, len(variants))
	for i := range bodies {
		bodies[i] = map[[sha256.Size]byte]bool{}
	}
	before, began, scrapes := gathers(), time.Now(), 0
	var wg sync.WaitGroup
	for i := range 500 {
		variant := i % len(variants)
		wg.Go(func() {
			for time.Since(began) < 4*time.Second {
				body, err := crowd.fetch(variants[variant].accept, variants[variant].encoding)
				if err != nil {
					t.Errorf("one of 500 gets %v", err)
					return
				}
				sum := sha256.Sum256(body)
				mu.Lock()
				bodies[variant][sum], scrapes = true, scrapes+1
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	took := time.Since(began).Seconds()
	gathered := gathers() - before
	t.Logf("%d scrapes in %.1f s, %v gathers", scrapes, took, gathered)
	if gathered > took+2 {
		t.Errorf("gathered %v times in %.1f s, want at most once a second", gathered, took)
	}
	for i, different := range bodies {
		if n := float64(len(different)); n == 0 || n > gathered+1 {
			t.Errorf("%v: %v bodies of %v gathers", variants[i], n, gathered)
		}
	}
}

// crowd opens n connections at the same time and hands each to use, which ends when the daemon closes it, or
// with the time. It returns how many the daemon closed.
func (s *target) crowd(t *testing.T, n int, lasts time.Duration, use func(net.Conn) error) (closed int) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	deadline := time.Now().Add(lasts)
	for range n {
		wg.Go(func() {
			conn, err := net.Dial("tcp", s.address())
			if err != nil {
				t.Errorf("connect: %v", err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(deadline) // it may be closed already, as use will see
			if err := use(conn); !errors.Is(err, os.ErrDeadlineExceeded) {
				mu.Lock()
				defer mu.Unlock()
				closed++
			}
		})
	}
	wg.Wait()
	return closed
}

// slowHeaders says one byte of a request a second.
func slowHeaders(t *testing.T, s *target) {
	const n = 1000
	closed := s.crowd(t, n, 12*time.Second, func(conn net.Conn) error {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for say := "GET /metrics HTTP/1.1\r\nHost: prober\r\nX: "; ; say = "x" {
			if _, err := io.WriteString(conn, say); err != nil {
				return err
			}
			<-tick.C
		}
	})
	if closed < n {
		t.Errorf("%d of %d connections were kept", n-closed, n)
	}
}

// slowReaders asks and takes as little of the answer as it can.
func slowReaders(t *testing.T, s *target) {
	s.crowd(t, 1000, 18*time.Second, func(conn net.Conn) error {
		if err := conn.(*net.TCPConn).SetReadBuffer(1); err != nil { // the kernel's least
			return err
		}
		if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: prober\r\n\r\n"); err != nil {
			return err
		}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for one := make([]byte, 1); ; <-tick.C {
			if _, err := conn.Read(one); err != nil {
				return err
			}
		}
	})
}

// endlessHeaders sends a header of 1 GB, as far as it is taken.
func endlessHeaders(t *testing.T, s *target) {
	const connections, size, chunk = 20, 1 << 30, 64 << 10
	line := strings.Repeat("x", chunk)
	closed := s.crowd(t, connections, 30*time.Second, func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: prober\r\nX: "); err != nil {
			return err
		}
		for range size / chunk {
			if _, err := io.WriteString(conn, line); err != nil {
				return err
			}
		}
		t.Error("the whole header was taken")
		return nil
	})
	if closed < connections {
		t.Errorf("%d of %d connections were kept", connections-closed, connections)
	}
}

// halfOpen begins a TLS handshake, or not even that, and says no more.
func halfOpen(t *testing.T, s *target) {
	const n = 1000
	var turn atomic.Int64
	closed := s.crowd(t, n, 12*time.Second, func(conn net.Conn) error {
		if turn.Add(1)%2 == 0 { // the head of a greeting of 512 bytes
			if _, err := conn.Write([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}); err != nil {
				return err
			}
		}
		_, err := io.Copy(io.Discard, conn)
		return err
	})
	if closed < n {
		t.Errorf("%d of %d connections were kept", n-closed, n)
	}
}
