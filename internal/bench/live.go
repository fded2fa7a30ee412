package bench

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Live is shown a bench while it runs. It is called by one goroutine at a time, which measures meanwhile:
// it must not wait.
type Live interface {
	// Begin is called before a run and its warm-up. The report has what is known beforehand: the
	// bench's id, its environment.
	Begin(r *Report, c *PlannedCase, run, of int)
	Tick(t *Tick) // an interval of the measured stretch ended
	End()         // of a run
}

// Tick is what a bench is at the end of an interval of its measured stretch. It is valid during the call.
type Tick struct {
	Interval *Interval
	Done     float64          // share of the stretch, of 1
	Topic    string           // of the run
	Totals   iter.Seq[*Total] // by broker; holds up what is measured of that broker meanwhile
}

// Total is what the records had, since the stretch began, whose partitions a broker led when they were due.
type Total struct {
	Broker   int32 // ledger.UnknownBroker: of all, where records are read that others sent
	Counts   Counts
	InFlight int64

	EndToEnd, Ack, ScheduleLag *hdrhistogram.Histogram // of microseconds; nil if that is not measured
}

// Several shows a bench to all of them, in turn.
type Several []Live

var _ Live = Several(nil)

// Begin implements Live.
func (s Several) Begin(r *Report, c *PlannedCase, run, of int) {
	for _, l := range s {
		l.Begin(r, c, run, of)
	}
}

// Tick implements Live.
func (s Several) Tick(t *Tick) {
	for _, l := range s {
		l.Tick(t)
	}
}

// End implements Live.
func (s Several) End() {
	for _, l := range s {
		l.End()
	}
}

// Progress shows a bench on a terminal, one line that is written over, or as plain lines in a file.
type Progress struct {
	W        io.Writer
	Terminal bool

	prefix string
}

var _ Live = (*Progress)(nil)

// Begin implements Live.
func (p *Progress) Begin(_ *Report, c *PlannedCase, run, of int) {
	p.prefix = fmt.Sprintf("[%d/%d] %s", run, of, c.Name)
	if p.Terminal {
		fmt.Fprintf(p.W, "\r\x1b[K%s: warming up", p.prefix)
	}
}

// Tick implements Live.
func (p *Progress) Tick(t *Tick) {
	i, latency := t.Interval, ""
	if i.EndToEnd != nil {
		latency = fmt.Sprintf(", p50 %s ms, p99 %s ms, max %s ms", ms(i.EndToEnd.P50), ms(i.EndToEnd.P99), ms(i.EndToEnd.Max))
	}
	line := fmt.Sprintf("%.0f records/s, %.2f MB/s%s", i.RecordsPerSec, i.BytesPerSec/1e6, latency)
	if !p.Terminal {
		fmt.Fprintf(p.W, "%s: %.0fs, %.0f%%: %s\n", p.prefix, i.At, 100*t.Done, line)
		return
	}
	const width = 20
	full := int(t.Done*width + 0.5)
	fmt.Fprintf(p.W, "\r\x1b[K%s [%s%s] %3.0f%% %s", p.prefix, strings.Repeat("#", full), strings.Repeat(".", width-full), 100*t.Done, line)
}

// End implements Live.
func (p *Progress) End() {
	if p.Terminal {
		fmt.Fprint(p.W, "\r\x1b[K")
	}
}
