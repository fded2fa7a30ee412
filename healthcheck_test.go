package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	base := serveHere(t, "--kafka.bootstrap-servers="+freeAddress(t)) // without Kafka, and healthy
	runCommand("healthcheck", "--url="+base+"/-/healthy").says(t, 0, "healthy\n")
	runCommand("healthcheck", "--url="+base+"/-/wellness").says(t, 1, "kafka_prober: not healthy: GET "+base+"/-/wellness: 404 Not Found: 404 page not found\n")
	nobody := freeAddress(t)
	runCommand("healthcheck", "--url=http://"+nobody+"/-/healthy").says(t, 1, "kafka_prober: not healthy: GET http://"+nobody+"/-/healthy: dial tcp "+nobody+": connect: connection refused\n")
	runCommand("healthcheck", "--url=10092").says(t, 1, `unsupported protocol scheme ""`)

	private := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(private.Close)
	runCommand("healthcheck", "--url="+private.URL).says(t, 0, "healthy\n")
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }))
	t.Cleanup(sick.Close)
	runCommand("healthcheck", "--url="+sick.URL).says(t, 1, "500 Internal Server Error: no\n")
}
