package main

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/testpki"
)

// TestMSKIAM goes all the way into a broker that takes AWS_MSK_IAM: a stand-in for AWS MSK that works out
// each signature anew by AWS's published algorithm. That MSK itself lets the prober in is not proven.
func TestMSKIAM(t *testing.T) {
	const host = "b-1.prod.a1b2c3.c2.kafka.eu-central-1.amazonaws.com"
	authority, err := testpki.New("msk")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(testpki.Leaf{Hosts: []string{host}})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	var behind string
	c := fakeKafka(t, 1, kfake.ListenFn(func(network, _ string) (net.Listener, error) {
		l, err := net.Listen(network, "127.0.0.1:0")
		if err == nil {
			behind = l.Addr().String()
		}
		return renamed{l, host + ":9098"}, err
	}))
	gate := &kafkatest.IAM{
		Host: host, Region: "eu-central-1", AccessKey: "AKIDEXAMPLE", SecretKey: "secret/+key", Session: "a+b/c=",
		TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}, Broker: behind,
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- gate.Serve(t.Context(), l) }()
	t.Cleanup(func() {
		_ = l.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	dir := t.TempDir()
	writeFile := func(name, content string) string {
		path := filepath.Join(dir, name)
		rewriteConfig(t, path, nil, content)
		return path
	}
	config := func(key, secret string) string {
		return writeConfig(t, nil, strings.NewReplacer("%HOST%", host+":9098", "%ADDRESS%", l.Addr().String(),
			"%CA%", writeFile("ca.pem", string(authority.PEM)), "%KEY%", key, "%SECRET%", writeFile(key+secret[:1], secret), "%TOKEN%", writeFile("token", "a+b/c=\n")).Replace(`
clusters:
  - name: msk
    bootstrap_servers: ["%HOST%"]
    address_map: {"%HOST%": "%ADDRESS%"}
    tls_config: {ca_file: %CA%}
    sasl: {mechanism: AWS_MSK_IAM, username: %KEY%, password_file: %SECRET%, token_file: %TOKEN%}
    probes: [{kind: steady, timeout: 2s}, {kind: connect, interval: 1s, timeout: 1s}]
`))
	}
	for name, path := range map[string]string{
		"wrong secret": config("AKIDEXAMPLE", "another key"), "wrong key": config("AKIDOTHER", "secret/+key"),
	} {
		began := time.Now()
		runCommand("check", "--config.file="+path).says(t, 1, "PROBLEM", "the broker refuses these credentials", "Access denied")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: check took %v", name, took)
		}
	}
	if c.TopicInfo(steadyTopic) != nil {
		t.Error("a topic was made by a client that was refused")
	}
	good := config("AKIDEXAMPLE", "secret/+key")
	runCommand("check", "--config.file="+good).says(t, 0, "ok       broker 0 at "+host+":9098 answers", "all is well")
	base := serveHere(t, "--config.file="+good)
	await(t, 20*time.Second, "records", func() bool {
		all := families(t, get(t, base+"/metrics"))
		return sum(all, "kafka_prober_records_total", map[string]string{"outcome": "delivered"}) > 3 &&
			sum(all, "kafka_prober_connect_security_info", map[string]string{"sasl_mechanism": "AWS_MSK_IAM"}) == 1
	})
}
