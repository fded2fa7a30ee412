package properties

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/config"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

const (
	server    = "bootstrap.servers=kafka-1:9092\n"
	plain     = "org.apache.kafka.common.security.plain.PlainLoginModule required "
	scram     = "org.apache.kafka.common.security.scram.ScramLoginModule required "
	oauth     = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
	scramFile = server + "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
)

func load(t *testing.T, text string, more ...Entry) (*Client, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, more...)
}

// TestLoad compares a file with the same way in as this program writes it. The secrets are compared too.
func TestLoad(t *testing.T) {
	cluster := func(change func(*config.Cluster)) config.Cluster {
		c := config.NewCluster("default")
		c.BootstrapServers = []string{"kafka-1:9092"}
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		text string
		want config.Cluster
	}{
		"plaintext": {"bootstrap.servers = kafka-1:9092 , kafka-2:9092,\nclient.id=me",
			cluster(func(c *config.Cluster) {
				c.BootstrapServers, c.ClientID = []string{"kafka-1:9092", "kafka-2:9092"}, "me"
			})},
		"TLS with the system's authorities": {server + "security.protocol=ssl",
			cluster(func(c *config.Cluster) { c.TLS = &security.TLS{} })},
		"PEM files": {server + "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=/ca.pem\nssl.keystore.type=pem\nssl.keystore.location=/me.pem\nssl.endpoint.identification.algorithm=HTTPS\nssl.enabled.protocols=TLSv1.3, TLSv1.2",
			cluster(func(c *config.Cluster) {
				c.TLS = &security.TLS{CAFile: "/ca.pem", CertFile: "/me.pem", KeyFile: "/me.pem", MinVersion: "TLS12"}
			})},
		"PEM in the file": {server + "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates=-----BEGIN \\\n  CERTIFICATE-----\\n\\\n  A\nssl.keystore.type=PEM\nssl.keystore.certificate.chain=B\nssl.keystore.key=C",
			cluster(func(c *config.Cluster) {
				c.TLS = &security.TLS{CA: "-----BEGIN CERTIFICATE-----\nA", Cert: "B", Key: "C"}
			})},
		"PLAIN": {server + "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=" + plain + "\\\n    username=\"me\" \\\n    password=\"a\\\\\"b\\\\\\\\c=;\";",
			cluster(func(c *config.Cluster) {
				c.SASL = &security.SASL{Mechanism: "PLAIN", Username: "me", Password: `a"b\c=;`}
			})},
		"SCRAM in TLS": {scramFile + "sasl.jaas.config=" + scram + "username=me password=hunter2;",
			cluster(func(c *config.Cluster) {
				c.TLS, c.SASL = &security.TLS{}, &security.SASL{Mechanism: "SCRAM-SHA-512", Username: "me", Password: "hunter2"}
			})},
		"token of a server": {server + "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://login/token\nsasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler\nsasl.jaas.config=" + oauth + "clientId=me clientSecret=hunter2 scope='a b' extension_logicalCluster=lkc;",
			cluster(func(c *config.Cluster) {
				c.SASL = &security.SASL{Mechanism: "OAUTHBEARER", OAuth2: &security.OAuth2{TokenURL: "https://login/token", ClientID: "me", ClientSecret: "hunter2",
					Scopes: []string{"a", "b"}, Extensions: map[string]string{"logicalCluster": "lkc"}}}
			})},
		"token of a server, Kafka 4.1": {server + "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://login/token\nsasl.oauthbearer.client.credentials.client.id=me\nsasl.oauthbearer.client.credentials.client.secret=hunter2\nsasl.oauthbearer.scope=a",
			cluster(func(c *config.Cluster) {
				c.SASL = &security.SASL{Mechanism: "OAUTHBEARER", OAuth2: &security.OAuth2{TokenURL: "https://login/token", ClientID: "me", ClientSecret: "hunter2", Scopes: []string{"a"}}}
			})},
		"token of a file": {server + "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=file:///run/token\nsasl.jaas.config=" + oauth + ";",
			cluster(func(c *config.Cluster) {
				c.SASL = &security.SASL{Mechanism: "OAUTHBEARER", TokenFile: "/run/token"}
			})},
		"MSK": {server + "security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM\nsasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;\nsasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler",
			cluster(func(c *config.Cluster) {
				c.TLS, c.SASL = &security.TLS{}, &security.SASL{Mechanism: "AWS_MSK_IAM"}
			})},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got.Cluster.Fingerprint() != test.want.Fingerprint() {
				t.Errorf("got  %+v, TLS %+v, SASL %+v\nwant %+v, TLS %+v, SASL %+v", got.Cluster, got.Cluster.TLS, got.Cluster.SASL, test.want, test.want.TLS, test.want.SASL)
			}
			if len(got.Rest)+len(got.Unused) > 0 {
				t.Errorf("not read: %v, %v", got.Rest, got.Unused)
			}
		})
	}
}

