package kafka

import (
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// An outage makes every client say the same thing ten times a second. One line
// in logEvery tells as much; what it stands for is in its attribute "suppressed".
const (
	logEvery = 10 * time.Second
	logKinds = 256 // lines told apart per client; more than that and all are forgotten
)

// limitedLog passes on the first of equal lines in logEvery. Lines are equal
// when message and broker are; debug lines always pass. Safe for concurrent use.
type limitedLog struct {
	kgo.Logger

	mu   sync.Mutex
	seen map[string]*repeats
}

// repeats is what became of one kind of line.
type repeats struct {
	passed     time.Time // when one was last passed on
	suppressed int       // how many were held back since then
}

var _ kgo.Logger = (*limitedLog)(nil)

func limitLog(to kgo.Logger) *limitedLog {
	return &limitedLog{Logger: to, seen: make(map[string]*repeats)}
}

// Log implements kgo.Logger.
func (l *limitedLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level >= kgo.LogLevelDebug {
		l.Logger.Log(level, msg, keyvals...)
		return
	}
	suppressed, pass := l.admit(lineKind(msg, keyvals))
	if !pass {
		return
	}
	if suppressed > 0 {
		keyvals = append(keyvals[:len(keyvals):len(keyvals)], "suppressed", suppressed)
	}
	l.Logger.Log(level, msg, keyvals...)
}

// admit tells whether a line passes, and how many like it did not since the last.
func (l *limitedLog) admit(line string) (suppressed int, pass bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.seen[line]
	switch {
	case !ok:
		if len(l.seen) >= logKinds {
			clear(l.seen)
		}
		l.seen[line] = &repeats{passed: now}
		return 0, true
	case now.Sub(r.passed) < logEvery:
		r.suppressed++
		return 0, false
	default:
		suppressed = r.suppressed
		*r = repeats{passed: now}
		return suppressed, true
	}
}

// lineKind returns what makes two lines equal.
func lineKind(msg string, keyvals []any) string {
	for i := 0; i+1 < len(keyvals); i += 2 {
		if keyvals[i] == "broker" {
			return fmt.Sprint(msg, "\x00", keyvals[i+1])
		}
	}
	return msg
}
