package jmxpage

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
)

// Key names a number of a page.
type Key struct {
	Metric Metric
	Label  string // the request, the operation or the garbage collector, "" for most
	Second string // the phase or the error, "" for most
	Attr   Attr
}

// Page is what a page says of its broker, in base units. Every number is finite and not negative.
type Page struct {
	Dialect  Dialect // whose rules made the names
	Conflict int     // numbers given twice with different values: both are withheld
	Dropped  int     // labelled numbers beyond what one broker may have

	cells map[Key]cell
	votes [dialects]int
}

// cell is a number and the series it comes from.
type cell struct {
	value  float64
	source string // name of the series; two of another name may say the same thing
	broken bool   // given twice, with different values
}

// maxLabelled is how many numbers with free labels (request errors, garbage collectors) one page may have.
const maxLabelled = 300

// maxLabel is the length of the longest label, in bytes: Kafka's longest error name has 41.
const maxLabel = 128

// Errors of a page that can't be used. They are wrapped with what and where.
var (
	ErrInvalid  = errors.New("not a page of metrics")                // or cut short
	ErrTooLarge = errors.New("page is too large")                    // more bytes than allowed
	ErrForeign  = errors.New("page has no metric of a Kafka broker") // well formed, of something else
)

func newPage() *Page { return &Page{cells: make(map[Key]cell)} }

// Get returns a number of the page.
func (p *Page) Get(k Key) (v float64, ok bool) {
	c, ok := p.cells[k]
	return c.value, ok && !c.broken
}

// All returns the numbers of the page, in no order.
func (p *Page) All() iter.Seq2[Key, float64] {
	return func(yield func(Key, float64) bool) {
		for k, c := range maps.All(p.cells) {
			if !c.broken && !yield(k, c.value) {
				return
			}
		}
	}
}

// Has returns whether the page has the attribute of the metric, with any label.
func (p *Page) Has(m Metric, attr Attr) bool {
	for k := range p.All() {
		if k.Metric == m && k.Attr == attr {
			return true
		}
	}
	return false
}

// put adds a number. What is not known is left out: NaN, infinite, or negative, as nothing here can be.
func (p *Page) put(k Key, v float64, source string) {
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return
	}
	old, given := p.cells[k]
	switch {
	case len(k.Label) > maxLabel || len(k.Second) > maxLabel:
		p.Dropped++
	case !given && free(k.Metric) && len(p.cells) >= maxLabelled+4*len(mbeans):
		p.Dropped++
	case !given:
		p.cells[k] = cell{value: v, source: source}
	case old.source == source && old.value != v && !old.broken:
		old.broken = true
		p.cells[k] = old
		p.Conflict++
	}
}

// free returns whether the labels of a metric come from the page.
func free(m Metric) bool { return m == RequestErrors || m == GCTime || m == GCCount }

// finish judges the page as a whole.
func (p *Page) finish() (*Page, error) {
	kafka := false
	for k := range p.cells {
		if !p.cells[k].jvm(k) {
			kafka = true
		}
	}
	if !kafka {
		return nil, fmt.Errorf("%w: it may be another program's, or its rules leave out all that is read here", ErrForeign)
	}
	for d, votes := range p.votes {
		if votes > p.votes[p.Dialect] {
			p.Dialect = Dialect(d)
		}
	}
	return p, nil
}

// jvm returns whether any Java program has the number.
func (cell) jvm(k Key) bool {
	switch k.Metric {
	case ProcessCPU, HeapUsed, HeapMax, GCTime, GCCount, OpenFiles, MaxOpenFiles:
		return true
	}
	return false
}
