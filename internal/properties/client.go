package properties

import (
	"errors"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/kind"
)

// Client is what a Java client's properties say.
type Client struct {
	Cluster config.Cluster // named "default": how to reach it, and nothing to run on it
	Rest    []Entry        // keys of other matters, the last of each, in order: acks, linger.ms
	Unused  []Entry        // keys of the way in that change nothing, without their values
}

// Load reads a file, or none if path is "", and more entries, which win over the file's. Faults of the
// content are config.Errors.
func Load(path string, more ...Entry) (*Client, error) {
	var entries []Entry
	if path != "" {
		var err error
		if entries, err = Read(path); err != nil {
			return nil, err
		}
	}
	if path == "" && len(more) > 0 {
		path = more[0].Source
	}
	return newClient(path, append(entries, more...))
}

func newClient(source string, entries []Entry) (*Client, error) {
	for i := range entries {
		entries[i].Value = strings.TrimFunc(entries[i].Value, func(c rune) bool { return c <= ' ' }) // Java's trim
	}
	r := &reader{source: source, entries: entries, used: map[string]bool{}}
	cluster := config.NewCluster("default")
	for server := range strings.SplitSeq(r.get("bootstrap.servers"), ",") {
		if server = strings.TrimSpace(server); server != "" {
			cluster.BootstrapServers = append(cluster.BootstrapServers, server)
		}
	}
	if id := r.get("client.id"); id != "" {
		cluster.ClientID = id
	}
	if r.get("config.providers") != "" {
		r.fail("config.providers", "no class can be run here that gets values from elsewhere: write the values themselves, or sasl: {password_file: ...} in a configuration file of kafka_prober")
	}
	switch protocol := strings.ToUpper(r.get("security.protocol")); protocol {
	case "", "PLAINTEXT":
	case "SSL":
		cluster.TLS = r.tls()
	case "SASL_PLAINTEXT":
		cluster.SASL = r.sasl()
	case "SASL_SSL":
		cluster.TLS, cluster.SASL = r.tls(), r.sasl()
	default:
		r.fail("security.protocol", "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, is %q", protocol)
	}
	if len(r.errs) == 0 { // or what follows from a fault would be blamed
		r.check(&cluster)
	}
	if len(r.errs) > 0 {
		return nil, r.errs
	}
	c := &Client{Cluster: cluster}
	c.Rest, c.Unused = r.unread()
	return c, nil
}

// reader looks entries up by key, and remembers which were asked for and what is wrong with them.
type reader struct {
	source  string
	entries []Entry
	used    map[string]bool
	errs    config.Errors
}

// find returns the last entry of a key.
func (r *reader) find(key string) (Entry, bool) {
	for _, e := range slices.Backward(r.entries) {
		if e.Key == key {
			return e, true
		}
	}
	return Entry{Source: r.source, Key: key}, false
}

// get returns the value of a key, or "".
func (r *reader) get(key string) string {
	r.used[key] = true
	e, _ := r.find(key)
	return e.Value
}

// given returns whether there is a key, be it without a value.
func (r *reader) given(key string) bool {
	r.used[key] = true
	_, there := r.find(key)
	return there
}

// fail notes a fault of a key.
func (r *reader) fail(key, format string, args ...any) {
	e, _ := r.find(key)
	msg := kind.Errorf("", format, args...).(*kind.FieldError).Msg
	r.errs = append(r.errs, &config.Error{File: e.Source, Line: e.Line, Key: key, Msg: msg})
}

// check notes what the configuration's own rules find wrong, at the keys that it came from.
func (r *reader) check(cluster *config.Cluster) {
	for _, err := range kind.Flatten(cluster.Validate()) {
		field, ok := errors.AsType[*kind.FieldError](err)
		if !ok {
			field = &kind.FieldError{Msg: err.Error()}
		}
		key := "sasl.jaas.config"
		switch {
		case strings.HasPrefix(field.Key, "bootstrap_servers"):
			key = "bootstrap.servers"
		case field.Key == "client_id":
			key = "client.id"
		case strings.HasPrefix(field.Key, "tls_config"):
			key = "ssl.keystore.key"
		case strings.HasPrefix(field.Key, "sasl.oauth2.token_url"):
			key = tokenURL
		}
		r.fail(key, "%s", field.Msg)
	}
}

// unread returns the entries that nobody asked for, the last of each key.
func (r *reader) unread() (rest, unused []Entry) {
	for i, e := range r.entries {
		later := slices.ContainsFunc(r.entries[i+1:], func(other Entry) bool { return other.Key == e.Key })
		switch {
		case r.used[e.Key] || later:
		case strings.HasPrefix(e.Key, "ssl.") || strings.HasPrefix(e.Key, "sasl."):
			e.Value = "" // may be a secret
			unused = append(unused, e)
		default:
			rest = append(rest, e)
		}
	}
	return rest, unused
}
