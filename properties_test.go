package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestCheckProperties takes the way in from a Java client's file.
func TestCheckProperties(t *testing.T) {
	t.Parallel()
	c := fakeKafka(t, 1, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "prober", `h"2`))
	path := filepath.Join(t.TempDir(), "client.properties")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const sasl = `security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
    username="prober" \
    password="h\\"2";
ssl.truststore.password=hunter2
acks=all
`
	write("bootstrap.servers=" + strings.Join(c.ListenAddrs(), ",") + "\n" + sasl)
	runCommand("check", "--properties="+path).says(t, 0,
		"properties: "+path+" says how to reach the cluster\n",
		"warning  "+path+":7: ssl.truststore.password changes nothing with this security.protocol, or here\n",
		"         not looked at, as not about the way in: acks\n",
		"ok       bootstrap server", "probe steady (steady)", "all is well: the daemon can do its job\n")

	write(sasl)
	runCommand("check", "--properties="+path, servers(c)).says(t, 0, "all is well")
	runCommand("check", "--properties="+path).says(t, 1, "kafka_prober: "+path+": bootstrap.servers: no server")
	runCommand("check", "--properties="+path, "--config.file=x").says(t, 1, "--config.file and --properties exclude each other")
	write(strings.Replace(sasl, `h\\"2`, `wrong`, 1))
	runCommand("check", "--properties="+path, servers(c)).says(t, 1, "PROBLEM")
	write("security.protocol=SSL\nssl.truststore.location=/trust.jks\nssl.truststore.password=hunter2")
	got := runCommand("check", "--properties="+path, servers(c))
	got.says(t, 1, path+":2: ssl.truststore.location: /trust.jks is a store in Java's own form (JKS", "keytool -list -rfc -keystore /trust.jks > ca.pem")
	if strings.Contains(got.stdout+got.stderr, "hunter2") {
		t.Error("shows a password")
	}
}
