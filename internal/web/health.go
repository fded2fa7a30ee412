package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// AskHealth asks another kafka_prober's /-/healthy and returns why it can't be called healthy. One that
// wants a password is: it answers, and who asks only wants to know that. Certificates are not looked at:
// nothing is sent that anybody could want, and the name in them is hardly ever that of the loopback.
func AskHealth(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("not healthy: GET %s: %w", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusUnauthorized {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 200))
	if err != nil {
		return fmt.Errorf("not healthy: GET %s: %s: %w", url, resp.Status, err)
	}
	return fmt.Errorf("not healthy: GET %s: %s: %s", url, resp.Status, strings.TrimSpace(string(body)))
}
