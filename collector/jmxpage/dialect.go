package jmxpage

// Dialect is whose rules made the names of a page.
type Dialect uint8

// The dialects.
const (
	Unknown           Dialect = iota // known numbers by names that fit several
	JMXExporter                      // the rules of jmx_exporter's Kafka example, Strimzi's and ours
	Confluent                        // Confluent's rules and those of Grafana's mixin
	Bitnami                          // the rules of Bitnami's chart
	StrimziReporter                  // Strimzi Metrics Reporter, without jmx_exporter
	JMXExporterNoRule                // jmx_exporter without rules
	Jolokia                          // MBeans by their own names

	dialects = iota
)

// String returns the dialect as the label of a series.
func (d Dialect) String() string {
	switch d {
	case JMXExporter:
		return "jmx_exporter"
	case Confluent:
		return "confluent"
	case Bitnami:
		return "bitnami"
	case StrimziReporter:
		return "strimzi_reporter"
	case JMXExporterNoRule:
		return "jmx_exporter_default"
	case Jolokia:
		return "jolokia"
	}
	return "unknown"
}
