package kafka

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/security"
)

const (
	// tokenTimeout bounds one request for a token.
	tokenTimeout = 3 * time.Second
	// tokenMargin is how long a token must still be good for to be used: a connection has to be made with
	// it. A token that lives for less than twice as long is used for half its life.
	tokenMargin = 30 * time.Second
	// firstTokenPause and longTokenPause are between requests that fail, each twice as long as the one before.
	firstTokenPause = time.Second
	longTokenPause  = 30 * time.Second
	// youngToken is too new to be replaced because a broker refuses it: brokers that refuse every token would
	// otherwise let each connection ask for another one.
	youngToken = 10 * time.Second
	// maxTokenAnswer bounds what is read of an answer.
	maxTokenAnswer = 1 << 20
)

// tokenSource gets tokens by the client credentials grant (RFC 6749, 4.4) and keeps each for as long as
// it is good. It is safe for concurrent use: who comes while a token is being asked for waits for it.
type tokenSource struct {
	url    string
	form   url.Values
	id     string
	secret string
	client *http.Client

	refused atomic.Pointer[string] // the last token that a broker did not take

	turn   chan struct{} // holds one value: who takes it may touch what follows
	cached string
	got    time.Time     // when cached was asked for; has a monotonic reading
	until  time.Time     // when to ask for another one; has a monotonic reading
	wall   time.Time     // the same by the wall clock alone
	failed error         // of the last request; nil if it went well
	next   time.Time     // when to ask again after a failure; has a monotonic reading
	pause  time.Duration // until then, from the failure on
}

func newTokenSource(o *security.OAuth2, secret string, config *tls.Config) *tokenSource {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(o.Scopes) > 0 {
		form.Set("scope", strings.Join(o.Scopes, " "))
	}
	for key, value := range o.EndpointParams {
		form.Set(key, string(value))
	}
	s := &tokenSource{
		url: o.TokenURL, form: form, id: o.ClientID, secret: secret, turn: make(chan struct{}, 1),
		client: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
				DisableKeepAlives: true, // one request in minutes
			},
			// A redirect would carry the secret to somebody else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.turn <- struct{}{}
	return s
}

// token returns a token that is good for a while. For some time after a failure it returns that: dozens of
// connections that are tried anew must not ask each.
func (s *tokenSource) token(caller context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(caller, tokenTimeout)
	defer cancel()
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", fmt.Errorf("ask the authorization server for a token: %w", ctx.Err())
	}
	if s.good(time.Now()) {
		return s.cached, nil
	}
	if s.failed != nil && time.Now().Before(s.next) {
		return s.lasting(s.failed)
	}
	start := time.Now()
	token, life, err := s.ask(ctx)
	if err != nil {
		err = fmt.Errorf("ask the authorization server for a token: %w", err)
		if caller.Err() == nil { // else it was the caller who gave up
			s.pause = min(max(firstTokenPause, 2*s.pause), longTokenPause)
			s.failed, s.next = err, time.Now().Add(s.pause)
		}
		return s.lasting(err)
	}
	if refused := s.refused.Load(); refused != nil && *refused == token {
		s.refused.Store(nil) // there is no other
	}
	s.cached, s.got, s.until = token, start, start.Add(max(life-tokenMargin, life/2))
	s.wall = s.until.Round(0)
	s.failed, s.pause = nil, 0
	return token, nil
}

// good returns whether the cached token may be used. While the machine is suspended the monotonic clock
// stands still and the token grows old; the wall clock may be set back. The earlier of both counts.
func (s *tokenSource) good(now time.Time) bool {
	if !s.lasts(now) {
		return false
	}
	refused := s.refused.Load()
	return refused == nil || *refused != s.cached || now.Sub(s.got) < youngToken
}

// lasts returns whether the cached token is within its life.
func (s *tokenSource) lasts(now time.Time) bool {
	return s.cached != "" && now.Before(s.until) && now.Round(0).Before(s.wall)
}

// lasting returns the cached token where there is no other to be had for err: one broker refused it, the others may
// take it. Past its life there is the error alone.
func (s *tokenSource) lasting(err error) (string, error) {
	if s.lasts(time.Now()) {
		return s.cached, nil
	}
	return "", err
}

// refuse notes that a broker did not take a token, perhaps as it was revoked: another one is asked for.
func (s *tokenSource) refuse(token string) { s.refused.Store(&token) }

// errorCode is the form of the error codes of RFC 6749; anything else may be a quotation of the request.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// ask sends the request. Its errors quote nothing of the answer but RFC 6749's error code.
func (s *tokenSource) ask(ctx context.Context) (token string, life time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(s.form.Encode()))
	if err != nil {
		return "", 0, errors.New("token_url is no address")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(s.id), url.QueryEscape(s.secret))
	resp, err := s.client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Token     string      `json:"access_token"`
		ExpiresIn json.Number `json:"expires_in"`
		Code      string      `json:"error"`
	}
	decoded := json.NewDecoder(io.LimitReader(resp.Body, maxTokenAnswer)).Decode(&answer)
	switch {
	case resp.StatusCode != http.StatusOK && errorCode.MatchString(answer.Code):
		return "", 0, fmt.Errorf("it answers %d, %s", resp.StatusCode, answer.Code)
	case resp.StatusCode != http.StatusOK:
		return "", 0, fmt.Errorf("it answers %d", resp.StatusCode)
	case decoded != nil || answer.Token == "":
		return "", 0, errors.New("its answer has no access_token: is token_url the token endpoint?")
	}
	seconds, err := answer.ExpiresIn.Float64()
	if err != nil || seconds <= 0 {
		seconds = tokenMargin.Seconds() // it does not say: ask again soon
	}
	return answer.Token, time.Duration(min(seconds, 24*3600) * float64(time.Second)), nil
}
