package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestCheckUnreachable is about addresses where no Kafka answers: each in words that say what to look at.
func TestCheckUnreachable(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	for _, tt := range []struct {
		name, address, want string
	}{
		{"closed port", freeAddress(t), "nobody listens on that port: is the broker up, and is this its listener's port?"},
		{"HTTP server", web.Listener.Addr().String(), "an HTTP server answers there, not Kafka"},
		{"black hole", impostor(t, func(net.Conn) {}), "connected, but no answer in time"},
		{"hangs up", impostor(t, hangUp), "the connection was accepted and closed at once: the listener may want TLS or SASL"},
		{"speaks first", impostor(t, func(c net.Conn) { _, _ = c.Write([]byte("220 mail.example ESMTP\r\n")) }), "something answers there that does not speak Kafka's protocol"},
		{"no such host", "kafka.invalid:9092", "the name does not resolve here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			runCommand("check", "--kafka.bootstrap-servers="+tt.address).says(t, 1,
				"PROBLEM  bootstrap server "+tt.address+" can't be used: "+tt.want,
				"PROBLEM  no broker can be reached, so nothing more can be said; the daemon would go on trying\n",
				"kafka_prober: the daemon could not do its whole job on default: see each PROBLEM above\n")
			if took := time.Since(began); took > checkTimeout {
				t.Errorf("took %v, want at most %v", took, checkTimeout)
			}
		})
	}
}

// TestCheckPartlyReachable is a misspelt bootstrap server, which costs nothing today, and a broker that
// is away, which does.
func TestCheckPartlyReachable(t *testing.T) {
	t.Parallel()
	t.Run("bootstrap server", func(t *testing.T) {
		t.Parallel()
		c, closed := fakeKafka(t, 1), freeAddress(t)
		runCommand("check", servers(c), "--kafka.bootstrap-servers="+closed).says(t, 0,
			"warning  bootstrap server "+closed+" can't be used: nobody listens on that port")
	})
	t.Run("broker", func(t *testing.T) {
		t.Parallel()
		c := fakeKafka(t, 3, kfake.SeedTopics(3, steadyTopic))
		gone := freeAddress(t)
		advertiseElsewhere(t, c, 2, gone)
		runCommand("check", servers(c)).says(t, 1,
			"ok       broker 0 at ", "ok       broker 1 at ",
			"PROBLEM  broker 2 can't be reached at "+gone+", the address that it advertises: nobody listens on that port")
	})
}

// TestCheckIsQuiet: what the client library says of each attempt is not on the operator's screen.
func TestCheckIsQuiet(t *testing.T) {
	t.Parallel()
	got := runCommand("check", "--kafka.bootstrap-servers="+freeAddress(t))
	if n := strings.Count(got.stderr, "\n"); n != 1 {
		t.Errorf("%d lines on standard error, want the one that says why the exit code is not 0:\n%s", n, got.stderr)
	}
}

// hangUp closes a connection once something was asked.
func hangUp(c net.Conn) {
	_, _ = c.Read(make([]byte, 1024))
	_ = c.Close()
}
