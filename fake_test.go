package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// steadyTopic is the steady probe's topic unless configured otherwise.
const steadyTopic = "kafka-prober-steady-internal"

// fakeKafka starts a cluster of brokers 0, 1, ... in this process, on loopback.
func fakeKafka(t *testing.T, brokers int, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(brokers))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// servers is the flag that names a cluster.
func servers(c *kfake.Cluster) string {
	return "--kafka.bootstrap-servers=" + strings.Join(c.ListenAddrs(), ",")
}

// writeConfig writes a configuration file whose %SERVERS% are the cluster's, and returns its path.
func writeConfig(t *testing.T, c *kfake.Cluster, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kafka_prober.yml")
	rewriteConfig(t, path, c, yaml)
	return path
}

func rewriteConfig(t *testing.T, path string, c *kfake.Cluster, yaml string) {
	t.Helper()
	if c != nil {
		yaml = strings.ReplaceAll(yaml, "%SERVERS%", `["`+strings.Join(c.ListenAddrs(), `", "`)+`"]`)
	}
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// outcome is how a command ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// runCommand runs the program in this process, with nothing on its standard input.
func runCommand(args ...string) outcome { return runWithInput("", args...) }

func runWithInput(stdin string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// says fails the test unless the command ended with the code and printed each text.
func (o outcome) says(t *testing.T, code int, texts ...string) {
	t.Helper()
	all := o.stdout + o.stderr
	if o.code != code {
		t.Errorf("exit code %d, want %d; printed:\n%s", o.code, code, all)
	}
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("does not say %q; printed:\n%s", text, all)
		}
	}
}

// serveHere runs the daemon in this process until the test's end and returns the base of its URLs.
func serveHere(t *testing.T, args ...string) string {
	t.Helper()
	app := kingpin.New("kafka_prober", "")
	o := flags(app)
	if _, err := app.Parse(append(args, "--web.listen-address=127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	cfg, err := o.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- serve(ctx, o, cfg, slog.New(slog.DiscardHandler), func(a net.Addr) { listening <- a })
	}()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	select {
	case address := <-listening:
		t.Cleanup(func() {
			began := time.Now()
			stop()
			if err := <-ended; err != nil {
				t.Errorf("serve: %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("stopping took %v, want at most 5 s", took)
			}
		})
		return "http://" + address.String()
	case err := <-ended:
		stop()
		t.Fatalf("serve: %v", err)
	case <-limit.C:
		stop()
		t.Fatal("not serving after 10 s")
	}
	return ""
}

// impostor accepts connections until the test's end, hands each to serve and returns its address.
func impostor(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed below
			}
			defer conn.Close()
			serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return l.Addr().String()
}

// advertiseElsewhere lets a broker's address in metadata be another one.
func advertiseElsewhere(t *testing.T, c *kfake.Cluster, broker int32, address string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	c.ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.MetadataRequest)
		if len(req.Topics) > 0 || req.Topics == nil && req.AllowAutoTopicCreation {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		for id, server := range c.ListenAddrs() {
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID, b.Host = int32(id), host
			_, own, _ := net.SplitHostPort(server)
			n, _ := strconv.ParseInt(own, 10, 32)
			if b.Port = int32(n); b.NodeID == broker {
				b.Port = int32(number)
			}
			resp.Brokers = append(resp.Brokers, b)
		}
		return resp, nil, true
	})
}
