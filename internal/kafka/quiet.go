package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// quiet passes on what kgo logs, its informational lines as debug ones: they tell how the client works,
// not how the cluster is.
type quiet struct{ kgo.Logger }

var _ kgo.Logger = quiet{}

// Log implements kgo.Logger.
func (q quiet) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if level == kgo.LogLevelInfo {
		level = kgo.LogLevelDebug
	}
	q.Logger.Log(level, msg, keyvals...)
}
