package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// golden compares got with a file; UPDATE_GOLDEN=1 writes the file instead.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// The golden file of a good one is what it means with every default written out.
// Without secrets it reads back as the same configuration.
func TestGoodFiles(t *testing.T) {
	for _, name := range []string{"minimal", "full", "aliases", "security", "listeners"} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Load(filepath.Join("testdata", name+".good.yml"), testKinds())
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".golden.yml"), c.String())
			if strings.Contains(c.String(), "hunter2") {
				t.Error("the configuration shows a secret")
			}
			again, err := config.Parse("again", []byte(c.String()), testKinds())
			if err != nil {
				t.Fatal(err)
			}
			if again.String() != c.String() {
				t.Errorf("reads back as\n%s", again)
			}
		})
	}
}

func TestReference(t *testing.T) {
	golden(t, "testdata/reference.golden.md", config.Reference(testKinds()))
}

func TestSettingsAreTyped(t *testing.T) {
	c, err := config.Load("testdata/full.good.yml", testKinds())
	if err != nil {
		t.Fatal(err)
	}
	got := c.Clusters[0].Probes[0].Settings
	want := newSteady().(*steady)
	want.Interval, want.Timeout = kind.Duration(90*time.Second), kind.Duration(2*time.Minute)
	want.Size, want.Acks, want.Retries, want.Topic = 1024, "leader", false, "a: b # c"
	want.SLO.Objective = 0.9999
	want.Thresholds = map[string]threshold{
		"end_to_end": {Critical: kind.Duration(time.Second)},
		"produce":    {Warning: kind.Duration(50 * time.Millisecond)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if password := c.Clusters[0].Collectors[0].Settings.(*jmx).Auth.Password; password != "hunter2" {
		t.Errorf("the password is %q", string(password))
	}
}

func TestWays(t *testing.T) {
	c, err := config.Load("testdata/listeners.good.yml", testKinds())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, way := range c.Clusters[0].Ways() {
		got = append(got, fmt.Sprintln(way.Name, way.Listener, way.BootstrapServers, way.TLS != nil, way.SASL != nil, len(way.Collectors), len(way.Listeners)))
	}
	want := []string{"prod default [kafka-1:9092] false false 1 0\n", "prod external [kafka.example.com:9094] true true 0 0\n", "prod internal [kafka-1:9093] false false 0 0\n",
		"prod tunnel [kafka-1:9092 kafka-2:9092] false false 0 0\n"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestWaysOfOneListener has a kind of probe that runs on the first listener alone.
func TestWaysOfOneListener(t *testing.T) {
	kinds := testKinds()
	kinds.Probes.Register(kind.Kind{Name: "flush", Help: "the disks", New: newISR, OneListener: true})
	c, err := config.Parse("ways", []byte("clusters: [{name: prod, bootstrap_servers: [a:1], probes: [{kind: flush}, {kind: burst, records: 1}], listeners: [{name: external, bootstrap_servers: [b:1]}]}]"), kinds)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, way := range c.Clusters[0].Ways() {
		for _, p := range way.Probes {
			got = append(got, way.Listener+" "+p.Name)
		}
	}
	if want := []string{"default flush", "default burst", "external burst"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFromBootstrap(t *testing.T) {
	got, err := config.FromBootstrap([]string{"kafka-1:9092, kafka-2:9092", "kafka-3:9092"}, testKinds())
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.Parse("", []byte(`clusters: [{name: default, bootstrap_servers: ["kafka-1:9092", "kafka-2:9092", "kafka-3:9092"]}]`), testKinds())
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFromBadBootstrap(t *testing.T) {
	for _, test := range []struct {
		servers []string
		want    string
	}{
		{nil, `--kafka.bootstrap-servers: no server, write for example ["kafka-1:9092"]`},
		{[]string{""}, "--kafka.bootstrap-servers: is empty, write for example kafka-1:9092"},
		{
			[]string{"kafka-1", "http://kafka-2:9092"},
			"--kafka.bootstrap-servers: kafka-1: missing port, write kafka-1:9092\n" +
				"--kafka.bootstrap-servers: http://kafka-2:9092: a bootstrap server has no http://, write kafka-2:9092",
		},
	} {
		if _, err := config.FromBootstrap(test.servers, testKinds()); err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v, want %s", test.servers, err, test.want)
		}
	}
}

func TestNoKinds(t *testing.T) {
	c, err := config.FromBootstrap([]string{"kafka-1:9092"}, config.Kinds{})
	if err != nil || len(c.Clusters[0].Probes)+len(c.Clusters[0].Collectors) != 0 {
		t.Errorf("got %v, %v", c, err)
	}
}
