package bench

import (
	"fmt"
	"io"
	"strings"
)

// Progress shows a bench on a terminal, one line that is written over, or as plain lines in a file.
type Progress struct {
	W        io.Writer
	Terminal bool

	prefix string
}

var _ Live = (*Progress)(nil)

// Begin implements Live.
func (p *Progress) Begin(c *PlannedCase, run, of int) {
	p.prefix = fmt.Sprintf("[%d/%d] %s", run, of, c.Name)
	if p.Terminal {
		fmt.Fprintf(p.W, "\r\x1b[K%s: warming up", p.prefix)
	}
}

// Tick implements Live.
func (p *Progress) Tick(i *Interval, done float64) {
	latency := ""
	if i.EndToEnd != nil {
		latency = fmt.Sprintf(", p50 %s ms, p99 %s ms, max %s ms", ms(i.EndToEnd.P50), ms(i.EndToEnd.P99), ms(i.EndToEnd.Max))
	}
	line := fmt.Sprintf("%.0f records/s, %.2f MB/s%s", i.RecordsPerSec, i.BytesPerSec/1e6, latency)
	if !p.Terminal {
		fmt.Fprintf(p.W, "%s: %.0fs: %s\n", p.prefix, i.At, line)
		return
	}
	const width = 20
	full := int(done*width + 0.5)
	fmt.Fprintf(p.W, "\r\x1b[K%s [%s%s] %3.0f%% %s", p.prefix, strings.Repeat("#", full), strings.Repeat(".", width-full), 100*done, line)
}

// End implements Live.
func (p *Progress) End() {
	if p.Terminal {
		fmt.Fprint(p.W, "\r\x1b[K")
	}
}
