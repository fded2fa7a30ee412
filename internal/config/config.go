// Package config turns a YAML file into a checked Config with its defaults.
//
// Reading is strict: an unknown or doubled key, a value of the wrong form, a
// name that is taken, are errors, each with the file, the line and the key, and
// all of them are reported at once. yaml.v3 can't do this by itself: its strict
// mode is lost as soon as a node is decoded, which settings that depend on a kind
// need, and it turns 1.5 into the integer 1. So the package walks the nodes
// itself (decode.go), by the structs' tags. The same tags write a configuration
// back (encode.go) and document it (reference.go).
//
// The package knows no probe and no collector: main hands it the registered
// kinds. A Config is not changed after it has been read; share it freely.
package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

// Config is a whole configuration.
type Config struct {
	Clusters          []Cluster `yaml:"-"` // at least one, in the file's order
	ClassicHistograms string    `yaml:"classic_histograms" enum:"all|main|none" help:"which latencies also have classic buckets, beside the native histogram: all, main (end to end and produce) or none"`
}

// Values of Config.ClassicHistograms.
const (
	ClassicAll  = "all"
	ClassicMain = "main"
	ClassicNone = "none"
)

// Cluster is one Kafka cluster and what to run on it.
type Cluster struct {
	Name             string            `yaml:"name" required:"true" help:"value of the label kafka_cluster"`
	BootstrapServers []string          `yaml:"bootstrap_servers" required:"true" help:"host:port of some of the brokers; the others are found through them"`
	AddressMap       map[string]string `yaml:"address_map" help:"where to dial instead of the host:port that a broker advertises: {\"kafka-1:9092\": \"127.0.0.1:19092\"}. If there is one it must have every broker; certificates are still expected to name the advertised host"`
	ClientID         string            `yaml:"client_id" help:"client.id of every connection, as Kafka's quotas and request logs see it"`
	TopicManagement  string            `yaml:"topic_management" enum:"none|create|full" help:"none: touch no topic; create: create the probes' topics, add partitions, elect leaders; full: also alter settings and move replicas of the probes' topics"`
	MaxTopicRate     float64           `yaml:"max_topic_rate" help:"upper bound of records per second and partition on a probe's topic, all probers together; each stretches its interval to keep to it"`
	ExpectedBrokers  int               `yaml:"expected_brokers" default:"not checked" help:"number of brokers the cluster should have; a missing one can then be told from one that was removed"`

	TLS       *security.TLS  `yaml:"tls_config" help:"never shown: its keys are"`
	SASL      *security.SASL `yaml:"sasl" help:"never shown: its keys are"`
	Listeners []Listener     `yaml:"listeners" default:"none" help:"further listeners of the same brokers, each probed as a way of its own; collectors ask by the cluster's own bootstrap_servers only"`

	// Listener is the name of the listener that the keys above lead to.
	Listener string `yaml:"-"`

	Probes     []Instance `yaml:"-"` // in the file's order; the kinds that run by default if it says nothing
	Collectors []Instance `yaml:"-"` // sorted by name; at most one of each kind

	collectorsOff []string // kinds that do not run, sorted: needed to write the cluster back
}

// DefaultListener is the name of the listener that a cluster's own keys lead to.
const DefaultListener = "default"

// Listener is a further way to the same brokers. It takes nothing from the cluster's own security.
type Listener struct {
	Name             string            `yaml:"name" required:"true" help:"value of the label listener"`
	BootstrapServers []string          `yaml:"bootstrap_servers" help:"host:port of some of the brokers on this listener; those of address_map if left out"`
	AddressMap       map[string]string `yaml:"address_map" help:"where to dial instead of the host:port that a broker advertises, as above: a way through tunnels or a proxy to the same listener of the brokers"`
	TLS              *security.TLS     `yaml:"tls_config" help:"never shown: its keys are"`
	SASL             *security.SASL    `yaml:"sasl" help:"never shown: its keys are"`
}

// Ways returns the cluster as it is reached by each of its listeners, its own first. The others have no
// collectors, and no probes of what is behind all listeners alike: that is the same on all.
func (c Cluster) Ways() []Cluster {
	own := c
	own.Listeners = nil
	ways := []Cluster{own}
	for _, l := range c.Listeners {
		way := own
		way.Listener, way.BootstrapServers, way.AddressMap, way.TLS, way.SASL = l.Name, l.BootstrapServers, l.AddressMap, l.TLS, l.SASL
		if len(way.BootstrapServers) == 0 {
			way.BootstrapServers = slices.Sorted(maps.Keys(l.AddressMap))
		}
		way.Collectors = nil
		way.Probes = slices.DeleteFunc(slices.Clone(own.Probes), func(p Instance) bool { return p.Kind.OneListener })
		ways = append(ways, way)
	}
	return ways
}

