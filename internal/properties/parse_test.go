package properties

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestParse compares with what java.util.Properties is documented to make of the same bytes.
func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []Entry // without their source
	}{
		"three separators":             {"a=1\nb:2\nc 3\nd\t=\t4\ne : 5", []Entry{{Line: 1, Key: "a", Value: "1"}, {Line: 2, Key: "b", Value: "2"}, {Line: 3, Key: "c", Value: "3"}, {Line: 4, Key: "d", Value: "4"}, {Line: 5, Key: "e", Value: "5"}}},
		"the first separator counts":   {"a==1\nb=:2\nc =3=", []Entry{{Line: 1, Key: "a", Value: "=1"}, {Line: 2, Key: "b", Value: ":2"}, {Line: 3, Key: "c", Value: "3="}}},
		"no value, no key":             {"a\nb=\n=c", []Entry{{Line: 1, Key: "a"}, {Line: 2, Key: "b"}, {Line: 3, Value: "c"}}},
		"comments and blank lines":     {"# a\\\n! b\n \t\n\f# c\nd=1 # e", []Entry{{Line: 5, Key: "d", Value: "1 # e"}}},
		"continued":                    {"a=1,\\\n   2,\\\r\n\t3\nb=4", []Entry{{Line: 1, Key: "a", Value: "1,2,3"}, {Line: 4, Key: "b", Value: "4"}}},
		"continued key":                {"a\\\n b=1", []Entry{{Line: 1, Key: "ab", Value: "1"}}},
		"continued is no comment":      {"a=1\\\n#2", []Entry{{Line: 1, Key: "a", Value: "1#2"}}},
		"continued by a blank line":    {"a=1\\\n\nb=2", []Entry{{Line: 1, Key: "a", Value: "1"}, {Line: 3, Key: "b", Value: "2"}}},
		"continued by the end":         {"a=1\\", []Entry{{Line: 1, Key: "a", Value: "1"}}},
		"nothing but a continuation":   {"\\\n\nb=2", []Entry{{Line: 3, Key: "b", Value: "2"}}},
		"two backslashes end a line":   {"a=1\\\\\nb=2", []Entry{{Line: 1, Key: "a", Value: `1\`}, {Line: 2, Key: "b", Value: "2"}}},
		"escapes":                      {`a\ b\=c\:d=\t\n\r\f\q\"\\` + "x", []Entry{{Line: 1, Key: "a b=c:d", Value: "\t\n\r\fq\"\\x"}}},
		"UTF-16":                       {`a=\u00fc\ud83d\ude00`, []Entry{{Line: 1, Key: "a", Value: "ü😀"}}},
		"ISO-8859-1":                   {"a=\xfc", []Entry{{Line: 1, Key: "a", Value: "ü"}}},
		"ends of lines":                {"a=1\rb=2\r\nc=3", []Entry{{Line: 1, Key: "a", Value: "1"}, {Line: 2, Key: "b", Value: "2"}, {Line: 3, Key: "c", Value: "3"}}},
		"blanks around":                {"  a  =  1  ", []Entry{{Line: 1, Key: "a", Value: "1  "}}},
		"equal keys":                   {"a=1\na=2", []Entry{{Line: 1, Key: "a", Value: "1"}, {Line: 2, Key: "a", Value: "2"}}},
		"empty":                        {"", nil},
		"a comment alone":              {"# a", nil},
		"escaped blank at value's end": {"a=1\\ \n", []Entry{{Line: 1, Key: "a", Value: "1 "}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse("f", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			for i := range test.want {
				test.want[i].Source = "f"
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %#v\nwant %#v", got, test.want)
			}
		})
	}
}

