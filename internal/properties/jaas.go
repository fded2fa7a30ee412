package properties

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// login is the one login module of a JAAS configuration, such as
//
//	org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="secret";
type login struct {
	module  string // without its package
	options map[string]string
}

// flags say what JAAS does when a module fails, which means nothing where there is one.
var flags = []string{"required", "requisite", "sufficient", "optional"}

// parseJAAS reads a value of sasl.jaas.config. Its errors quote no value.
func parseJAAS(text string) (login, error) {
	t := tokens{text: text}
	var l login
	module, kind, err := t.next()
	switch {
	case err != nil:
		return l, err
	case kind != word:
		return l, errors.New("begins with no login module, write for example org.apache.kafka.common.security.plain.PlainLoginModule required ...;")
	}
	l.module = module[strings.LastIndexByte(module, '.')+1:]
	if flag, kind, err := t.next(); err != nil {
		return l, err
	} else if kind != word || !slices.Contains(flags, strings.ToLower(flag)) {
		return l, fmt.Errorf("the word required is missing after %s", l.module)
	}
	l.options = map[string]string{}
	for {
		name, kind, err := t.next()
		switch {
		case err != nil:
			return l, err
		case kind == semicolon:
			if _, kind, err := t.next(); err != nil || kind != nothing {
				return l, errors.Join(err, fmt.Errorf("goes on after %s and its semicolon: one login module is all that a client can have", l.module))
			}
			return l, nil
		case kind == nothing:
			return l, errors.New("is not ended by a semicolon")
		case kind != word:
			return l, fmt.Errorf("the options of %s are not of the form name=\"value\"", l.module)
		}
		_, equals, err := t.next()
		if err != nil {
			return l, err
		}
		value, kind, err := t.next()
		if err != nil {
			return l, err
		}
		// The name is not quoted: where a password holds a quote it may be the password's end.
		if equals != equal || kind != word && kind != quoted {
			return l, fmt.Errorf("option %d of %s is not of the form name=\"value\"; a quote in a value is written \\\\\" in this file", len(l.options)+1, l.module)
		}
		l.options[name] = value
	}
}

// token is what a part of a JAAS configuration is.
type token int

const (
	nothing token = iota // the end
	word
	quoted
	equal
	semicolon
)

// tokens takes a JAAS configuration apart as java.io.StreamTokenizer does.
type tokens struct {
	text string
	at   int
}

func (t *tokens) next() (string, token, error) {
	if err := t.space(); err != nil {
		return "", nothing, err
	}
	if t.at == len(t.text) {
		return "", nothing, nil
	}
	switch c := t.text[t.at]; c {
	case ';':
		t.at++
		return "", semicolon, nil
	case '=':
		t.at++
		return "", equal, nil
	case '"', '\'':
		t.at++
		value, err := t.quoted(c)
		return value, quoted, err
	}
	start := t.at
	for t.at < len(t.text) && t.text[t.at] > ' ' && strings.IndexByte(`;="'`, t.text[t.at]) < 0 {
		t.at++
	}
	return t.text[start:t.at], word, nil
}

// space goes past blanks and comments.
func (t *tokens) space() error {
	for t.at < len(t.text) {
		rest := t.text[t.at:]
		switch {
		case rest[0] <= ' ':
			t.at++
		case strings.HasPrefix(rest, "//"):
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				t.at += n
			} else {
				t.at = len(t.text)
			}
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return errors.New("a comment (/*) is not closed")
			}
			t.at += n + 4
		default:
			return nil
		}
	}
	return nil
}

// quoted returns what is before the closing quote, its escapes replaced.
func (t *tokens) quoted(quote byte) (string, error) {
	var b strings.Builder
	for t.at < len(t.text) {
		c := t.text[t.at]
		t.at++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '\n' || c == '\r': // ends the text in Java too
			return "", errUnclosed
		case c == '\\' && t.at < len(t.text):
			t.escaped(&b)
		default:
			b.WriteByte(c)
		}
	}
	return "", errUnclosed
}

var errUnclosed = errors.New(`a quote is not closed; a quote in a value is written \\" in this file`)

// escapes are those of a letter.
var escapes = map[byte]byte{'a': 7, 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// escaped writes what stands after a backslash: up to three octal digits, or a letter, or the character itself.
func (t *tokens) escaped(b *strings.Builder) {
	c := t.text[t.at]
	if c < '0' || c > '7' {
		if special, ok := escapes[c]; ok {
			c = special
		}
		b.WriteByte(c)
		t.at++
		return
	}
	most := 2
	if c <= '3' {
		most = 3
	}
	n := rune(0)
	for range most {
		if t.at == len(t.text) || t.text[t.at] < '0' || t.text[t.at] > '7' {
			break
		}
		n = n*8 + rune(t.text[t.at]-'0')
		t.at++
	}
	b.WriteRune(n)
}
