// Package jmxpage reads what a Kafka broker says of itself over JMX, from whatever carries it, and gives
// it one set of names in base units.
//
// The same MBean has a different name on every page, as each exporter's rules make one up. Of the timer
// kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs, the 95th percentile is
//
//	kafka_log_logflushstats_logflushrateandtimems{quantile="0.95"}              jmx_exporter's example, Strimzi, Confluent
//	kafka_log_LogFlushStats_95thPercentile{name="LogFlushRateAndTimeMs"}        jmx_exporter without rules
//	{"mbean": "...", "95thPercentile": 1.2}                                     Jolokia
//	nowhere                                                                     Bitnami
//
// All of them are made of the same parts, though: domain, type and name of the MBean, an attribute, and
// the other key properties as labels. So there is one table, of MBeans (mbeans.go), and each page is taken
// apart into those parts (names.go for Prometheus' text format, jolokia.go for Jolokia). What the table
// does not know is skipped; what a page does not say is absent from the Page, never 0.
//
// Input is untrusted: a page is read as a stream, line by line, in memory that does not grow with it, and
// one that is not well formed to its end is refused as a whole. The package does no I/O of its own and
// knows nothing of Prometheus' client.
package jmxpage
