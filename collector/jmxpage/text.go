package jmxpage

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLine is the length of the longest line, in bytes.
const maxLine = 64 << 10

// ReadText reads a page in Prometheus' text format, or OpenMetrics as jmx_exporter writes it. It reads r
// to its end and keeps no more than the numbers it is for. A page with a line that is not well formed, or
// whose last line is cut short, is refused as a whole.
func ReadText(r io.Reader) (*Page, error) {
	p := newPage()
	lines := bufio.NewReaderSize(r, maxLine)
	var s series
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return p.finish()
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: line %d has no end, the page is cut short", ErrInvalid, number)
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("%w: line %d is longer than %d bytes", ErrInvalid, number, maxLine)
		case err != nil:
			return nil, fmt.Errorf("read line %d: %w", number, err)
		}
		known, err := parseLine(line, &s)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrInvalid, number, err)
		}
		if known {
			p.add(&s)
		}
	}
}

// parseLine takes a line apart into s, whose memory it uses again. known is false for lines that can't be
// of interest: they are only checked.
func parseLine(line []byte, s *series) (known bool, err error) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return false, nil
	}
	end := 0
	for end < len(line) && nameByte(line[end], end) {
		end++
	}
	if end == 0 {
		return false, fmt.Errorf("%s is not the name of a series", quote(line))
	}
	known = wanted(line[:end])
	rest := line[end:]
	s.labels = s.labels[:0]
	if len(rest) > 0 && rest[0] == '{' {
		if rest, err = parseLabels(rest[1:], s, known); err != nil {
			return false, err
		}
	} else if len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return false, fmt.Errorf("%s is not the name of a series", quote(line))
	}
	if s.value, err = parseValue(rest); err != nil {
		return false, err
	}
	if known {
		s.name = string(line[:end])
	}
	return known, nil
}

func nameByte(c byte, at int) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || at > 0 && c >= '0' && c <= '9'
}

// parseLabels reads what follows the opening brace and returns what follows the closing one. The last
// label may end with a comma.
func parseLabels(rest []byte, s *series, keep bool) ([]byte, error) {
	for {
		rest = bytes.TrimLeft(rest, " \t")
		if len(rest) > 0 && rest[0] == '}' {
			return rest[1:], nil
		}
		end := 0
		for end < len(rest) && rest[end] != '=' && rest[end] != '"' && rest[end] != '}' {
			end++
		}
		name := bytes.TrimSpace(rest[:end])
		if end+1 >= len(rest) || rest[end] != '=' || len(name) == 0 {
			return nil, fmt.Errorf("%s is no label", quote(rest))
		}
		rest = bytes.TrimLeft(rest[end+1:], " \t")
		value, after, ok := cutQuoted(rest)
		if !ok {
			return nil, fmt.Errorf("%s is no label value in quotes", quote(rest))
		}
		if keep {
			s.labels = append(s.labels, label{string(name), unescape(value)})
		}
		rest = bytes.TrimLeft(after, " \t")
		switch {
		case len(rest) > 0 && rest[0] == ',':
			rest = rest[1:]
		case len(rest) == 0 || rest[0] != '}':
			return nil, fmt.Errorf("%s follows a label, where a comma or the end should", quote(rest))
		}
	}
}

// cutQuoted returns what is between the quotes that text begins with, and what follows them.
func cutQuoted(text []byte) (value, after []byte, ok bool) {
	if len(text) == 0 || text[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i], text[i+1:], true
		}
	}
	return nil, nil, false
}

var escapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")

func unescape(value []byte) string {
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value)
	}
	return escapes.Replace(string(value))
}

// parseValue reads the value, after which a time and an exemplar may follow.
func parseValue(rest []byte) (float64, error) {
	rest = bytes.TrimLeft(rest, " \t")
	end := bytes.IndexAny(rest, " \t")
	if end < 0 {
		end = len(rest)
	}
	v, err := strconv.ParseFloat(string(rest[:end]), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%s is not a number", quote(rest[:end]))
	}
	after := bytes.TrimLeft(rest[end:], " \t")
	if i := bytes.IndexByte(after, '#'); i >= 0 {
		after = bytes.TrimRight(after[:i], " \t")
	}
	if len(after) == 0 {
		return v, nil
	}
	if _, err := strconv.ParseFloat(string(after), 64); err != nil {
		return 0, fmt.Errorf("%s is no time, which alone may follow a value", quote(after))
	}
	return v, nil
}

// quote returns the beginning of a text for a message.
func quote(text []byte) string {
	const most = 40
	if len(text) > most {
		text = append(text[:most:most], "..."...)
	}
	return strconv.Quote(strings.ToValidUTF8(string(text), string(utf8.RuneError)))
}
