package web

import (
	"flag"
	"log/slog"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files again")

// fullPage has every state, a missing value in each place, and text that must
// be escaped.
func fullPage() Page {
	return Page{
		Version: "1.2.3", Uptime: 26*time.Hour + 3*time.Minute + 4*time.Second,
		Notices: []string{`The last reload failed: prober.yml:3: unknown key "intervall". The old configuration stays in force.`},
		Clusters: []ClusterView{
			{
				Name: "prod", Bootstrap: []string{"kafka-1:9092", "kafka-2:9092"},
				Probes: []ProbeView{{
					Name: "steady", Kind: "steady", Topic: "kafka-prober-steady-internal",
					Interval: 100 * time.Millisecond, Timeout: 30 * time.Second,
					Problem: "The topic has no partition led by broker 4.",
					Brokers: []BrokerView{
						{ID: "1", Rack: "eu-1a", State: StateUp, Partitions: []int32{0}, Delivered: 936_184, InFlight: 1,
							OldestOutstanding: 1900 * time.Microsecond, P50: 0.00231, P99: 0.0124},
						{ID: "2", Rack: "eu-1b", State: StateSlow, Partitions: []int32{1}, Delivered: 935_020, TimedOut: 12, InFlight: 8,
							LastDelivered: 800 * time.Millisecond, OldestOutstanding: 812 * time.Millisecond, P50: 0.151, P99: 1.25},
						{ID: "3", Rack: "eu-1c", State: StateDown, Partitions: []int32{2, 3, 4, 5, 6, 7, 8}, Delivered: 1_000, Failed: 1, TimedOut: 40_321, Lost: 3,
							LastDelivered: 71 * time.Minute, OldestOutstanding: 29900 * time.Millisecond, InFlight: 300, P50: 30, P99: 30},
						{ID: "4", State: StateUnknown, LastDelivered: -1, P50: math.NaN(), P99: math.NaN()},
					},
				}},
			},
			{
				Name: "<script>alert(1)</script>", Bootstrap: []string{"kafka.test:9092"},
				Problem: "dial tcp 192.0.2.1:9092: connect: connection refused",
				Probes:  []ProbeView{{Name: "steady", Kind: "steady", Topic: "t", Interval: time.Second, Timeout: time.Minute}},
			},
			{Name: "idle"},
		},
	}
}

func TestLandingPageGolden(t *testing.T) {
	for name, page := range map[string]Page{"landing.html": fullPage(), "landing_empty.html": {Version: "1.2.3"}} {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			o.Page = func() Page { return page }
			response := request(t, o, "GET", "/", nil)
			if got := response.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
				t.Errorf("got type %q", got)
			}
			got := response.Body.String()
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the page differs from %s (go test -update writes it again); got:\n%s", golden, got)
			}
			for _, forbidden := range []string{"<script", "src=", "http://", "https://", "@import", "url("} {
				if strings.Contains(got, forbidden) {
					t.Errorf("the page contains %q: it must load and run nothing", forbidden)
				}
			}
		})
	}
}

func TestLandingPageRefresh(t *testing.T) {
	for _, test := range []struct{ query, want string }{
		{"", ""}, {"?refresh=5", "5"}, {"?refresh=0", ""}, {"?refresh=-1", ""}, {"?refresh=5;url=/config", ""}, {"?refresh=x", ""},
	} {
		got := request(t, testOptions(), "GET", "/"+test.query, nil).Header().Get("Refresh")
		if got != test.want {
			t.Errorf("%q: got Refresh %q, want %q", test.query, got, test.want)
		}
	}
}

func TestLandingPageKeepsMainsLinks(t *testing.T) {
	l := &landing{log: slog.New(slog.DiscardHandler), links: make([]Link, 1, 8), page: func() Page {
		return Page{Links: []Link{{"Runbooks", "/runbooks"}}}
	}}
	for range 2 { // the second time nothing has been added to the first's
		response := httptest.NewRecorder()
		l.ServeHTTP(response, httptest.NewRequest("GET", "/", nil))
		if got := strings.Count(response.Body.String(), `<a href="/runbooks">Runbooks</a>`); got != 1 {
			t.Errorf("got the link %d times, want once", got)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{count(0), "0"},
		{count(999), "999"},
		{count(1_000), "1\u202f000"},
		{count(1_234_567), "1\u202f234\u202f567"},
		{seconds(math.NaN()), "–"},
		{seconds(math.Inf(1)), "–"},
		{seconds(0.0000421), "42.1\u202fµs"},
		{seconds(0.00231), "2.31\u202fms"},
		{seconds(0.151), "151\u202fms"},
		{seconds(1.25), "1.25\u202fs"},
		{seconds(30), "30.0\u202fs"},
		{duration(0), "–"},
		{duration(100 * time.Millisecond), "100\u202fms"},
		{duration(1500 * time.Millisecond), "1.5\u202fs"},
		{duration(30 * time.Second), "30\u202fs"},
		{duration(time.Minute), "1m"},
		{duration(time.Minute + 10*time.Second), "1m10s"},
		{duration(10 * time.Minute), "10m"},
		{duration(time.Hour), "1h"},
		{duration(time.Hour + 40*time.Minute), "1h40m"},
		{duration(20*time.Hour + 5*time.Second), "20h0m5s"},
		{ago(-1), "never"},
		{ago(0), "just now"},
		{ago(59 * time.Second), "59 s ago"},
		{ago(71 * time.Minute), "1h11m ago"},
		{partitions(nil), "–"},
		{partitions([]int32{0, 1, 2}), "0, 1, 2"},
		{partitions([]int32{0, 1, 2, 3, 4, 5, 6}), "0, 1, 2 and 4 more"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
