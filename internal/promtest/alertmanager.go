package promtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// StartAlertmanager starts Alertmanager with a configuration file and returns its address, host:port.
func StartAlertmanager(t testing.TB, file string) string {
	t.Helper()
	address := FreeAddress(t)
	StartProcess(t, tool(t, "alertmanager"), "--config.file="+file, "--storage.path="+t.TempDir(),
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=warn")
	Await(t, 30*time.Second, "Alertmanager to be ready", func() bool { return reachable("http://" + address + "/-/ready") })
	return address
}

// Alert is an alert of a notification.
type Alert struct {
	Receiver string // the last part of the path that the notification came to
	Resolved bool
	Labels   map[string]string
	Notes    map[string]string // annotations
	At       time.Time         // when it came
}

// Has returns whether an alert has all of the labels. "receiver" stands for its receiver.
func (a Alert) Has(labels map[string]string) bool {
	for name, value := range labels {
		if name == "receiver" && a.Receiver != value || name != "receiver" && a.Labels[name] != value {
			return false
		}
	}
	return true
}

func (a Alert) String() string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		labels = append(labels, fmt.Sprintf("%s=%q", name, a.Labels[name]))
	}
	state := "fires"
	if a.Resolved {
		state = "is resolved"
	}
	return fmt.Sprintf("%s: {%s} %s", a.Receiver, strings.Join(labels, ", "), state)
}

// Webhook takes Alertmanager's notifications. It may be asked from any goroutine.
type Webhook struct {
	URL string

	mu  sync.Mutex
	got []Alert
}

// StartWebhook starts one; the receivers' names are the paths below its URL.
func StartWebhook(t testing.TB) *Webhook {
	t.Helper()
	w := &Webhook{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var n struct {
			Alerts []struct {
				Status              string
				Labels, Annotations map[string]string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Errorf("notification to %s: %v", r.URL.Path, err)
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, a := range n.Alerts {
			w.got = append(w.got, Alert{
				Receiver: r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], Resolved: a.Status == "resolved",
				Labels: a.Labels, Notes: a.Annotations, At: time.Now(),
			})
		}
	}))
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

// Alerts returns what came since a time, in its order.
func (w *Webhook) Alerts(since time.Time) []Alert {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(slices.DeleteFunc(slices.Clone(w.got), func(a Alert) bool { return a.At.Before(since) }))
}