// Values of Cluster.TopicManagement.
const (
	TopicsNone   = "none"
	TopicsCreate = "create"
	TopicsFull   = "full"
)

// Instance is one probe or one collector of a cluster.
type Instance struct {
	Kind     *kind.Kind    // never nil
	Name     string        // label `probe`, unique in its cluster; for a collector the name of its kind
	Settings kind.Settings // checked; of the type that Kind.New returns
}

// Kinds are the registered kinds of both halves. A nil registry is an empty one.
type Kinds struct {
	Probes     *kind.Registry
	Collectors *kind.Registry
}

// defaultConfig returns what a file starts from.
func defaultConfig() *Config {
	return &Config{ClassicHistograms: ClassicMain}
}

// NewCluster returns a cluster with its defaults, which nothing runs on and nothing leads to.
func NewCluster(name string) Cluster {
	c := defaultCluster()
	c.Name = name
	return c
}

// defaultCluster returns what a cluster in a file starts from.
func defaultCluster() Cluster {
	return Cluster{Listener: DefaultListener, ClientID: "kafka_prober", TopicManagement: TopicsCreate, MaxTopicRate: 20}
}

// validName is the form of what becomes a label value, and part of a path on the
// landing page.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// checkName returns what is wrong with a name, as an error of the key.
func checkName(key, name string) error {
	if validName.MatchString(name) {
		return nil
	}
	return kind.Errorf(key, "%q is not a valid name: 1 to 128 letters, digits, '.', '_' and '-', the first a letter or a digit", name)
}

// Validate reports what is wrong with the cluster's own keys.
func (c *Cluster) Validate() error {
	errs := []error{checkName("name", c.Name), checkName("client_id", c.ClientID)}
	errs = append(errs, checkServers("bootstrap_servers", c.BootstrapServers)...)
	if c.MaxTopicRate <= 0 || math.IsNaN(c.MaxTopicRate) || math.IsInf(c.MaxTopicRate, 0) {
		errs = append(errs, kind.Errorf("max_topic_rate", "must be above 0 records per second, is %v", c.MaxTopicRate))
	}
	if c.ExpectedBrokers < 0 {
		errs = append(errs, kind.Errorf("expected_brokers", "must be a number of brokers, is %d", c.ExpectedBrokers))
	}
	errs = append(errs, checkAddressMap(c.AddressMap), checkSecurity(c.TLS, c.SASL))
	taken := map[string]bool{DefaultListener: true}
	for i, l := range c.Listeners {
		at := fmt.Sprintf("listeners[%d]", i)
		if taken[l.Name] {
			errs = append(errs, kind.Errorf(at+".name", "%q is taken: each listener needs a name of its own, and %q is that of bootstrap_servers above", l.Name, DefaultListener))
		}
		taken[l.Name] = true
		var faults []error
		if len(l.BootstrapServers) > 0 || len(l.AddressMap) == 0 {
			faults = checkServers("bootstrap_servers", l.BootstrapServers)
		}
		faults = append(faults, checkName("name", l.Name), checkAddressMap(l.AddressMap), checkSecurity(l.TLS, l.SASL))
		errs = append(errs, kind.Nest(at, errors.Join(faults...)))
	}
	return errors.Join(errs...)
}

// checkAddressMap returns what is wrong with an address map, as an error of its key.
func checkAddressMap(addresses map[string]string) error {
	leads := map[string]string{} // from where to dial to what is advertised
	for _, advertised := range slices.Sorted(maps.Keys(addresses)) {
		dialled := addresses[advertised]
		for _, address := range []string{advertised, dialled} {
			if msg := checkServer(address); msg != "" {
				return kind.Errorf("address_map", "%s", msg)
			}
		}
		if other, taken := leads[dialled]; taken {
			return kind.Errorf("address_map", "%s and %s both lead to %s: each broker needs an address of its own", other, advertised, dialled)
		}
		leads[dialled] = advertised
	}
	return nil
}

// checkSecurity returns what is wrong with the keys of a way in.
func checkSecurity(t *security.TLS, s *security.SASL) error {
	var errs []error
	if t != nil {
		errs = append(errs, kind.Nest("tls_config", t.Validate()))
	}
	if s != nil {
		errs = append(errs, kind.Nest("sasl", s.Validate()))
	}
	return errors.Join(errs...)
}

// defaults returns the kinds of a registry that run by default, with their
// default settings, and the names of those that do not.
func defaults(registry *kind.Registry) (on []Instance, off []string) {
	for _, k := range registry.All() {
		if !k.Default {
			off = append(off, k.Name)
			continue
		}
		on = append(on, Instance{Kind: k, Name: k.Name, Settings: k.New()})
	}
	return on, off
}
