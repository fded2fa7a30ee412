package web

import (
	"bytes"
	_ "embed" // the template
	"fmt"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed landing.html
var landingHTML string

var landingTemplate = template.Must(template.New("landing").Funcs(template.FuncMap{
	"ago":        ago,
	"count":      count,
	"duration":   duration,
	"join":       func(list []string) string { return strings.Join(list, ", ") },
	"partitions": partitions,
	"seconds":    seconds,
}).Parse(landingHTML))

// absent stands where a number is not known.
const absent = "–"

// landing serves the landing page: one document without script, pictures or
// anything from the network.
type landing struct {
	page  func() Page
	links []Link
	log   *slog.Logger
}

func (l *landing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := l.page()
	page.Links = append(append([]Link(nil), l.links...), page.Links...)
	// Rendered whole before the first byte goes out: a template that fails
	// half way would otherwise be served as a success.
	var buf bytes.Buffer
	if err := landingTemplate.Execute(&buf, page); err != nil {
		l.log.Error("landing page cannot be rendered", "err", err)
		http.Error(w, "The landing page cannot be rendered; the log says why. /metrics is not affected.", http.StatusInternalServerError)
		return
	}
	if every, err := strconv.Atoi(r.URL.Query().Get("refresh")); err == nil && every >= 1 {
		w.Header().Set("Refresh", strconv.Itoa(every))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	_, _ = buf.WriteTo(w)
}

// count groups the digits of n by thin no-break spaces: 1 234 567.
func count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// seconds writes a latency with three digits and the unit that suits it.
func seconds(s float64) string {
	if math.IsNaN(s) || math.IsInf(s, 0) {
		return absent
	}
	scaled, unit := s*1e6, "µs"
	switch {
	case s >= 1:
		scaled, unit = s, "s"
	case s >= 1e-3:
		scaled, unit = s*1e3, "ms"
	}
	decimals := 0
	switch {
	case scaled < 10:
		decimals = 2
	case scaled < 100:
		decimals = 1
	}
	return fmt.Sprintf("%.*f\u202f%s", decimals, scaled, unit)
}

// duration writes a configured or elapsed time: three digits below a minute,
// to the second above.
func duration(d time.Duration) string {
	if d <= 0 {
		return absent
	}
	if d >= time.Minute {
		text := d.Round(time.Second).String()
		text = strings.TrimSuffix(text, "m0s")
		if !strings.HasSuffix(text, "s") {
			text += "m"
		}
		if hours, ok := strings.CutSuffix(text, "h0m"); ok {
			text = hours + "h"
		}
		return text
	}
	text, unit, _ := strings.Cut(seconds(d.Seconds()), "\u202f")
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + "\u202f" + unit
}

// ago writes how long ago something happened; negative means never.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "never"
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s ago"
	}
	return duration(d) + " ago"
}

// partitions lists at most three of them: a broker may lead hundreds.
func partitions(list []int32) string {
	const most = 3
	if len(list) == 0 {
		return absent
	}
	var names []string
	for _, p := range list[:min(most, len(list))] {
		names = append(names, strconv.Itoa(int(p)))
	}
	text := strings.Join(names, ", ")
	if rest := len(list) - most; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}
