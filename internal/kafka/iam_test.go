package kafka_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kafkatest"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

// TestIAM signs for a broker of MSK. Nothing here proves that MSK itself takes it.
func TestIAM(t *testing.T) {
	for name, test := range map[string]struct {
		sasl  security.SASL
		env   map[string]string
		token string
	}{
		"settings":    {sasl: security.SASL{Username: "AKIDEXAMPLE", Password: "secret/+key"}},
		"environment": {env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret/+key", "AWS_SESSION_TOKEN": "a+b/c="}, token: "a+b/c="},
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
				t.Setenv(key, test.env[key])
			}
			test.sasl.Mechanism = security.MSKIAM
			factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"}, SASL: &test.sasl}, quiet, nil)
			const host = "b-1.prod.a1b2c3.c2.kafka.eu-central-1.amazonaws.com"
			_, first, err := factory.Mechanism().Authenticate(t.Context(), host+":9098")
			if err != nil {
				t.Fatal(err)
			}
			var said map[string]string
			if err := json.Unmarshal(first, &said); err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]string{"host": host, "action": "kafka-cluster:Connect", "x-amz-security-token": test.token, "x-amz-algorithm": "AWS4-HMAC-SHA256"} {
				if said[key] != want {
					t.Errorf("%s is %q, want %q", key, said[key], want)
				}
			}
			if credential := strings.Split(said["x-amz-credential"], "/"); len(credential) != 5 || credential[0] != "AKIDEXAMPLE" || credential[2] != "eu-central-1" || credential[3] != "kafka-cluster" {
				t.Errorf("credential %v", credential)
			}
			if got, want := said["x-amz-signature"], kafkatest.SignatureV4(said, "secret/+key"); got != want {
				t.Errorf("signature %s, want %s of %s", got, want, first)
			}
			if said["x-amz-signature"] == kafkatest.SignatureV4(said, "another key") {
				t.Error("the signature does not depend on the key")
			}
		})
	}
}
