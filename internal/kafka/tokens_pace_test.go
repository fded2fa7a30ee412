package kafka

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/security"
)

// issuer is an authorization server. It belongs to one goroutine.
type issuer struct {
	asked  int
	answer func(n int) (status int, body string) // to the nth request, from 1 on
}

// RoundTrip implements http.RoundTripper.
func (i *issuer) RoundTrip(*http.Request) (*http.Response, error) {
	i.asked++
	status, body := i.answer(i.asked)
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func newTokens(i *issuer) *tokenSource {
	s := newTokenSource(&security.OAuth2{TokenURL: "http://idp/token", ClientID: "me"}, "secret", nil)
	s.client.Transport = i
	return s
}

// TestTokenFailures asks ten times a second while the server refuses: the server hears of it after 1 s, 2 s, 4 s and so on up to 30 s.
func TestTokenFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const outage = 5 * time.Minute
		began, well := time.Now(), false
		i := &issuer{answer: func(int) (int, string) {
			if well {
				return 200, `{"access_token":"T","expires_in":3600}`
			}
			return 401, `{"error":"invalid_client"}`
		}}
		s := newTokens(i)
		const want = "ask the authorization server for a token: it answers 401, invalid_client"
		for time.Since(began) < outage {
			if _, err := s.token(t.Context()); err == nil || err.Error() != want {
				t.Fatalf("got %v, want %s", err, want)
			}
			wait(t.Context(), 100*time.Millisecond)
		}
		if i.asked != 5+9 { // at 0, 1, 3, 7, 15 and 31 s, then every 30 s
			t.Errorf("asked %d times in %v", i.asked, outage)
		}
		well, began = true, time.Now()
		for {
			if _, err := s.token(t.Context()); err == nil {
				break
			}
			wait(t.Context(), 100*time.Millisecond)
		}
		if took := time.Since(began); took > longTokenPause {
			t.Errorf("a token after %v, want one within %v", took, longTokenPause)
		}
	})
}

// TestNewClientSecretIsTriedAtOnce: the failures of the old one do not count against the one in the file now.
func TestNewClientSecretIsTriedAtOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != "new" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, `{"access_token":"T","expires_in":3600}`)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "secret")
	write := func(secret string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	factory := NewFactory(Settings{Cluster: "c", BootstrapServers: []string{"k:1"}, SASL: &security.SASL{Mechanism: security.OAuthBearer,
		OAuth2: &security.OAuth2{TokenURL: server.URL, ClientID: "me", ClientSecretFile: file}}}, slog.New(slog.DiscardHandler), nil)
	for range 3 {
		if _, _, err := factory.Mechanism().Authenticate(t.Context(), "k:1"); Reason(err) != ReasonCredentials {
			t.Fatalf("the old secret: %v", err)
		}
	}
	write("new")
	factory.credentials.look() // sees it
	factory.credentials.look() // believes it
	if _, _, err := factory.Mechanism().Authenticate(t.Context(), "k:1"); err != nil {
		t.Errorf("the new secret: %v", err)
	}
}

// TestRefusedToken: a token that a broker refuses is used no more, but a new one is not asked for each time.
func TestRefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{answer: func(n int) (int, string) {
			return 200, fmt.Sprintf(`{"access_token":"T%d","expires_in":3600}`, n)
		}}
		c := &credentials{sasl: &security.SASL{Mechanism: security.OAuthBearer, OAuth2: new(security.OAuth2)}}
		c.inForce.Store(&material{tokens: newTokens(i)})
		login := func(answer string) (sent string) {
			t.Helper()
			session, first, err := c.mechanism().Authenticate(t.Context(), "k:1")
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := session.Challenge([]byte(answer)); (err == nil) != (answer == "") {
				t.Fatalf("%q: %v", answer, err)
			}
			return strings.Trim(strings.TrimPrefix(string(first), "n,,\x01auth=Bearer "), "\x01")
		}
		const invalid = `{"status":"invalid_token"}`
		if got := login(""); got != "T1" {
			t.Errorf("at first %s", got)
		}
		wait(t.Context(), time.Minute)
		if got := login("") + login(invalid) + login(""); got != "T1T1T2" {
			t.Errorf("after T1 is refused: %s, want T2", got)
		}
		if got := login(invalid) + login(invalid); got != "T2T2" {
			t.Errorf("a new one is refused: %s, want T2 for a while", got)
		}
		wait(t.Context(), youngToken)
		if got := login(""); got != "T3" {
			t.Errorf("and then: %s, want T3", got)
		}
	})
}

// TestTokenOfSuspendedMachine moves one clock past a token's life and not the other.
func TestTokenOfSuspendedMachine(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		monotonic, wall time.Duration // left
		good            bool
	}{
		"good":      {time.Minute, time.Minute, true},
		"suspended": {time.Minute, -time.Minute, false},
		"set back":  {-time.Minute, time.Minute, false},
	} {
		s := &tokenSource{cached: "T", got: now, until: now.Add(test.monotonic), wall: now.Add(test.wall).Round(0)}
		if got := s.good(now); got != test.good {
			t.Errorf("%s: %v, want %v", name, got, test.good)
		}
	}
}

// TestRefusedTokenWithoutAnother lets one broker refuse a token while the server is down, and then has the server give the same
// one again: the other brokers go on with it, and the server is not asked for ever.
func TestRefusedTokenWithoutAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		i := &issuer{answer: func(int) (int, string) {
			if down {
				return 503, "{}"
			}
			return 200, `{"access_token":"T","expires_in":3600}`
		}}
		s := newTokens(i)
		if _, err := s.token(t.Context()); err != nil {
			t.Fatal(err)
		}
		wait(t.Context(), time.Minute)
		down = true
		s.refuse("T")
		for range 100 {
			if token, err := s.token(t.Context()); token != "T" {
				t.Fatalf("got %q, %v; want the token that others take", token, err)
			}
			wait(t.Context(), time.Second)
		}
		down = false
		wait(t.Context(), time.Minute)
		asked := i.asked
		for range 100 {
			if token, err := s.token(t.Context()); token != "T" {
				t.Fatalf("got %q, %v", token, err)
			}
			wait(t.Context(), time.Second)
		}
		if n := i.asked - asked; n != 1 {
			t.Errorf("the server was asked %d times for a token of which it has no other", n)
		}
		wait(t.Context(), time.Hour)
		down = true
		if token, err := s.token(t.Context()); err == nil {
			t.Errorf("got %q, long past its life", token)
		}
	})
}
