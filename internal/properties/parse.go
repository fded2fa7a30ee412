package properties

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/kafka-prober/kafka_prober/internal/config"
)

// Entry is one key and its value.
type Entry struct {
	Source string // the file, or the flag that stands for it
	Line   int    // on which the key begins, counted from 1; 0 if the source has no lines
	Key    string
	Value  string
}

// Read returns the entries of a file in its order, equal keys included.
func Read(path string) ([]Entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read properties: %w", err)
	}
	return Parse(path, data)
}

// Parse is Read of what has been read already; source stands for the file. Its error is config.Errors.
func Parse(source string, data []byte) ([]Entry, error) {
	var entries []Entry
	var errs config.Errors
	s := scanner{data: data, line: 1}
	for s.nextLine() {
		e := Entry{Source: source, Line: s.line}
		var err error
		if e.Key, err = s.text(true); err == nil {
			s.separator()
			e.Value, err = s.text(false)
		}
		if err != nil {
			errs = append(errs, &config.Error{File: source, Line: s.line, Key: e.Key, Msg: err.Error()})
			s.rest()
			continue
		}
		entries = append(entries, e)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return entries, nil
}

// blanks may stand around keys and before values.
const blanks = " \t\f"

// scanner goes through a file byte by byte: a byte is a character in ISO-8859-1.
type scanner struct {
	data []byte
	at   int // of the next byte
	line int // that at is in, counted from 1
}

// peek returns the next byte of the logical line, past '\' at lines' ends, or false at its end.
func (s *scanner) peek() (byte, bool) {
	for s.at+1 < len(s.data) && s.data[s.at] == '\\' && isEnd(s.data[s.at+1]) {
		s.at++
		s.end()
		s.skip(blanks)
	}
	if s.at+1 == len(s.data) && s.data[s.at] == '\\' { // continued by nothing
		s.at++
	}
	if s.at == len(s.data) || isEnd(s.data[s.at]) {
		return 0, false
	}
	return s.data[s.at], true
}

func isEnd(c byte) bool { return c == '\n' || c == '\r' }

// end goes past one line's end: \n, \r or both.
func (s *scanner) end() {
	if s.data[s.at] == '\r' && s.at+1 < len(s.data) && s.data[s.at+1] == '\n' {
		s.at++
	}
	s.at++
	s.line++
}

func (s *scanner) skip(set string) {
	for s.at < len(s.data) && strings.IndexByte(set, s.data[s.at]) >= 0 {
		s.at++
	}
}

// nextLine goes to the first character of the next line that is neither blank nor a comment.
func (s *scanner) nextLine() bool {
	for {
		s.skip(blanks)
		switch {
		case s.at == len(s.data):
			return false
		case isEnd(s.data[s.at]):
			s.end()
		case s.data[s.at] == '#' || s.data[s.at] == '!':
			for s.at < len(s.data) && !isEnd(s.data[s.at]) { // '\' does not continue a comment
				s.at++
			}
		default:
			if _, more := s.peek(); more {
				return true
			}
		}
	}
}

// rest goes to the end of the logical line.
func (s *scanner) rest() {
	for c, more := s.peek(); more; c, more = s.peek() {
		s.at++
		if c == '\\' {
			s.at++
		}
	}
}

// separator goes past what is between key and value: blanks with at most one of '=' and ':'.
func (s *scanner) separator() {
	found := false
	for c, more := s.peek(); more; c, more = s.peek() {
		switch {
		case strings.IndexByte(blanks, c) >= 0:
		case !found && (c == '=' || c == ':'):
			found = true
		default:
			return
		}
		s.at++
	}
}

// text returns a key, which ends before a separator, or a value, which ends with the logical line.
func (s *scanner) text(key bool) (string, error) {
	var units []uint16
	for c, more := s.peek(); more; c, more = s.peek() {
		if key && strings.IndexByte(blanks+"=:", c) >= 0 {
			break
		}
		s.at++
		if c != '\\' {
			units = append(units, uint16(c))
			continue
		}
		c = s.data[s.at] // peek saw to it that there is one
		s.at++
		switch c {
		case 'u':
			unit, err := s.unit()
			if err != nil {
				return string(utf16.Decode(units)), err
			}
			units = append(units, unit)
			continue
		case 't':
			c = '\t'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 'f':
			c = '\f'
		}
		units = append(units, uint16(c))
	}
	return string(utf16.Decode(units)), nil
}

// unit reads the four digits after \u.
func (s *scanner) unit() (uint16, error) {
	if s.at+4 <= len(s.data) {
		if n, err := strconv.ParseUint(string(s.data[s.at:s.at+4]), 16, 16); err == nil {
			s.at += 4
			return uint16(n), nil
		}
	}
	return 0, fmt.Errorf(`\u must be followed by four hexadecimal digits; a backslash itself is written \\`)
}
