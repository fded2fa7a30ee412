package kafkatest

import (
	"strings"
	"testing"
)

func TestProperties(t *testing.T) {
	broker := &Node{
		ID:  2,
		dir: "/data/2",
		endpoints: []Endpoint{
			{BrokerID: 2, Listener: PlaintextListener, Addr: "127.0.0.1:20001"},
			{BrokerID: 2, Listener: "SECURE", Addr: "127.0.0.1:20002"},
		},
		advertised: map[string]string{PlaintextListener: "127.0.0.1:20001", "SECURE": "127.0.0.1:7"},
	}
	controller := &Node{ID: ControllerID, dir: "/data/100"}
	tests := map[string]struct {
		node *Node
		opts []Option
		want string // lines of the file, in its order
		none string // must not be in it
	}{
		"broker": {
			node: broker,
			opts: []Option{Listener("SECURE", "SSL")},
			want: `advertised.listeners=PLAINTEXT://127.0.0.1:20001,SECURE://127.0.0.1:7
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.rack=rack-2
broker.session.timeout.ms=3000
controller.listener.names=CONTROLLER
controller.quorum.voters=100@127.0.0.1:20000
group.initial.rebalance.delay.ms=0
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SSL
listeners=PLAINTEXT://127.0.0.1:20001,SECURE://127.0.0.1:20002
log.cleaner.dedupe.buffer.size=4194304
log.dirs=/data/2/data
log.initial.task.delay.ms=1000
log.retention.check.interval.ms=1000
node.id=2
offsets.topic.num.partitions=3
offsets.topic.replication.factor=3
process.roles=broker
share.coordinator.state.topic.min.isr=2
share.coordinator.state.topic.num.partitions=3
share.coordinator.state.topic.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=3
`,
		},
		"controller": {
			node: controller,
			want: "listeners=CONTROLLER://127.0.0.1:20000\n",
			none: "advertised.listeners",
		},
		"broker's defaults": {
			node: broker,
			opts: []Option{BrokerDefaults()},
			want: "broker.rack=rack-2\n",
			none: "broker.session.timeout.ms",
		},
		"one broker": {
			node: broker,
			opts: []Option{Brokers(1)},
			want: "transaction.state.log.min.isr=1\n",
		},
		"node wins over cluster wins over ours": {
			node: broker,
			opts: []Option{
				BrokerConfig("node.note", "all"), PerNodeConfig(2, "node.note", `one\two`),
				BrokerConfig("broker.rack", "a"), PerNodeConfig(1, "broker.rack", "b"),
			},
			want: "broker.rack=a\n",
			none: "broker.rack=b",
		},
		"backslash": {
			node: broker,
			opts: []Option{BrokerConfig("a", `b\c`)},
			want: `a=b\\c` + "\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := newSettings(tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			got := propertiesText(properties(s, tc.node, "127.0.0.1:20000"))
			if !strings.Contains(got, tc.want) || tc.none != "" && strings.Contains(got, tc.none) {
				t.Errorf("got\n%s\nwant in it\n%s\nwant not in it: %q", got, tc.want, tc.none)
			}
		})
	}
}

func TestOptionErrors(t *testing.T) {
	tests := map[string]struct {
		env  string // KAFKA_VERSION
		opts []Option
		want string
	}{
		"version":          {opts: []Option{Version("4.3")}, want: `kafka version "4.3": want x.y.z, for instance 4.3.1`},
		"version from env": {env: "../x", want: `kafka version "../x": want x.y.z, for instance 4.3.1`},
		"no broker":        {opts: []Option{Brokers(0)}, want: "0 brokers: want 1 to 9"},
		"unknown node":     {opts: []Option{PerNodeConfig(4, "a", "b")}, want: "configuration for node 4: nodes are 1 to 3 and 100"},
		"unknown env":      {opts: []Option{Env(4, "A=b")}, want: "environment for node 4: nodes are 1 to 3 and 100"},
		"listener twice":   {opts: []Option{Listener("PLAINTEXT", "SSL")}, want: "listener PLAINTEXT is there already: choose another name"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KAFKA_VERSION", tc.env)
			if _, err := Run(t.Context(), tc.opts...); err == nil || err.Error() != "kafkatest: "+tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestWithoutJava(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("PATH", empty)
	t.Setenv("XDG_CACHE_HOME", empty) // no jars either
	t.Setenv("KAFKA_VERSION", "")
	const install = "install a JDK 17 or newer and Maven (Debian: apt-get install openjdk-17-jdk-headless maven)"

	t.Setenv("JAVA_HOME", "")
	_, err := Run(t.Context())
	if want := "kafkatest: start Kafka 4.3.1: no java on PATH: " + install; err == nil || err.Error() != want {
		t.Errorf("no java: got %v, want %s", err, want)
	}
	t.Setenv("JAVA_HOME", empty)
	_, err = Run(t.Context())
	if want := "kafkatest: start Kafka 4.3.1: JAVA_HOME has no bin/java: " + install; err == nil || err.Error() != want {
		t.Errorf("empty JAVA_HOME: got %v, want %s", err, want)
	}
	_, err = Fetch(t.Context(), DefaultVersion)
	if want := "no mvn on PATH: " + install; err == nil || err.Error() != want {
		t.Errorf("no mvn: got %v, want %s", err, want)
	}
}

func TestLastLines(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		"a\n":        "a",
		"a\nb\n":     "a\nb",
		"a\nb\nc\n":  "b\nc",
		"a\nb\nc\nd": "c\nd",
	} {
		if got := string(lastLines([]byte(text), 2)); got != want {
			t.Errorf("last 2 lines of %q: got %q, want %q", text, got, want)
		}
	}
}

func TestPortsAreDistinctAndReserved(t *testing.T) {
	a, err := reservePorts()
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	b, err := reservePorts()
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	seen := make(map[string]bool)
	for range 10 {
		for _, p := range []*ports{a, b} {
			addr, err := p.addr()
			if err != nil {
				t.Fatal(err)
			}
			if seen[addr] {
				t.Errorf("%s was handed out twice", addr)
			}
			seen[addr] = true
		}
	}
}
