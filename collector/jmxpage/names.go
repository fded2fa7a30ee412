package jmxpage

import (
	"strconv"
	"strings"
)

// suffixes are the ends of a series' name that tell the attribute, longest first where one ends another.
// jmx_exporter from 1.0 on ends every counter with _total.
var suffixes = []struct {
	text string
	attr Attr
}{
	{"_count_total", Count}, {"_count", Count}, {"_total", Count}, {"_sum", Sum}, {"_value", Value},
	{"_oneminuterate", OneMinuteRate}, {"_mean", Mean},
	{"_50thpercentile", P50}, {"_95thpercentile", P95}, {"_99thpercentile", P99},
	{"_meanrate", none}, {"_fiveminuterate", none}, {"_fifteenminuterate", none}, {"_max", none}, {"_min", none}, {"_stddev", none},
}

// attributes are those of an MBean by their lower-case names.
var attributes = func() map[string]Attr {
	all := make(map[string]Attr, len(suffixes))
	for _, s := range suffixes {
		all[s.text[1:]] = s.attr
	}
	return all
}()

// base is what is left of a series' name without prefix and suffix.
type base struct {
	bean      *mbean
	short     bool   // without PerSec, as jmx_exporter's example writes it
	percent   bool   // Percent is split off: without a suffix that is the MeanRate of a meter
	operation string // in the name, as Bitnami writes it
}

// beansByName are the rows of the table, by lower-case domain and type as a series' name begins, then by
// what may follow.
var beansByName = func() map[string]map[string]base {
	all := make(map[string]map[string]base)
	for i := range mbeans {
		b := &mbeans[i]
		prefix := strings.ToLower(strings.ReplaceAll(b.domain, ".", "_") + "_" + b.typ)
		if all[prefix] == nil {
			all[prefix] = make(map[string]base)
		}
		name := strings.ToLower(b.name)
		all[prefix][name] = base{bean: b}
		if short, ok := strings.CutSuffix(name, "persec"); ok {
			all[prefix][short] = base{bean: b, short: true}
		}
		if short, ok := strings.CutSuffix(name, "percent"); ok {
			all[prefix][short+"_percent"] = base{bean: b, percent: true}
		}
		if b.metric == Purgatory {
			for _, op := range operations {
				all[prefix][name+"_"+op] = base{bean: b, operation: op}
			}
		}
	}
	return all
}()

// series is a series as the text format writes it, before it is understood.
type series struct {
	name   string
	labels []label
	value  float64
}

type label struct{ name, value string }

// label returns the value of a label by its lower-case name: rules differ in whether they lower it.
func (s *series) label(name string) string {
	for _, l := range s.labels {
		if strings.EqualFold(l.name, name) {
			return l.value
		}
	}
	return ""
}

// wanted returns whether a series may be one of the table's, so that the labels of others need not be
// unpacked.
func wanted(name []byte) bool {
	for _, prefix := range []string{"kafka_", "process_", "jvm_", "java_"} {
		if len(name) > len(prefix) && strings.EqualFold(string(name[:len(prefix)]), prefix) {
			return true
		}
	}
	return false
}

// add understands a series and adds it, if it is one of the table's.
func (p *Page) add(s *series) {
	name := strings.ToLower(s.name)
	if !strings.HasPrefix(name, "kafka_") {
		p.addJVM(name, s)
		return
	}
	prefix, rest, ok := cutType(name)
	if !ok {
		return
	}
	beans := beansByName[prefix]
	if attr, isAttribute := attributes[strings.TrimSuffix(rest, "_total")]; isAttribute { // the name is in a label
		b, known := beans[strings.ToLower(s.label("name"))]
		if !known || b.short || b.percent || b.operation != "" {
			return
		}
		if p.store(b, attr, s, name) {
			p.votes[JMXExporterNoRule]++
		}
		return
	}
	b, attr, form, ok := understand(beans, rest, s)
	if ok && p.store(b, attr, s, name) && form != Unknown {
		p.votes[form]++
	}
}

// cutType splits a name after domain and type, neither of which holds an underscore.
func cutType(name string) (prefix, rest string, ok bool) {
	at := 0
	for range 3 {
		i := strings.IndexByte(name[at:], '_')
		if i < 0 {
			return "", "", false
		}
		at += i + 1
	}
	return name[:at-1], name[at:], true
}

// understand takes apart what follows domain and type. form is the dialect that writes it so, Unknown if
// several do.
func understand(beans map[string]base, rest string, s *series) (b base, attr Attr, form Dialect, ok bool) {
	if inner, total := strings.CutPrefix(rest, "total_"); total { // of the MBean without a topic, Bitnami's word
		rest, form = inner, Bitnami
	}
	if b, ok = beans[rest]; ok {
		attr = bare(b, s)
		if b.bean.shape == meter && !b.short && form == Unknown {
			form = Confluent
		}
		return b, attr, form, true
	}
	for _, suffix := range suffixes {
		name, has := strings.CutSuffix(rest, suffix.text)
		if b, ok = beans[name]; !has || !ok {
			continue
		}
		attr = suffix.attr
		switch {
		case form != Unknown:
		case suffix.text == "_value" || b.bean.shape == meter && suffix.text == "_count":
			form = Bitnami
		case suffix.text == "_total" && b.short:
			form = JMXExporter
		case suffix.text == "_total" && b.bean.shape == meter:
			form = StrimziReporter
		}
		return b, attr, form, true
	}
	return base{}, none, Unknown, false
}

// bare returns the attribute of a series whose name has no suffix.
func bare(b base, s *series) Attr {
	switch b.bean.shape {
	case gauge:
		return Value
	case meter:
		return Count
	case timer:
		quantile := s.label("quantile")
		if quantile == "" {
			return Count // Confluent: the count goes by the same name as the quantiles
		}
		return quantileAttr(quantile)
	case idle:
		if b.percent {
			return none // the mean since the broker started, which hardly moves
		}
		return Count
	}
	return none
}

// quantileAttr returns the attribute of a quantile, which may be written 0.5 or 0.50.
func quantileAttr(quantile string) Attr {
	q, err := strconv.ParseFloat(quantile, 64)
	switch {
	case err != nil:
		return none
	case q == 0.5:
		return P50
	case q == 0.95:
		return P95
	case q == 0.99:
		return P99
	}
	return none
}

// minIdleCount is the least count that a meter of nanoseconds can have once a page has been asked for. A
// ratio by the same name is far below it, and nobody knows over which time it was taken.
const minIdleCount = 1e6

// store adds a number of an MBean, and returns whether it is one that the table asks for.
func (p *Page) store(b base, attr Attr, s *series, source string) bool {
	if !b.bean.has(attr) || b.bean.shape == idle && attr == Count && s.value < minIdleCount {
		return false
	}
	k, ok := b.bean.key(attr, func(name string) string {
		if b.operation != "" && name == "delayedoperation" {
			return b.operation
		}
		return s.label(name)
	})
	if ok {
		p.put(k, s.value*b.bean.scale(attr), source)
	}
	return ok
}
