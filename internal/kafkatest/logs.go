package kafkatest

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// logLines is how much of each node's log is shown.
const logLines = 80

// LogTail returns the last lines of each node's log, each part with a heading and after a line break; ""
// if nothing was logged.
func (c *Cluster) LogTail() string {
	var b strings.Builder
	for _, n := range c.nodes {
		log, err := os.ReadFile(n.LogFile())
		if err != nil {
			continue // never started
		}
		fmt.Fprintf(&b, "\n--- end of the log of %s\n%s", n, lastLines(log, logLines))
	}
	return b.String()
}

// lastLines returns the last n lines of text.
func lastLines(text []byte, n int) []byte {
	end := len(bytes.TrimRight(text, "\n"))
	start := end
	for ; n > 0 && start >= 0; n-- {
		start = bytes.LastIndexByte(text[:start], '\n')
	}
	return text[start+1 : end]
}