func TestLoadFaults(t *testing.T) {
	const sasl = "security.protocol=SASL_PLAINTEXT\n"
	for name, test := range map[string]struct{ text, want string }{
		"no servers":        {"acks=all", `F: bootstrap.servers: no server, write for example ["kafka-1:9092"]`},
		"misspelt server":   {"\nbootstrap.servers=SSL://kafka-1:9092", "F:2: bootstrap.servers: SSL://kafka-1:9092: a bootstrap server has no SSL://, write kafka-1:9092"},
		"client id":         {server + "client.id=a b", `F:2: client.id: "a b" is not a valid name: 1 to 128 letters, digits, '.', '_' and '-', the first a letter or a digit`},
		"protocol":          {server + "security.protocol=TLS", `F:2: security.protocol: must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, is "TLS"`},
		"JKS":               {server + "security.protocol=SSL\nssl.truststore.location=/trust.jks\nssl.truststore.password=hunter2", "F:3: ssl.truststore.location: /trust.jks is a store in Java's own form (JKS, since ssl.truststore.type is not given), which is not read here. Convert it: keytool -list -rfc -keystore /trust.jks > ca.pem; then ssl.truststore.type=PEM and ssl.truststore.location=<the .pem file>. If it is PEM already, ssl.truststore.type=PEM alone is missing"},
		"PKCS12":            {server + "security.protocol=SSL\nssl.keystore.type=PKCS12\nssl.keystore.location=/me.p12", "F:4: ssl.keystore.location: /me.p12 is a store in Java's own form (PKCS12), which is not read here. Convert it: keytool -importkeystore -srckeystore /me.p12 -destkeystore me.p12 -deststoretype PKCS12 and openssl pkcs12 -in me.p12 -nodes -out me.pem; then ssl.keystore.type=PEM and ssl.keystore.location=<the .pem file>. If it is PEM already, ssl.keystore.type=PEM alone is missing"},
		"inline, no type":   {server + "security.protocol=SSL\nssl.truststore.certificates=A", "F:3: ssl.truststore.certificates: is for ssl.truststore.type=PEM only: add that"},
		"inline and file":   {server + "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.certificates=A\nssl.truststore.location=B", "F:5: ssl.truststore.location: and ssl.truststore.certificates are both given: leave one out"},
		"key alone":         {server + "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.key=hunter2", "F:4: ssl.keystore.key: needs its certificate: give ssl.keystore.certificate.chain too"},
		"chain alone":       {server + "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.certificate.chain=A", "F:4: ssl.keystore.certificate.chain: needs its private key: give ssl.keystore.key too"},
		"key's password":    {server + "security.protocol=SSL\nssl.key.password=hunter2", "F:3: ssl.key.password: a key with a passphrase is not read: write it out with openssl pkey -in <old file> -out <new file>, and leave this out"},
		"names unchecked":   {server + "security.protocol=SSL\nssl.endpoint.identification.algorithm=", "F:3: ssl.endpoint.identification.algorithm: must be https or left out: a broker's name is always compared with its certificate. If they differ, write a configuration file of kafka_prober with tls_config: {server_name: <a name in the certificate>}"},
		"TLS versions":      {server + "security.protocol=SSL\nssl.enabled.protocols=SSLv3", `F:3: ssl.enabled.protocols: must be a list of TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3, has "SSLv3"`},
		"default is GSSAPI": {server + sasl + "sasl.jaas.config=" + plain + ";", "F: sasl.mechanism: must be AWS_MSK_IAM, OAUTHBEARER, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512: Kafka's default, GSSAPI (Kerberos), is not known here yet"},
		"mechanism":         {server + sasl + "sasl.mechanism=plain", `F:3: sasl.mechanism: must be AWS_MSK_IAM, OAUTHBEARER, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, is "plain"`},
		"no JAAS":           {server + sasl + "sasl.mechanism=PLAIN", `F: sasl.jaas.config: required key is missing: write for example sasl.jaas.config=org.apache.kafka...PlainLoginModule required username="me" password="secret"; (a file of java.security.auth.login.config is not read)`},
		"JAAS":              {server + sasl + "sasl.mechanism=PLAIN\nsasl.jaas.config=" + plain + "username=me password=hunter2", "F:4: sasl.jaas.config: is not ended by a semicolon"},
		"other module":      {server + sasl + "sasl.mechanism=PLAIN\nsasl.jaas.config=" + scram + ";", "F:4: sasl.jaas.config: has ScramLoginModule, but sasl.mechanism is PLAIN, which takes PlainLoginModule"},
		"no password":       {server + sasl + "sasl.mechanism=PLAIN\nsasl.jaas.config=" + plain + "username=me;", "F:4: sasl.jaas.config: PlainLoginModule has no password"},
		"delegation token":  {server + sasl + "sasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config=" + scram + "username=a password=hunter2 tokenauth=true;", "F:4: sasl.jaas.config: the option tokenauth of ScramLoginModule is not known here"},
		"class":             {server + sasl + "sasl.mechanism=PLAIN\nsasl.client.callback.handler.class=com.example.Mine\nsasl.jaas.config=" + plain + "username=a password=b;", "F:4: sasl.client.callback.handler.class: com.example.Mine can't be run here: leave it out, or write the way in into a configuration file of kafka_prober"},
		"no endpoint":       {server + sasl + "sasl.mechanism=OAUTHBEARER", "F: sasl.oauthbearer.token.endpoint.url: required key is missing: give the token endpoint of the authorization server, or file:///path/of/the/token"},
		"endpoint":          {server + sasl + "sasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://a:hunter2@b\nsasl.jaas.config=" + oauth + "clientId=a clientSecret=hunter2;", "F:4: sasl.oauthbearer.token.endpoint.url: must not hold a user, a password or a query: there are client_id, client_secret_file and endpoint_params"},
		"no client":         {server + sasl + "sasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://b\nsasl.jaas.config=" + oauth + ";", "F:5: sasl.jaas.config: OAuthBearerLoginModule has no clientId\nF:5: sasl.jaas.config: OAuthBearerLoginModule has no clientSecret"},
		"providers":         {server + "config.providers=file\nconfig.providers.file.class=x", "F:2: config.providers: no class can be run here that gets values from elsewhere: write the values themselves, or sasl: {password_file: ...} in a configuration file of kafka_prober"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.text)
			if err == nil {
				t.Fatalf("no error, want %s", test.want)
			}
			got := err.Error()
			for _, one := range err.(config.Errors) {
				got = strings.ReplaceAll(got, one.File, "F")
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("shows a secret")
			}
		})
	}
}

