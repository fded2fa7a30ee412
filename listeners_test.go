package main

import (
	"strings"
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
