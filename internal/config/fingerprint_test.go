package config_test

import (
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/config"
)

// What a reload may leave alone is what a fingerprint says it is: each edit of the
// file changes the fingerprints of what it touches and no others.
func TestFingerprint(t *testing.T) {
	const base = `
clusters:
  - name: prod
    bootstrap_servers: ["kafka-1:9092"]
    probes:
      - {kind: steady, interval: 1s}
    collectors:
      jmx: {auth: {password: secret-1}}
`
	parse := func(text string) config.Cluster {
		t.Helper()
		c, err := config.Parse("", []byte(text), testKinds())
		if err != nil {
			t.Fatal(err)
		}
		return c.Clusters[0]
	}
	before := parse(base)
	for _, test := range []struct {
		name, old, new             string
		cluster, probe, collectors bool // whether it changes
	}{
		{name: "comment", old: "clusters:", new: "# a comment\nclusters:"},
		{name: "default written out", old: "interval: 1s", new: "interval: 1s, timeout: 30s"},
		{name: "same duration", old: "interval: 1s", new: "interval: 1000ms"},
		{name: "interval", old: "interval: 1s", new: "interval: 2s", probe: true},
		{name: "map value", old: "interval: 1s", new: "interval: 1s, thresholds: {}", probe: true},
		{name: "probe's name", old: "kind: steady", new: "kind: steady, name: other", probe: true},
		{name: "secret", old: "secret-1", new: "secret-2", collectors: true},
		{name: "server", old: "kafka-1", new: "kafka-2", cluster: true},
		{name: "cluster's name", old: "prod", new: "test", cluster: true},
	} {
		if !strings.Contains(base, test.old) {
			t.Fatalf("%s: %q is not in the file", test.name, test.old)
		}
		after := parse(strings.Replace(base, test.old, test.new, 1))
		if changed := before.Fingerprint() != after.Fingerprint(); changed != test.cluster {
			t.Errorf("%s: cluster changed: %v", test.name, changed)
		}
		if changed := before.Probes[0].Fingerprint() != after.Probes[0].Fingerprint(); changed != test.probe {
			t.Errorf("%s: probe changed: %v", test.name, changed)
		}
		if changed := before.Collectors[1].Fingerprint() != after.Collectors[1].Fingerprint(); changed != test.collectors {
			t.Errorf("%s: collector changed: %v", test.name, changed)
		}
	}
}