// TestLoadMore: what a command line says wins, the rest is handed back, and what is not used shows no value.
func TestLoadMore(t *testing.T) {
	c, err := load(t, server+"acks=1\nacks=all\nssl.keystore.key=hunter2\nlinger.ms=5", Entry{Source: "--producer-props", Key: "acks", Value: "0"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Rest) != 2 || c.Rest[0].Key != "linger.ms" || c.Rest[1].Value != "0" || c.Rest[1].Source != "--producer-props" {
		t.Errorf("rest %+v", c.Rest)
	}
	if len(c.Unused) != 1 || c.Unused[0].Key != "ssl.keystore.key" || c.Unused[0].Value != "" {
		t.Errorf("unused %+v", c.Unused)
	}
	if c, err := Load("", Entry{Source: "--producer-props", Key: "bootstrap.servers", Value: "k:1"}); err != nil || c.Cluster.BootstrapServers[0] != "k:1" {
		t.Errorf("without a file: %+v, %v", c, err)
	}
	const want = "--producer-props: bootstrap.servers: k: missing port, write k:9092"
	if _, err := Load("", Entry{Source: "--producer-props", Key: "bootstrap.servers", Value: "k"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := load(t, "bootstrap.servers=\\uxxxx"); err == nil || !strings.Contains(err.Error(), ":1: bootstrap.servers: ") {
		t.Errorf("a fault of form: %v", err)
	}
}
