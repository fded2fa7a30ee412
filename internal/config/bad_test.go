package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/config"
)

// badFiles are the files testdata/<name>.bad.yml and every message they lead to.
var badFiles = map[string][]string{
	"alias_bomb": {
		`f.yml:1: aliases expand the file to more than 200000 values`,
	},
	"alias_cycle": {
		`f.yml:2: clusters[0].bootstrap_servers[0]: must be a text, is a mapping`,
		`f.yml:3: clusters[0].bootstrap_servers[0].bootstrap_servers: the alias *c refers to itself`,
	},
	"bad_name": {
		`f.yml:2: clusters[0].name: "prod eu" is not a valid name: 1 to 128 letters, digits, '.', '_' and '-', the first a letter or a digit`,
	},
	"bad_probe_name": {
		`f.yml:6: clusters[0].probes[0].name: "" is not a valid name: 1 to 128 letters, digits, '.', '_' and '-', the first a letter or a digit`,
	},
	"boolean": {
		`f.yml:4: clusters[0].probes[0].retries: must be true or false, is "yes please"`,
	},
	"classic": {
		`f.yml:4: classic_histograms: must be all, main or none, is "everything"`,
	},
	"cluster_scalar": {
		`f.yml:2: clusters[0]: must be a mapping of keys to values, is a single value`,
	},
	"clusters_empty": {
		`f.yml:1: clusters: is empty: write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`,
	},
	"clusters_mapping": {
		`f.yml:1: clusters: must be a list, is a mapping: write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`,
	},
	"collector_nested": {
		`f.yml:8: clusters[0].collectors.jmx.targets[1].uri: unknown key, did you mean "url"?`,
		`f.yml:8: clusters[0].collectors.jmx.targets[1].url: required key is missing: address of the page`,
		`f.yml:9: clusters[0].collectors.jmx.auth.password: must be a text, is a list`,
		`f.yml:10: clusters[0].collectors.jmx.patterns[1]: must be a text, is a list`,
	},
	"collector_word": {
		`f.yml:5: clusters[0].collectors.isr: must be true, false or the collector's settings, is "maybe"`,
	},
	"collectors_list": {
		`f.yml:4: clusters[0].collectors: must be a mapping of a collector's name to its settings, or to true or false, is a list`,
	},
	"comment_only": {
		`f.yml:1: the file is empty, write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`,
	},
	"duplicate_cluster": {
		`f.yml:5: clusters[1].name: "prod" is already the name of clusters[0] (line 2): give each a name of its own, it is a label of their series`,
	},
	"duplicate_key": {
		`f.yml:5: clusters[0].client_id: duplicate key, first written in line 4`,
	},
	"duplicate_probe": {
		`f.yml:8: clusters[0].probes[1].name: "steady" is already the name of clusters[0].probes[0] (line 5): give each a name of its own, it is a label of their series`,
	},
	"duplicate_probe_by_default": {
		`f.yml:4: clusters[0].probes[1].name: "steady" is already the name of clusters[0].probes[0] (line 4): give each a name of its own, it is a label of their series`,
	},
	"duration_bare": {
		`f.yml:6: clusters[0].probes[0].interval: 100 has no unit, write for example 100ms, 5s or 1m`,
	},
	"duration_words": {
		`f.yml:6: clusters[0].probes[0].interval: "5 minutes" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`,
	},
	"empty": {
		`f.yml:1: the file is empty, write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`,
	},
	"empty_setting": {
		`f.yml:6: clusters[0].probes[0].timeout: is empty: give it a value or leave the key out`,
	},
	"empty_value": {
		`f.yml:4: clusters[0].probes: must be a list, is empty: [] is none, leaving the key out is the default`,
	},
	"enum": {
		`f.yml:4: clusters[0].topic_management: must be none, create or full, is "crate", did you mean "create"?`,
	},
	"integer": {
		`f.yml:4: clusters[0].expected_brokers: must be a whole number, -9223372036854775808 to 9223372036854775807, is "1.5"`,
	},
	"integer_range": {
		`f.yml:4: clusters[0].probes[0].replication_factor: must be a whole number, -32768 to 32767, is "40000"`,
	},
	"key_not_text": {
		`f.yml:4: clusters[0]: a key must be a plain text`,
	},
	"listeners": {
		`f.yml:5: clusters[0].listeners[0].name: "default" is taken: each listener needs a name of its own, and "default" is that of bootstrap_servers above`,
		`f.yml:6: clusters[0].listeners[1].bootstrap_servers[0]: kafka-1: missing port, write kafka-1:9092`,
		`f.yml:6: clusters[0].listeners[1].tls_config.key_file: a private key needs its certificate: give cert_file too`,
		`f.yml:7: clusters[0].listeners[2].name: "external" is taken: each listener needs a name of its own, and "default" is that of bootstrap_servers above`,
		`f.yml:8: clusters[0].listeners[3].address_map: 127.0.0.1: missing port, write 127.0.0.1:9092`,
		`f.yml:9: clusters[0].listeners[4].address_map: kafka-1:9092 and kafka-2:9092 both lead to proxy:1: each broker needs an address of its own`,
		`f.yml:10: clusters[0].listeners[5].bootstrap_servers: no server, write for example ["kafka-1:9092"]`,
	},
	"merge_scalar": {
		`f.yml:4: clusters[0].<<: must be a mapping, or a list of mappings, to merge`,
	},
	"missing_name": {
		`f.yml:2: clusters[0].name: required key is missing: value of the label kafka_cluster`,
	},
	"negative_count": {
		`f.yml:4: clusters[0].probes[0].records: must be a whole number, 0 to 18446744073709551615, is "-1"`,
		`f.yml:5: clusters[0].expected_brokers: must be a number of brokers, is -3`,
	},
	"no_clusters": {
		`f.yml:1: clusters: required key is missing: write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`,
	},
	"no_servers": {
		`f.yml:3: clusters[0].bootstrap_servers: no server, write for example ["kafka-1:9092"]`,
	},
	"not_finite": {
		`f.yml:4: clusters[0].max_topic_rate: must be a finite number, is ".inf"`,
	},
	"null": {
		`f.yml:1: the file is empty, write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`,
	},
	"number": {
		`f.yml:4: clusters[0].max_topic_rate: must be a finite number, is "fast"`,
	},
	"probe_no_kind": {
		`f.yml:4: clusters[0].probes[0].kind: required key is missing, must be burst or steady`,
	},
	"probe_scalar": {
		`f.yml:4: clusters[0].probes[0]: must be a mapping, for example {kind: steady}, is a single value`,
	},
	"rate_zero": {
		`f.yml:4: clusters[0].max_topic_rate: must be above 0 records per second, is 0`,
	},
	"required_setting": {
		`f.yml:4: clusters[0].probes[0].records: required key is missing: how many`,
	},
	"scalar": {
		`f.yml:1: must be a mapping, is a single value: write for example clusters: [{name: prod, bootstrap_servers: ["kafka-1:9092"]}]`,
	},
	"servers": {
		`f.yml:4: clusters[0].bootstrap_servers[0]: kafka-1: missing port, write kafka-1:9092`,
		`f.yml:5: clusters[0].bootstrap_servers[1]: is empty, write for example kafka-1:9092`,
		`f.yml:6: clusters[0].bootstrap_servers[2]: :9092: missing host, write for example kafka-1:9092`,
		`f.yml:7: clusters[0].bootstrap_servers[3]: kafka-2:http: port "http" is not a number from 1 to 65535`,
		`f.yml:8: clusters[0].bootstrap_servers[4]: kafka-2:70000: port "70000" is not a number from 1 to 65535`,
		`f.yml:9: clusters[0].bootstrap_servers[5]: SASL_SSL://kafka-3:9093: a bootstrap server has no SASL_SSL://, write kafka-3:9093`,
		`f.yml:10: clusters[0].bootstrap_servers[6]: kafka-4:9092,kafka-5:9092: several servers in one text, make each an item of the list`,
		`f.yml:11: clusters[0].bootstrap_servers[7]: 10.0.0.1: missing port, write 10.0.0.1:9092`,
		`f.yml:12: clusters[0].bootstrap_servers[8]: ::1: missing port, write [::1]:9092`,
		`f.yml:13: clusters[0].bootstrap_servers[9]: [::1]: missing port, write [::1]:9092`,
		`f.yml:15: clusters[0].bootstrap_servers[11]: kafka-6:9092 is listed twice`,
		`f.yml:16: clusters[0].bootstrap_servers[12]: kafka 7:9092: "kafka 7" is not a host name`,
		`f.yml:17: clusters[0].bootstrap_servers[13]: fe80::g:9092: not host:port, write for example kafka-1:9092 or [::1]:9092`,
	},
	"servers_text": {
		`f.yml:3: clusters[0].bootstrap_servers: must be a list, is a single value`,
	},
	"security": {
		`f.yml:4: clusters[0].tls_config.min_version: must be TLS10, TLS11, TLS12 or TLS13, is "SSL3"`,
		`f.yml:4: clusters[0].tls_config.key_file: a private key needs its certificate: give cert_file too`,
		`f.yml:5: clusters[0].sasl.user: unknown key, must be mechanism, username, password, password_file, password_env, token, token_file or oauth2`,
		`f.yml:5: clusters[0].sasl.username: SCRAM-SHA-256 needs a user`,
		`f.yml:9: clusters[1].sasl.mechanism: must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM, is "KERBEROS"`,
		`f.yml:15: clusters[2].sasl.oauth2.token_url: must not hold a user, a password or a query: there are client_id, client_secret_file and endpoint_params`,
	},
	"several": {
		`f.yml:1: classic_histograms: must be all, main or none, is "some"`,
		`f.yml:4: clusters[0].bootstrap_servers[0]: kafka-1: missing port, write kafka-1:9092`,
		`f.yml:5: clusters[0].topic_mangement: unknown key, did you mean "topic_management"?`,
		`f.yml:8: clusters[0].probes[0].interval: "soon" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`,
		`f.yml:9: clusters[0].probes[0].name: "a b" is not a valid name: 1 to 128 letters, digits, '.', '_' and '-', the first a letter or a digit`,
		`f.yml:10: clusters[0].probes[1].kind: unknown kind "unheard_of" (known: burst, steady)`,
		`f.yml:11: clusters[0].collectors.jmx.interval: 1 has no unit, write for example 100ms, 5s or 1m`,
		`f.yml:12: clusters[1].bootstrap_servers: required key is missing: host:port of some of the brokers; the others are found through them`,
		`f.yml:12: clusters[1].name: "prod" is already the name of clusters[0] (line 3): give each a name of its own, it is a label of their series`,
	},
	"size": {
		`f.yml:6: clusters[0].probes[0].size: "1 KiB" is not a size: a number with B, KiB, MiB, GiB, KB, MB or GB and no spaces, for example 128B or 1KiB`,
	},
	"tab": {
		`f.yml:2: not YAML: found character that cannot start any token (YAML is indented with spaces, not tabs)`,
	},
	"two_documents": {
		`f.yml:5: a second YAML document (after ---): the file must have one`,
	},
	"unclosed": {
		`f.yml:1: not YAML: did not find expected ',' or '}'`,
	},
	"unknown_collector": {
		`f.yml:5: clusters[0].collectors.irs: unknown collector, did you mean "isr"? (known: isr, jmx)`,
	},
	"unknown_far_key": {
		`f.yml:4: clusters[0].zookeeper: unknown key, must be probes, collectors, name, bootstrap_servers, address_map, client_id, topic_management, max_topic_rate, expected_brokers, tls_config, sasl or listeners`,
	},
	"unknown_key": {
		`f.yml:8: clusters[0].probes[1].intervall: unknown key, did you mean "interval"?`,
	},
	"unknown_kind": {
		`f.yml:4: clusters[0].probes[0].kind: unknown kind "stedy", did you mean "steady"? (known: burst, steady)`,
	},
	"unknown_nested_key": {
		`f.yml:7: clusters[0].probes[0].slo.objektive: unknown key, did you mean "objective"?`,
	},
	"unknown_top_key": {
		`f.yml:4: cluster: unknown key, did you mean "clusters"?`,
	},
	"unreadable_not_compared": {
		`f.yml:6: clusters[0].probes[0].timeout: "a minute" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`,
	},
	"validate_keyless": {
		`f.yml:5: clusters[0].probes[0]: too many records for one machine`,
	},
	"validate_nested": {
		`f.yml:6: clusters[0].probes[0].interval: must be at least 1ms, is 0s`,
		`f.yml:8: clusters[0].probes[0].slo.objective: must be between 0 and 1, is 1.5`,
		`f.yml:10: clusters[0].probes[0].thresholds.end_to_end.critical: must be below the timeout of 30s, is 30s`,
	},
}

func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yml")
	if err != nil || len(files) != len(badFiles) {
		t.Errorf("%d files for %d cases (%v)", len(files), len(badFiles), err)
	}
	for name, want := range badFiles {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", name+".bad.yml"))
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse("f.yml", data, testKinds())
			if err == nil {
				t.Fatalf("accepted as\n%s", c)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// main and the reload handler may ask for the parts of an error.
func TestErrorsHaveParts(t *testing.T) {
	_, err := config.Load("testdata/enum.bad.yml", testKinds())
	part, ok := errors.AsType[*config.Error](err)
	want := config.Error{
		File: "testdata/enum.bad.yml",
		Line: 4,
		Key:  "clusters[0].topic_management",
		Msg:  `must be none, create or full, is "crate", did you mean "create"?`,
	}
	if !ok || *part != want {
		t.Errorf("got %+v, want %+v", part, want)
	}
}

func TestNoSuchFile(t *testing.T) {
	_, err := config.Load("testdata/missing.yml", testKinds())
	want := "read configuration: open testdata/missing.yml: no such file or directory"
	if err == nil || err.Error() != want || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %s", err, want)
	}
}
