package main

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestListeners probes one cluster by two ways. The fake has one listener, so the second way is another
// fake: what counts is that each has probes and labels of its own, and that a reload ends those of one alone.
func TestListeners(t *testing.T) {
	t.Parallel()
	inside := fakeKafka(t, 1)
	outside := fakeKafka(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "prober", "hunter2"))
	const cluster = `
clusters:
  - name: prod
    bootstrap_servers: %SERVERS%
    probes: [{kind: steady}, {kind: connect, interval: 1s, timeout: 1s}]
`
	second := `    listeners:
      - name: external
        bootstrap_servers: ["` + outside.ListenAddrs()[0] + `"]
        sasl: {mechanism: PLAIN, username: prober, password: hunter2}
`
	config := writeConfig(t, inside, cluster+second)
	runCommand("check", "--config.file="+config).says(t, 0, "cluster prod\n", "cluster prod, listener external\n", "all is well")

	base := serveHere(t, "--config.file="+config, "--web.enable-lifecycle")
	delivers := func(listener string) bool {
		f := families(t, get(t, base+"/metrics"))
		on := map[string]string{"kafka_cluster": "prod", "listener": listener, "outcome": "delivered"}
		return sum(f, "kafka_prober_records_total", on) > 0 &&
			sum(f, "kafka_prober_connect_success", map[string]string{"listener": listener}) == 1
	}
	await(t, 20*time.Second, "records by both ways", func() bool { return delivers("default") && delivers("external") })
	if page := string(get(t, base+"/")); !strings.Contains(page, "prod, listener external") {
		t.Error("the landing page does not show the second way")
	}

	rewriteConfig(t, config, inside, cluster)
	if status, body := request(t, "POST", base+"/-/reload"); status != 200 {
		t.Fatalf("reload: %d %s", status, body)
	}
	await(t, 5*time.Second, "the series of the first way alone", func() bool {
		text := string(get(t, base+"/metrics"))
		return !strings.Contains(text, `listener="external"`) && strings.Contains(text, `listener="default"`)
	})
}

// renamed is a listener that says it has another address, which a fake broker then advertises.
type renamed struct {
	net.Listener
	name string // host:port
}

func (r renamed) Addr() net.Addr { return advertised(r.name) }

type advertised string

func (advertised) Network() string  { return "tcp" }
func (a advertised) String() string { return string(a) }

// TestAddressMap goes to brokers that advertise addresses which lead nowhere from here.
func TestAddressMap(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	addresses := map[string]string{} // from what is advertised to what is dialled
	listen := kfake.ListenFn(func(network, _ string) (net.Listener, error) {
		l, err := net.Listen(network, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		name := fmt.Sprintf("kafka-%d.invalid:9092", len(addresses)+1)
		addresses[name] = l.Addr().String()
		return renamed{l, name}, nil
	})
	fakeKafka(t, 2, listen)
	const cluster = `
clusters:
  - name: prod
    bootstrap_servers: ["kafka-1.invalid:9092"]
    probes: [{kind: steady, timeout: 1s}, {kind: connect, interval: 1s, timeout: 1s}]
    listeners:
      - {name: tunnel, address_map: {"kafka-1.invalid:9092": %1, "kafka-2.invalid:9092": %2}}
      - {name: half, bootstrap_servers: [%1], address_map: {"kafka-1.invalid:9092": %1}}
`
	config := writeConfig(t, nil, strings.NewReplacer(
		"%1", fmt.Sprintf("%q", addresses["kafka-1.invalid:9092"]), "%2", fmt.Sprintf("%q", addresses["kafka-2.invalid:9092"])).Replace(cluster))
	runCommand("check", "--config.file="+config).says(t, 1,
		"cluster prod, listener tunnel\n  ok       bootstrap server kafka-1.invalid:9092 answers\n  ok       bootstrap server kafka-2.invalid:9092 answers\n  ok       broker 0 at kafka-1.invalid:9092 answers\n  ok       broker 1 at kafka-2.invalid:9092 answers\n",
		"PROBLEM  bootstrap server kafka-1.invalid:9092 can't be used: the name does not resolve here",
		"PROBLEM  broker 1 can't be reached at kafka-2.invalid:9092, the address that it advertises: add the address that the broker advertises to address_map, with the address to dial")

	base := serveHere(t, "--config.file="+config)
	on := func(name, listener string, labels ...string) float64 {
		all := map[string]string{"listener": listener}
		for i := 0; i < len(labels); i += 2 {
			all[labels[i]] = labels[i+1]
		}
		return sum(families(t, get(t, base+"/metrics")), name, all)
	}
	await(t, 20*time.Second, "records by the tunnel", func() bool {
		return on("kafka_prober_records_total", "tunnel", "outcome", "delivered") > 0 && // the fake's leaders are where they are
			on("kafka_prober_connect_success", "tunnel") == 2
	})
	await(t, 20*time.Second, "why there are none by the others", func() bool {
		return on("kafka_prober_connect_failures_total", "default", "phase", "resolve", "reason", "DNS_ERROR") > 0 &&
			on("kafka_prober_connect_failures_total", "half", "broker", "1", "phase", "resolve", "reason", "ADDRESS_NOT_MAPPED") > 0 &&
			on("kafka_prober_connect_attempts_total", "half", "broker", "0", "outcome", "ok") > 0
	})
	if n := on("kafka_prober_records_total", "half", "outcome", "delivered", "broker", "1"); n > 0 {
		t.Errorf("%v records by an address that is not mapped", n)
	}
}
