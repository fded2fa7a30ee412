package jmxpage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// read is one operation of a Jolokia request.
type read struct {
	Type      string   `json:"type"` // always read
	MBean     string   `json:"mbean"`
	Attribute []string `json:"attribute,omitempty"`
}

// platform are the MBeans of the Java process, which has nothing of Kafka.
var platform = []read{
	{"read", "java.lang:type=OperatingSystem", []string{"ProcessCpuTime", "OpenFileDescriptorCount", "MaxFileDescriptorCount"}},
	{"read", "java.lang:type=Memory", []string{"HeapMemoryUsage"}},
	{"read", "java.lang:type=GarbageCollector,name=*", []string{"CollectionTime", "CollectionCount"}},
}

// JolokiaRequest returns the body that asks Jolokia, by POST, for all that is read of a broker: one read an
// MBean, and a pattern where there are several of one name. Attributes are not named, as Jolokia answers
// an error in place of an MBean that lacks one of them.
func JolokiaRequest() []byte {
	var reads []read
	for _, b := range mbeans {
		object := b.domain + ":type=" + b.typ + ",name=" + b.name
		switch {
		case b.metric == RequestTime || b.metric == RequestPhase:
			for _, request := range Requests {
				reads = append(reads, read{Type: "read", MBean: object + ",request=" + request})
			}
		case b.property != "":
			reads = append(reads, read{Type: "read", MBean: object + ",*"})
		default:
			reads = append(reads, read{Type: "read", MBean: object})
		}
	}
	body, err := json.Marshal(append(reads, platform...))
	if err != nil {
		panic(err) // text only
	}
	return body
}

// answer is what Jolokia answers to one read.
type answer struct {
	Request struct {
		MBean string `json:"mbean"`
	} `json:"request"`
	Status int             `json:"status"` // 200, or 404 for an MBean that does not exist
	Error  string          `json:"error"`
	Value  json.RawMessage `json:"value"` // attributes, or for a pattern attributes by MBean
}

// ReadJolokia reads the answer to JolokiaRequest, read by read.
func ReadJolokia(r io.Reader) (*Page, error) {
	p := newPage()
	d := json.NewDecoder(r)
	if token, err := d.Token(); err != nil || token != json.Delim('[') {
		return nil, jolokiaError(err, "the answer is not a list: does the URL end in /jolokia, and is POST allowed?")
	}
	refused := ""
	for d.More() {
		var a answer
		if err := d.Decode(&a); err != nil {
			return nil, jolokiaError(err, "an answer can't be read")
		}
		if a.Status != 200 {
			if a.Status != 404 {
				refused = fmt.Sprintf("status %d: %.80q", a.Status, a.Error)
			}
			continue
		}
		p.addAnswer(a)
	}
	if _, err := d.Token(); err != nil { // the closing bracket
		return nil, jolokiaError(err, "the answer is cut short")
	}
	p.votes[Jolokia] = 1
	page, err := p.finish()
	if err != nil && refused != "" {
		return nil, fmt.Errorf("%w; Jolokia refused: %s", err, refused)
	}
	return page, err
}

// jolokiaError returns what went wrong while reading: what is not JSON is no page, the rest is the
// connection's.
func jolokiaError(err error, what string) error {
	syntax := new(json.SyntaxError)
	typ := new(json.UnmarshalTypeError)
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax), errors.As(err, &typ):
		if err == nil {
			return fmt.Errorf("%w: %s", ErrInvalid, what)
		}
		return fmt.Errorf("%w: %s: %w", ErrInvalid, what, err)
	}
	return fmt.Errorf("read Jolokia's answer: %w", err)
}

// addAnswer adds the attributes of an MBean, or of those of a pattern.
func (p *Page) addAnswer(a answer) {
	if !strings.Contains(a.Request.MBean, "*") {
		p.addMBean(a.Request.MBean, a.Value)
		return
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(a.Value, &all) != nil {
		return // no MBean by that pattern
	}
	for object, attributes := range all {
		p.addMBean(object, attributes)
	}
}

// addMBean adds the attributes of one MBean. Those that are no numbers are not known: Jolokia writes a
// NaN as a text.
func (p *Page) addMBean(object string, raw json.RawMessage) {
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return
	}
	domain, properties := parseObjectName(object)
	prefix := strings.ToLower(strings.ReplaceAll(domain, ".", "_") + "_" + properties["type"])
	s := series{name: prefix}
	for name, value := range properties {
		s.labels = append(s.labels, label{name, value})
	}
	for name, raw := range values {
		lower := strings.ToLower(name)
		if domain == "java.lang" {
			p.addPlatform(prefix+"_"+lower, s, raw)
			continue
		}
		attr, known := attributes[lower]
		b, listed := beansByName[prefix][strings.ToLower(properties["name"])]
		if !known || !listed || b.short || b.percent || b.operation != "" {
			continue
		}
		if s.value, known = number(raw); known {
			p.store(b, attr, &s, object)
		}
	}
}

// addPlatform adds an attribute of the Java process, which may have parts.
func (p *Page) addPlatform(name string, s series, raw json.RawMessage) {
	var parts map[string]json.RawMessage
	if json.Unmarshal(raw, &parts) == nil {
		for part, raw := range parts {
			if v, ok := number(raw); ok {
				s.value = v
				p.addJVM(name+"_"+strings.ToLower(part), &s)
			}
		}
		return
	}
	if v, ok := number(raw); ok {
		s.value = v
		p.addJVM(name, &s)
	}
}

// number reads a number, for which encoding/json would take null too.
func number(raw json.RawMessage) (v float64, ok bool) {
	if len(raw) == 0 || raw[0] == 'n' {
		return 0, false
	}
	return v, json.Unmarshal(raw, &v) == nil
}

// parseObjectName takes apart domain:key=value,... No value that is asked for is quoted.
func parseObjectName(object string) (domain string, properties map[string]string) {
	domain, list, _ := strings.Cut(object, ":")
	properties = make(map[string]string)
	for property := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(property, "=")
		properties[name] = value
	}
	return domain, properties
}
