package kind_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"go.yaml.in/yaml/v3"
)

func TestParseDuration(t *testing.T) {
	for _, test := range []struct {
		text string
		want time.Duration
		out  string
		err  string
	}{
		{text: "0", want: 0, out: "0s"},
		{text: "100ms", want: 100 * time.Millisecond, out: "100ms"},
		{text: "1s", want: time.Second, out: "1s"},
		{text: "90s", want: 90 * time.Second, out: "1m30s"},
		{text: "1h", want: time.Hour, out: "1h"},
		{text: "1d", want: 24 * time.Hour, out: "1d"},
		{text: "100", err: "100 has no unit, write for example 100ms, 5s or 1m"},
		{text: "1.5", err: "1.5 has no unit, write for example 100ms, 5s or 1m"},
		{text: "-1s", err: `"-1s" is negative`},
		{text: "", err: `"" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`},
		{text: "5 minutes", err: `"5 minutes" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`},
		{text: "500us", err: `"500us" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`},
		{text: "1.5s", err: `"1.5s" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`},
		{text: "999999999y", err: `"999999999y" is not a duration: whole numbers with ms, s, m, h, d, w or y and no spaces, for example 100ms or 1m30s`},
	} {
		got, err := kind.ParseDuration(test.text)
		if message(err) != test.err {
			t.Errorf("%q: error %q, want %q", test.text, message(err), test.err)
			continue
		}
		if err == nil && (time.Duration(got) != test.want || got.String() != test.out) {
			t.Errorf("%q: got %d (%s), want %d (%s)", test.text, got, got, test.want, test.out)
		}
	}
	if got := kind.Duration(1500 * time.Microsecond).String(); got != "1.5ms" {
		t.Errorf("a Go value below a millisecond was rounded: %s", got)
	}
}

func TestParseBytes(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
		out  string
		err  string
	}{
		{text: "0", want: 0, out: "0B"},
		{text: "128", want: 128, out: "128B"},
		{text: "128B", want: 128, out: "128B"},
		{text: "1KiB", want: 1024, out: "1KiB"},
		{text: "1.5KiB", want: 1536, out: "1536B"},
		{text: "1KB", want: 1000, out: "1KB"},
		{text: "5MB", want: 5_000_000, out: "5MB"},
		{text: "2048MiB", want: 2 << 30, out: "2GiB"},
		{text: "4611686018427387904", want: 1 << 62, out: "4194304TiB"},
		{text: "9223372036854775807", err: `"9223372036854775807" is negative or too large`},
		{text: "-1", err: `"-1" is negative or too large`},
		{text: "8EiB", err: `"8EiB" is negative or too large`},
		{text: "one", err: `"one" is not a size: a number with B, KiB, MiB, GiB, KB, MB or GB and no spaces, for example 128B or 1KiB`},
		{text: "1 KiB", err: `"1 KiB" is not a size: a number with B, KiB, MiB, GiB, KB, MB or GB and no spaces, for example 128B or 1KiB`},
	} {
		got, err := kind.ParseBytes(test.text)
		if message(err) != test.err {
			t.Errorf("%q: error %q, want %q", test.text, message(err), test.err)
			continue
		}
		if err == nil && (int64(got) != test.want || got.String() != test.out) {
			t.Errorf("%q: got %d (%s), want %d (%s)", test.text, got, got, test.want, test.out)
		}
	}
}

func TestValuesInYAML(t *testing.T) {
	type values struct {
		D kind.Duration
		B kind.Bytes
	}
	var v values
	if err := yaml.Unmarshal([]byte("d: 90m\nb: 1024\n"), &v); err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if want := "d: 1h30m\nb: 1KiB\n"; string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
	for text, want := range map[string]string{
		"d: [1s]": "must be a duration, for example 100ms",
		"b: {}":   "must be a size, for example 1KiB",
	} {
		if err := yaml.Unmarshal([]byte(text), &v); message(err) != want {
			t.Errorf("%s: error %q, want %q", text, message(err), want)
		}
	}
}

// A secret must not come out by any of the ways in which a configuration is
// printed.
func TestSecretIsMasked(t *testing.T) {
	type holder struct{ Password kind.Secret }
	h := holder{"hunter2"}

	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %q\n", h, h, h, h.Password, h.Password)
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "password", h.Password)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "holder", h)
	inYAML, err := yaml.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	inJSON, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(inYAML)
	out.Write(inJSON)

	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("the secret is shown:\n%s", out.String())
	}
	if want := "password: <secret>\n"; string(inYAML) != want {
		t.Errorf("YAML is %q, want %q", inYAML, want)
	}
	if got := fmt.Sprint(kind.Secret("")); got != "" {
		t.Errorf("no secret prints as %q", got)
	}
}

// message returns the error's text, or nothing.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
