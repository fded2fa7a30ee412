package kafka_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kafka-prober/kafka_prober/internal/kafka"
	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

// authorizationServer answers with status and body, and counts the requests that are as they should be.
func authorizationServer(t *testing.T, status int, body string) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		if user == "prober" && pass == "hunter2%2F" && r.PostFormValue("grant_type") == "client_credentials" &&
			r.PostFormValue("scope") == "a b" && r.PostFormValue("audience") == "kafka" {
			asked.Add(1)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/token", asked
}

// tokenOf lets a factory authenticate n connections and returns what it sends first.
func tokenOf(t *testing.T, url string, n int) (string, error) {
	t.Helper()
	factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"}, SASL: &security.SASL{
		Mechanism: security.OAuthBearer,
		OAuth2: &security.OAuth2{
			TokenURL: url, ClientID: "prober", ClientSecret: "hunter2/", Scopes: []string{"a", "b"},
			EndpointParams: map[string]kind.Secret{"audience": "kafka"}, Extensions: map[string]string{"logicalCluster": "lkc-1"},
		},
	}}, quiet, nil)
	var said []byte
	for range n {
		var err error
		if _, said, err = factory.Mechanism().Authenticate(t.Context(), "k:1"); err != nil {
			return "", err
		}
	}
	return string(said), nil
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		asked  int64 // requests for three connections
		want   string
	}{
		"kept while good":       {200, `{"access_token":"T","expires_in":3600}`, 1, "n,,\x01auth=Bearer T\x01logicalCluster=lkc-1\x01\x01"},
		"life as a text":        {200, `{"access_token":"T","expires_in":"3600"}`, 1, "n,,\x01auth=Bearer T\x01logicalCluster=lkc-1\x01\x01"},
		"life not said":         {200, `{"access_token":"T"}`, 1, "n,,\x01auth=Bearer T\x01logicalCluster=lkc-1\x01\x01"},
		"refused":               {401, `{"error":"invalid_client"}`, 1, "credentials can't be used: ask the authorization server for a token: it answers 401, invalid_client"},
		"quotes nothing else":   {400, `{"error":"bad secret hunter2/"}`, 1, "credentials can't be used: ask the authorization server for a token: it answers 400"},
		"no token":              {200, `<html>`, 1, "credentials can't be used: ask the authorization server for a token: its answer has no access_token: is token_url the token endpoint?"},
		"redirect not followed": {302, ``, 1, "credentials can't be used: ask the authorization server for a token: it answers 302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, asked := authorizationServer(t, test.status, test.body)
			got, err := tokenOf(t, url, 3)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if asked.Load() != test.asked {
				t.Errorf("%d good requests, want %d", asked.Load(), test.asked)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("shows the secret")
			}
		})
	}
}

// TestTokenRefused: a broker's refusal of a token has Kafka's name, and quotes nothing but RFC 7628's status.
func TestTokenRefused(t *testing.T) {
	factory := kafka.NewFactory(kafka.Settings{Cluster: "c", BootstrapServers: []string{"k:1"},
		SASL: &security.SASL{Mechanism: security.OAuthBearer, Token: "x"}}, quiet, nil)
	for answer, want := range map[string]string{
		"":                                       "",
		`{"status":"invalid_token","scope":"x"}`: "the broker does not take the token: invalid_token",
		`{"status":"hunter2 {"}`:                 "unexpected data in oauth response",
		"hunter2":                                "unexpected data in oauth response",
	} {
		session, _, err := factory.Mechanism().Authenticate(t.Context(), "k:1")
		if err != nil {
			t.Fatal(err)
		}
		done, _, err := session.Challenge([]byte(answer))
		switch {
		case want == "" && (err != nil || !done):
			t.Errorf("a token that is taken: %v, %v", done, err)
		case want != "" && (kafka.Reason(err) != "SASL_AUTHENTICATION_FAILED" || !strings.HasSuffix(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", answer, err, want)
		}
	}
}
