//go:build kafka

package kafkatest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-prober/kafka_prober/internal/child"
)

// childEnv makes this test binary a process that starts a cluster and waits to be killed.
const childEnv = "KAFKATEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		beKilled()
	}
	Main(m, JMXPages())
}

// within bounds one step of a test.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), d, fmt.Errorf("not within %v", d))
	t.Cleanup(cancel)
	return ctx
}

func TestBrokersComeAndGo(t *testing.T) {
	c := Shared(t)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(t.Context(), 3, 3, nil, "come-and-go"); err != nil {
		t.Fatal(err)
	}
	awaitBrokers := func(want ...int32) {
		t.Helper()
		err := poll(within(t, time.Minute), 100*time.Millisecond, func(ctx context.Context) error {
			md, err := c.Broker(1).metadata(ctx)
			if err != nil {
				return err
			}
			var got []int32
			for _, b := range md.Brokers {
				got = append(got, b.NodeID)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				return fmt.Errorf("brokers in the metadata: got %v, want %v", got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	awaitBrokers(1, 2, 3)

	b := c.Broker(2)
	steps := []struct {
		name string
		do   func() error
		want []int32 // brokers in the metadata afterwards
	}{
		{"pause", b.Pause, []int32{1, 3}},
		{"resume", b.Resume, []int32{1, 2, 3}},
		{"kill", b.Kill, []int32{1, 3}},
		{"kill again", b.Kill, []int32{1, 3}},
		{"start", func() error { return b.Start(within(t, time.Minute)) }, []int32{1, 2, 3}},
		{"start again", func() error { return b.Start(within(t, time.Minute)) }, []int32{1, 2, 3}},
		{"stop", func() error { return b.Stop(within(t, time.Minute)) }, []int32{1, 3}},
		{"resume what is stopped", b.Resume, []int32{1, 3}},
		{"restart", func() error { return b.Restart(within(t, time.Minute)) }, []int32{1, 2, 3}},
		{"stop what is paused", func() error {
			return errors.Join(b.Pause(), b.Stop(within(t, time.Minute)))
		}, []int32{1, 3}},
		{"heal", func() error { return c.Heal(within(t, time.Minute)) }, []int32{1, 2, 3}},
	}
	for _, s := range steps {
		start := time.Now()
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		done := time.Since(start)
		awaitBrokers(s.want...)
		t.Logf("%-24s took %4d ms, known to the cluster after %4d ms", s.name, done.Milliseconds(), time.Since(start).Milliseconds())
	}

	topics, err := adm.ListTopics(t.Context(), "come-and-go")
	if err != nil {
		t.Fatal(err)
	}
	leaders := make(map[int32]bool)
	for _, p := range topics["come-and-go"].Partitions {
		leaders[p.Leader] = true
	}
	if len(leaders) != 3 {
		t.Errorf("healed: %d brokers lead the 3 partitions, want 3", len(leaders))
	}
}

func TestPauseOfStoppedBroker(t *testing.T) {
	b := &Node{ID: 2}
	if err := b.Pause(); err == nil || err.Error() != "pause broker 2: it does not run" {
		t.Errorf("got %v", err)
	}
}

func TestTool(t *testing.T) {
	c := Shared(t)
	const class = "org.apache.kafka.tools.TopicCommand"
	boot := strings.Join(c.Bootstrap(), ",")
	out, err := c.Tool(t.Context(), class, "--bootstrap-server", boot, "--create", "--topic", "made-by-tool")
	if err != nil || out != "Created topic made-by-tool.\n" {
		t.Errorf("create topic: got %q, %v", out, err)
	}
	_, err = c.Tool(t.Context(), class, "--bootstrap-server", boot, "--describe", "--topic", "never-made")
	if err == nil || !strings.HasPrefix(err.Error(), "run TopicCommand: exit status 1\n") || !strings.Contains(err.Error(), "never-made") {
		t.Errorf("describe a topic that is not there: got %v", err)
	}
}

func TestJMXPages(t *testing.T) {
	c := Shared(t)
	for _, n := range c.nodes {
		t.Run(n.String(), func(t *testing.T) {
			resp, err := http.Get(n.JMXURL())
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"jvm_memory_used_bytes", "kafka_log_logflushstats_logflushrateandtimems_count"}
			if n.ID != ControllerID {
				want = append(want, "\nkafka_server_replicamanager_underreplicatedpartitions 0.0\n")
			}
			for _, w := range want {
				if !strings.Contains(string(body), w) {
					t.Errorf("no %s in\n%s", w, body)
				}
			}
		})
	}
}

// A node that can't start is reported at once, with its log.
func TestNodeThatEnds(t *testing.T) {
	_, err := Run(t.Context(), Brokers(1), PerNodeConfig(1, "log.segment.bytes", "tiny"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"kafkatest: start Kafka ",
		"broker 1 ended by itself: exit status 1",
		"--- end of the log of broker 1",
		"Invalid value tiny for configuration log.segment.bytes",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

// Whatever ends the test process, its nodes end too: those that are paused as well.
func TestNothingOutlivesTheProcess(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childEnv+"=1")
			cmd.Stderr = os.Stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			p, err := child.Start(cmd)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Kill()
			var controller, broker int
			if _, err := fmt.Fscanln(bufio.NewReader(stdout), &controller, &broker); err != nil {
				t.Fatalf("read process ids from the child: %v", err)
			}
			for _, pid := range []int{controller, broker} {
				if err := syscall.Kill(pid, 0); err != nil {
					t.Fatalf("node with process id %d before: %v", pid, err)
				}
			}
			if err := p.Signal(sig); err != nil {
				t.Fatal(err)
			}
			<-p.Done
			err = poll(within(t, 20*time.Second), 20*time.Millisecond, func(context.Context) error {
				for _, pid := range []int{controller, broker} {
					if syscall.Kill(pid, 0) == nil {
						return fmt.Errorf("process %d still runs", pid)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// beKilled starts a small cluster, pauses its broker, prints the process ids and waits to be killed.
func beKilled() {
	c, err := Run(context.Background(), Brokers(1))
	if err == nil {
		err = c.Broker(1).Pause()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.Controller().PID(), c.Broker(1).PID())
	select {}
}
