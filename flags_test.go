package main

import "testing"

func TestBadArguments(t *testing.T) {
	t.Parallel()
	const servers = "--kafka.bootstrap-servers=kafka-1:9092"
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"nothing to probe", nil, 1, "no cluster to probe: give --config.file, or --kafka.bootstrap-servers for a first look, or try the command demo"},
		{"unknown flag", []string{"--kafka.brokers=kafka-1:9092"}, 2, "unknown long flag '--kafka.brokers'; try --help"},
		{"unknown command", []string{"probe"}, 2, "unexpected probe; try --help"},
		{"file and servers", []string{"--config.file=a.yml", servers}, 1, "--config.file and --kafka.bootstrap-servers exclude each other: put the servers into the file"},
		{"no such file", []string{"--config.file=no-such.yml"}, 1, "read configuration: open no-such.yml: no such file or directory"},
		{"server without a port", []string{"--kafka.bootstrap-servers=kafka-1"}, 1, "--kafka.bootstrap-servers: kafka-1: missing port, write kafka-1:9092"},
		{"metrics path taken", []string{servers, "--web.telemetry-path=/config"}, 1, `metrics path "/config": /config is taken by another page, choose another path`},
		{"metrics path under a page", []string{servers, "--web.telemetry-path=/-/metrics"}, 1, `metrics path "/-/metrics": /-/ is taken by another page, choose another path`},
		{"metrics path is the landing page", []string{servers, "--web.telemetry-path=/"}, 1, `metrics path "/": must begin with / and name a page of its own, such as /metrics`},
		{"log level", []string{servers, "--log.level=loud"}, 2, "must be one of debug,info,warn,error, got 'loud'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runCommand(tt.args...).says(t, tt.code, "kafka_prober: ", tt.want)
		})
	}
}

// TestBadConfiguration is the same for the daemon and for check; the errors themselves are internal/config's.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, yaml, want string }{
		{"empty", "", `:1: the file is empty, write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`},
		{"only a comment", "# later\n", ":1: the file is empty"},
		{"unknown key", "clusters:\n  - name: prod\n    bootstrap_server: [\"kafka-1:9092\"]\n", `:3: clusters[0].bootstrap_server: unknown key, did you mean "bootstrap_servers"?`},
		{"unknown kind", "clusters:\n  - name: prod\n    bootstrap_servers: [\"kafka-1:9092\"]\n    probes: [{kind: stedy}]\n", ":4: clusters[0].probes[0].kind: "},
		{"not YAML", "clusters: [", ":1: not YAML: "},
		{"threshold above the timeout", "clusters:\n  - name: prod\n    bootstrap_servers: [\"kafka-1:9092\"]\n    probes: [{kind: steady, timeout: 1s, thresholds: {end_to_end: {critical: 2s}}}]\n", ":4: clusters[0].probes[0].thresholds.end_to_end.critical: must be below the timeout of 1s, is 2s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := writeConfig(t, nil, tt.yaml)
			for _, args := range [][]string{{"--config.file=" + path}, {"check", "--config-only", "--config.file=" + path}} {
				runCommand(args...).says(t, 1, "kafka_prober: ", path+tt.want)
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	runCommand("--help").says(t, 0, "usage: kafka_prober", "--config.file=FILE", "demo", "check", "cleanup")
	runCommand("--version").says(t, 0, "kafka_prober, version ")
	path := writeConfig(t, nil, twoTopics)
	runCommand("check", "--config-only", "--config.file="+path).says(t, 0, "configuration: every key is understood, 1 cluster\n")
}