func TestParseFaults(t *testing.T) {
	got, err := Parse("f", []byte("a=1\nb=hunter2\\u12\\\n  goes on\\\\\nc=\\uzzzz\n\\u=1\nd=2"))
	const word = `\u must be followed by four hexadecimal digits; a backslash itself is written \\`
	want := "f:2: b: " + word + "\nf:4: c: " + word + "\nf:5: " + word
	if got != nil || err == nil || err.Error() != want {
		t.Errorf("got  %v, %v\nwant %s", got, err, want)
	}
	if _, err := Read("/none"); err == nil || err.Error() != "read properties: open /none: no such file or directory" {
		t.Errorf("no file: %v", err)
	}
}

// escape writes a text so that Java, and Parse, read it back.
func escape(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

// FuzzParse: nothing makes the parser panic, and what it read it reads again when it is written down.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a=1", "a : b\\\n c", "# x\n! y\nk\\=\\u00fc v", "\\\n\n=", "a=\\u12", "\xff\x00\\", "k=v\\", " \f\r\n\\\r\n\tx y",
		"sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\\n  username=\"me\" password=\"h\\\\\"2\";",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := Parse("f", data)
		if err != nil {
			return
		}
		var text strings.Builder
		lines := 1 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r")
		for i, e := range entries {
			if e.Line < 1 || e.Line > lines || i > 0 && e.Line <= entries[i-1].Line {
				t.Errorf("entry %d is in line %d of %d", i, e.Line, lines)
			}
			fmt.Fprintf(&text, "%s=%s\n", escape(e.Key), escape(e.Value))
		}
		again, err := Parse("f", []byte(text.String()))
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%v: %d entries, want %d", err, len(again), len(entries))
		}
		for i := range again {
			if again[i].Key != entries[i].Key || again[i].Value != entries[i].Value {
				t.Errorf("entry %d: got %#v, want %#v", i, again[i], entries[i])
			}
		}
	})
}

func TestParseJAAS(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string // module and options, or the error
	}{
		"Kafka's own example":  {`org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="alice-secret";`, "PlainLoginModule map[password:alice-secret username:alice]"},
		"no package":           {`PlainLoginModule required;`, "PlainLoginModule map[]"},
		"several lines":        {"a.M required\n\t username='a'\n password=b ; ", "M map[password:b username:a]"},
		"escapes":              {`M required a="\"\\\'\t\101\1018\400";`, "M map[a:\"\\'\tAA8 0]"},
		"comments":             {"/* a */ M // b\n required a=b; // c", "M map[a:b]"},
		"flag in capitals":     {"M OPTIONAL;", "M map[]"},
		"empty":                {"", "begins with no login module, write for example org.apache.kafka.common.security.plain.PlainLoginModule required ...;"},
		"no flag":              {"M a=b;", "the word required is missing after M"},
		"no semicolon":         {`M required a="b"`, "is not ended by a semicolon"},
		"two modules":          {`M required; N required;`, "goes on after M and its semicolon: one login module is all that a client can have"},
		"not closed":           {`M required a="b;`, `a quote is not closed; a quote in a value is written \\" in this file`},
		"quote in a password":  {`M required a="b"c";`, `a quote is not closed; a quote in a value is written \\" in this file`},
		"no value":             {`M required a=;`, `option 1 of M is not of the form name="value"; a quote in a value is written \\" in this file`},
		"open comment":         {`M /* required`, "a comment (/*) is not closed"},
		"quoted option":        {`M required "a"="b";`, `the options of M are not of the form name="value"`},
		"quotes in a password": {`M required a="b"c"d";`, `option 2 of M is not of the form name="value"; a quote in a value is written \\" in this file`},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := parseJAAS(test.text)
			got := fmt.Sprint(l.module, " ", l.options)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// FuzzJAAS: nothing makes the parser panic, and what it refuses it refuses without quoting values.
func FuzzJAAS(f *testing.F) {
	for _, seed := range []string{`a.M required b="c" d='e' f=g;`, `M required a="\101\`, "M /* */ //", `M required a="b"c";`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseJAAS(text)
		if err == nil && (l.module == "" && !strings.Contains(text, ".") || l.options == nil) {
			t.Errorf("no login of %q", text)
		}
	})
}
