package logging_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/logging"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

// write sends one record with a fixed time and every form of value through a
// logger of that format.
func write(t *testing.T, format string, attrs ...slog.Attr) string {
	t.Helper()
	var out bytes.Buffer
	logger, _, err := logging.New("info", format, &out)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 14, 30, 5, 67_800_000, time.FixedZone("CET", 3600))
	record := slog.NewRecord(at, slog.LevelWarn, "broker does not answer", 0)
	record.AddAttrs(attrs...)
	if err := logger.With("kafka_cluster", "prod").Handler().Handle(context.Background(), record); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestFormats(t *testing.T) {
	attrs := []slog.Attr{
		slog.Int("broker", 3),
		slog.Float64("age_seconds", 1.5),
		slog.Float64("ratio", math.NaN()),
		slog.Bool("ok", false),
		slog.Duration("wait", 1500*time.Millisecond),
		slog.Time("since", time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)),
		slog.Any("err", errors.New("dial tcp: \"refused\"\nagain")),
		slog.Any("none", nil),
		slog.Any("topics", []string{"a", "b"}),
		slog.Group("group", slog.String("key", "value")),
	}
	for format, want := range map[string]string{
		"logfmt": `ts=2026-11-22T13:30:05.067Z level=warn msg="broker does not answer" kafka_cluster=prod broker=3 age_seconds=1.5 ratio=NaN ok=false wait=1.5s since=2026-11-22T13:00:00.000Z err="dial tcp: \"refused\"\nagain" none=null topics="[a b]" group.key=value` + "\n",
		"json":   `{"age_seconds":1.5,"broker":3,"err":"dial tcp: \"refused\"\nagain","group.key":"value","kafka_cluster":"prod","level":"warn","msg":"broker does not answer","none":null,"ok":false,"ratio":"NaN","since":"2026-11-22T13:00:00.000Z","topics":"[a b]","ts":"2026-11-22T13:30:05.067Z","wait":"1.5s"}` + "\n",
	} {
		if got := write(t, format, attrs...); got != want {
			t.Errorf("%s: got\n%swant\n%s", format, got, want)
		}
	}
}

func TestLineHasTimeAndCaller(t *testing.T) {
	var out bytes.Buffer
	logger, _, err := logging.New("info", "logfmt", &out)
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("started")
	want := regexp.MustCompile(`^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info caller=logging_test\.go:\d+ msg=started\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}

// The level variable rules the logger, those derived from it before, and through
// kslog what franz-go writes.
func TestLevel(t *testing.T) {
	var out bytes.Buffer
	logger, level, err := logging.New("warn", "logfmt", &out)
	if err != nil {
		t.Fatal(err)
	}
	derived := slog.New(logging.RateLimited(logger.Handler(), time.Hour)).With("a", 1)
	client := kslog.New(derived)

	logger.Info("not yet")
	derived.Info("not yet")
	if got := client.Level(); got != kgo.LogLevelWarn {
		t.Errorf("franz-go's level is %v at warn", got)
	}
	if out.Len() > 0 {
		t.Errorf("written below the level: %s", out.String())
	}

	level.Set(slog.LevelDebug)
	if got := client.Level(); got != kgo.LogLevelDebug {
		t.Errorf("franz-go's level is %v at debug", got)
	}
	logger.Debug("first")
	derived.Debug("second")
	client.Log(kgo.LogLevelDebug, "third", "broker", 1)
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("%d lines instead of 3:\n%s", got, out.String())
	}
}

func TestBadFlags(t *testing.T) {
	for _, test := range []struct{ level, format, want string }{
		{"verbose", "logfmt", `log level "verbose": must be one of debug, info, warn, error`},
		{"INFO+2", "logfmt", `log level "INFO+2": must be one of debug, info, warn, error`},
		{"info", "xml", `log format "xml": must be one of logfmt, json`},
	} {
		if _, _, err := logging.New(test.level, test.format, io.Discard); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// Lines of many goroutines do not mix.
func TestConcurrentLines(t *testing.T) {
	var out bytes.Buffer
	logger, _, err := logging.New("info", "json", &out)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 50 {
				logger.Info("line", "broker", 1)
			}
		})
	}
	done.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 400 {
		t.Fatalf("%d lines instead of 400", len(lines))
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}") {
			t.Errorf("a mixed line: %s", line)
		}
	}
}
