package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The charts are uPlot's, vendored by its licence (assets/uplot.LICENSE): the report opens without a network.
var (
	//go:embed assets/report.html
	page string
	//go:embed assets/report.js
	script string
	//go:embed assets/uplot.js
	uplotScript string
	//go:embed assets/uplot.css
	uplotStyle string
	//go:embed assets/uplot.LICENSE
	uplotLicence string
)

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{"ms": ms}).Parse(page))

// chart is what the charts of a run are drawn from: columns of equal length, nil where nothing is known.
type chart struct {
	Title    string     `json:"title"`
	Seconds  []float64  `json:"seconds"` // of the intervals' ends
	Rate     []float64  `json:"rate"`    // records/s
	P50      []*float64 `json:"p50"`     // of the intervals, ms
	P99      []*float64 `json:"p99"`
	Max      []*float64 `json:"max"`
	Odds     []float64  `json:"odds"` // 1/(1-q) of the curve's quantiles q
	EndToEnd []*float64 `json:"end_to_end"`
	Ack      []*float64 `json:"ack"`
}

// WriteHTML writes the report as one page that needs nothing else.
func (r *Report) WriteHTML(w io.Writer) error {
	var tables strings.Builder
	if err := r.WriteText(&tables); err != nil {
		return err
	}
	var charts []chart
	for i := range r.Cases {
		c := &r.Cases[i]
		for j := range c.Runs {
			title := c.Name
			if len(c.Runs) > 1 {
				title = fmt.Sprintf("%s, run %d", title, j+1)
			}
			charts = append(charts, newChart(title, &c.Runs[j]))
		}
	}
	return pageTemplate.Execute(w, map[string]any{
		"Report": r, "Tables": tables.String(), "Charts": charts,
		"Script": template.JS(script), "UPlot": template.JS(uplotScript), "Style": template.CSS(uplotStyle), // ours, not a caller's
		"Licence": uplotLicence,
	})
}

func newChart(title string, r *Run) chart {
	c := chart{Title: title}
	for i := range r.Intervals {
		in := &r.Intervals[i]
		c.Seconds = append(c.Seconds, in.At)
		c.Rate = append(c.Rate, in.RecordsPerSec)
		var p50, p99, most *float64
		if l := in.EndToEnd; l != nil {
			p50, p99, most = &l.P50, &l.P99, &l.Max
		}
		c.P50, c.P99, c.Max = append(c.P50, p50), append(c.P99, p99), append(c.Max, most)
	}
	end, ack := r.EndToEnd.histogram(), r.Ack.histogram()
	for odds := 1.0; odds <= 1e6; odds *= 1.3 {
		c.Odds = append(c.Odds, odds)
		c.EndToEnd, c.Ack = append(c.EndToEnd, at(end, odds)), append(c.Ack, at(ack, odds))
	}
	return c
}

// at returns the latency in milliseconds that one record in so many is above, or nil if so many were
// not measured.
func at(h *hdrhistogram.Histogram, odds float64) *float64 {
	if h == nil || odds > float64(h.TotalCount()) {
		return nil
	}
	v := float64(h.ValueAtQuantile(100*(1-1/odds))) / 1000
	return &v
}

// histogram returns the whole distribution, or nil if it is not there.
func (l *Latency) histogram() *hdrhistogram.Histogram {
	if l == nil || l.HDR == "" {
		return nil
	}
	h, err := hdrhistogram.Decode([]byte(l.HDR))
	if err != nil {
		return nil
	}
	return h
}
