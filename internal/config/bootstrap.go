package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// bootstrapFlag stands in errors where a file's name would.
const bootstrapFlag = "--kafka.bootstrap-servers"

// FromBootstrap returns the configuration of one cluster named "default" with
// all defaults, for a first look without a file. A server may also be several,
// separated by commas, as Kafka's own tools take them.
func FromBootstrap(servers []string, kinds Kinds) (*Config, error) {
	cluster := NewCluster("default")
	for _, server := range servers {
		for one := range strings.SplitSeq(server, ",") {
			cluster.BootstrapServers = append(cluster.BootstrapServers, strings.TrimSpace(one))
		}
	}
	var errs Errors
	for _, err := range checkServers("", cluster.BootstrapServers) {
		errs = append(errs, &Error{File: bootstrapFlag, Msg: err.(*kind.FieldError).Msg})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return Alone(bootstrapFlag, cluster, kinds)
}

// Alone returns the configuration of one cluster that has been checked already, with all that runs by
// default on it. source stands in errors where a file's name would; they are Errors.
func Alone(source string, cluster Cluster, kinds Kinds) (*Config, error) {
	kinds.check()
	cluster.Probes, _ = defaults(kinds.Probes)
	cluster.Collectors, cluster.collectorsOff = defaults(kinds.Collectors)
	var errs Errors
	for _, instance := range append(cluster.Probes[:len(cluster.Probes):len(cluster.Probes)], cluster.Collectors...) {
		for _, err := range kind.Flatten(instance.Settings.Validate()) {
			errs = append(errs, &Error{File: source, Key: instance.Name, Msg: err.Error()})
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	config := defaultConfig()
	config.Clusters = []Cluster{cluster}
	return config, nil
}

// checkServers returns what is wrong with a list of bootstrap servers, each a
// *kind.FieldError of key or of its item.
func checkServers(key string, servers []string) []error {
	if len(servers) == 0 {
		return []error{kind.Errorf(key, "no server, write for example [\"kafka-1:9092\"]")}
	}
	var errs []error
	seen := make(map[string]bool, len(servers))
	for i, server := range servers {
		item := fmt.Sprintf("%s[%d]", key, i)
		switch msg := checkServer(server); {
		case msg != "":
			errs = append(errs, kind.Errorf(item, "%s", msg))
		case seen[server]:
			errs = append(errs, kind.Errorf(item, "%s is listed twice", server))
		}
		seen[server] = true
	}
	return errs
}

// validHost takes names that DNS or a hosts file may hold, underscores included.
var validHost = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$`)

// checkServer returns what is wrong with one host:port and what to write
// instead, or nothing. There is no default port: 9092 would be a guess that
// surfaces much later as a broker that does not answer.
func checkServer(server string) string {
	if server == "" {
		return "is empty, write for example kafka-1:9092"
	}
	if strings.Contains(server, ",") {
		return fmt.Sprintf("%s: several servers in one text, make each an item of the list", server)
	}
	if scheme, rest, found := strings.Cut(server, "://"); found {
		return fmt.Sprintf("%s: a bootstrap server has no %s://, write %s", server, scheme, rest)
	}
	if _, err := netip.ParseAddr(strings.Trim(server, "[]")); err == nil {
		return fmt.Sprintf("%s: missing port, write %s", server, net.JoinHostPort(strings.Trim(server, "[]"), "9092"))
	}
	host, port, err := net.SplitHostPort(server)
	switch {
	case err != nil && !strings.Contains(server, ":"):
		return fmt.Sprintf("%s: missing port, write %s:9092", server, server)
	case err != nil:
		return fmt.Sprintf("%s: not host:port, write for example kafka-1:9092 or [::1]:9092", server)
	case host == "":
		return fmt.Sprintf("%s: missing host, write for example kafka-1:%s", server, port)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Sprintf("%s: port %q is not a number from 1 to 65535", server, port)
	}
	if _, err := netip.ParseAddr(host); err != nil && !validHost.MatchString(host) {
		return fmt.Sprintf("%s: %q is not a host name", server, host)
	}
	return ""
}
