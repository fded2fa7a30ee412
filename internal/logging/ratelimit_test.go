package logging_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-prober/kafka_prober/internal/logging"
)

// limited returns a logger limited to one line a minute for each broker, and what
// it has written since the last call.
func limited() (*slog.Logger, func() string) {
	var out bytes.Buffer
	text := slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		},
	})
	return slog.New(logging.RateLimited(text, time.Minute, "broker", "net.host")), func() string {
		defer out.Reset()
		return out.String()
	}
}

func TestRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := limited()
		want := func(text string) {
			t.Helper()
			if got := written(); got != text {
				t.Errorf("after %s: got %q, want %q", time.Now().Format("04:05"), got, text)
			}
		}
		for i := range 10 {
			logger.Warn("dial failed", "broker", 1, "attempt", i)
		}
		want("msg=\"dial failed\" broker=1 attempt=0\n")

		// Not equal: another broker, level or message.
		logger.Warn("dial failed", "broker", 2)
		logger.Error("dial failed", "broker", 1)
		logger.Warn("read failed", "broker", 1)
		want("msg=\"dial failed\" broker=2\nmsg=\"dial failed\" broker=1\nmsg=\"read failed\" broker=1\n")

		time.Sleep(time.Minute - time.Nanosecond)
		logger.Warn("dial failed", "broker", 1)
		want("")

		time.Sleep(time.Nanosecond)
		logger.Warn("dial failed", "broker", 1)
		want("msg=\"dial failed\" broker=1 suppressed=10\n")

		logger.Warn("dial failed", "broker", 1)
		time.Sleep(time.Hour)
		logger.Warn("dial failed", "broker", 1)
		logger.Warn("dial failed", "broker", 2)
		want("msg=\"dial failed\" broker=1 suppressed=1\nmsg=\"dial failed\" broker=2\n")
	})
}

// An attribute counts the same whether it comes with the record or the logger,
// and derived loggers share one limit.
func TestRateLimitedDerived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := limited()
		logger.With("broker", 1).Info("m")
		logger.With("broker", 1).With("topic", "t").Info("m")
		logger.Info("m", "broker", 1)
		logger.With("broker", 1).Info("m", "broker", 2) // the later one is meant
		if got, want := written(), "msg=m broker=1\nmsg=m broker=1 broker=2\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}

		logger.WithGroup("net").Info("m", "host", "a")
		logger.Info("m", slog.Group("net", "host", "a"))
		logger.Info("m", slog.Group("net", "host", "b"))
		logger.WithGroup("").WithGroup("net").With("host", "b").Info("m")
		logger.WithGroup("other").Info("m", "host", "c") // not a key: as without any
		if got, want := written(), "msg=m net.host=a\nmsg=m net.host=b\nmsg=m other.host=c\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestRateLimitedConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := limited()
		var done sync.WaitGroup
		for range 8 {
			done.Go(func() {
				for range 100 {
					logger.With("broker", 1).Info("m")
				}
			})
		}
		done.Wait()
		time.Sleep(time.Minute)
		logger.Info("m", "broker", 1)
		if got, want := written(), "msg=m broker=1\nmsg=m broker=1 suppressed=799\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Ever new messages must not fill the memory, and the newest are still limited.
func TestRateLimitedForgets(t *testing.T) {
	logger := slog.New(logging.RateLimited(slog.NewTextHandler(io.Discard, nil), time.Hour))
	heap := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	long := strings.Repeat("x", 1000)
	for i := range 2_000 {
		logger.Info(fmt.Sprint(long, i))
	}
	before := heap()
	for i := range 50_000 {
		logger.Info(fmt.Sprint(long, i))
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("50,000 messages more grew the heap by %d bytes", grown)
	}
	runtime.KeepAlive(logger)

	synctest.Test(t, func(t *testing.T) {
		logger, written := limited()
		logger.Info("first")
		for i := range 1024 {
			logger.Info("m", "broker", i)
		}
		written()
		logger.Info("m", "broker", 1023)
		logger.Info("first")
		if got, want := written(), "msg=first\n"; got != want {
			t.Errorf("got %q, want %q: the newest is limited, the oldest forgotten", got, want)
		}

		time.Sleep(time.Minute)
		logger.Info("m", "broker", 2) // now the newest, though it came early
		for i := range 1023 {
			logger.Info("n", "broker", i)
		}
		written()
		logger.Info("m", "broker", 2)
		if got := written(); got != "" {
			t.Errorf("what was let through last was forgotten first: %q", got)
		}
	})
}
